"""What of a saved state may still be told, while the API server cannot be asked."""

from bgpnet.model.declared import DeclaredNode
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import Prefix, covers
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.advertised import pod_addresses

FRESH = 3600.0
"""Seconds for which the prefixes that Kubernetes gave a node are believed."""


def trusted(
    node: DeclaredNode, prefixes: tuple[Prefix, ...], age: float, kernel: Kernel
) -> tuple[tuple[Prefix, ...], tuple[Rejection, ...]]:
    """The prefixes in which the kernel has a pod, and `spec.podCIDRs` while the state is fresh.

    Any other may be another node's by now. `age` is that of the state, seconds.
    """
    pods = pod_addresses(kernel.routes)

    def sure(prefix: Prefix) -> bool:
        if prefix in node.pod_cidrs and age < FRESH:
            return True
        return any(covers(prefix, pod) for pod in pods)

    remedy = (
        f"the API server cannot be asked, and the state of {_minutes(age)} ago may not hold: no pod is in "
        "the prefix, so it is not announced until the API server answers"
    )
    refused = [
        Rejection(node.ref, "", str(prefix), Reason.STALE_SOURCE, remedy)
        for prefix in prefixes
        if not sure(prefix)
    ]
    return tuple(prefix for prefix in prefixes if sure(prefix)), tuple(refused)


def _minutes(age: float) -> str:
    return "an unknown time" if age == float("inf") else f"{age / 60:.0f} minutes"
