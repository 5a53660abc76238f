"""Which model reads which kind."""

from collections.abc import Mapping
from typing import Final

from bgpnet.model.crd.bgpconfiguration import BGPConfiguration
from bgpnet.model.crd.bgpfilter import BGPFilter
from bgpnet.model.crd.bgppeer import BGPPeer
from bgpnet.model.crd.ipblock import IPBlock
from bgpnet.model.crd.ippool import IPPool
from bgpnet.model.crd.meta import API_VERSION, Manifest
from bgpnet.model.crd.namespace import Namespace
from bgpnet.model.crd.node import Node
from bgpnet.model.crd.secret import Secret

KINDS: Final[Mapping[tuple[str, str], type[Manifest]]] = {
    (API_VERSION, "BGPConfiguration"): BGPConfiguration,
    (API_VERSION, "BGPFilter"): BGPFilter,
    (API_VERSION, "BGPPeer"): BGPPeer,
    (API_VERSION, "IPBlock"): IPBlock,
    (API_VERSION, "IPPool"): IPPool,
    ("v1", "Namespace"): Namespace,
    ("v1", "Node"): Node,
    ("v1", "Secret"): Secret,
}
