"""Why a pod's namespace gets no address on this node."""

from bgpnet.model.blocks import Blocks
from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError


def not_served(blocks: Blocks, namespace: str) -> CniError:
    """The answer to a pod of the namespace, for which there is no prefix."""
    if blocks.serves(namespace):
        return CniError(
            CniCode.TRY_AGAIN_LATER,
            f"this node has no block yet of the IPPools for namespace {namespace or 'unknown'}",
            "it claims one as soon as there is such a namespace; `bgpnet status` tells what is in the way",
        )
    if not namespace:
        return CniError(
            CniCode.NAMESPACE_NOT_SERVED,
            "every IPPool of this node has a namespaceSelector, and the runtime tells no K8S_POD_NAMESPACE",
            "have the runtime tell it in CNI_ARGS, or add an IPPool without namespaceSelector",
        )
    return CniError(
        CniCode.NAMESPACE_NOT_SERVED,
        f"no IPPool of this node is for namespace {namespace}",
        f"label the namespace so that a namespaceSelector selects it (`kubectl get namespace {namespace} "
        "--show-labels`), or add an IPPool without one",
    )
