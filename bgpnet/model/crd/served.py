"""How the API server serves each kind: its names, what `kubectl get` shows, and rules over several fields.

What a schema cannot say is a rule in CEL. It repeats a validator of the model, which stays the judge where no
API server stands in front; rules of single fields stand with the fields (`fields.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from bgpnet.model.crd.bgpconfiguration import BGPConfiguration
from bgpnet.model.crd.bgpfilter import (
    BGPFilter,
    BGPFilterSpec,
    CommunitiesChange,
    ExportRule,
    ExportSet,
    ImportRule,
    ImportSet,
)
from bgpnet.model.crd.bgpnodestatus import BGPNodeStatus
from bgpnet.model.crd.bgppeer import BGPPeer, BGPPeerSpec
from bgpnet.model.crd.ipblock import IPBlock
from bgpnet.model.crd.ippool import IPPool, IPPoolSpec
from bgpnet.model.crd.objectstatus import ReportedObject, ReportedPeer
from bgpnet.model.crd.prefixrange import PrefixRange
from bgpnet.model.crd.selector import LabelExpression


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`. `wide`: only with `-o wide`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """One kind of the group."""

    model: type[BaseModel]
    plural: str
    short_name: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    """Fields that a list or a watch may be narrowed by."""
    status: type[BaseModel] | None = None
    """Model whose field `status` is what the agents write into it."""


AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

TAKEN: Final = Column("Accepted", ".status.conditions[?(@.type=='Accepted')].status")

WHY: Final = Column("Reason", ".status.conditions[?(@.type=='Accepted')].reason", wide=True)

SERVED: Final = (
    Served(
        BGPConfiguration,
        "bgpconfigurations",
        "bgpconf",
        (
            Column("Local ASN", ".spec.localASN", "integer"),
            Column("Hold time", ".spec.holdTime", "integer"),
            Column("Budget", ".spec.maxPrefixesPerNode", "integer"),
            TAKEN,
            WHY,
            AGE,
        ),
        status=ReportedObject,
    ),
    Served(
        BGPPeer,
        "bgppeers",
        "bgppeer",
        (
            Column("Address", ".spec.peerAddress"),
            Column("ASN", ".spec.peerASN"),
            Column("Local ASN", ".spec.localASN", "integer", wide=True),
            Column("Families", ".spec.families", wide=True),
            Column("Sessions up", ".status.sessionsUp", "integer"),
            Column("Sessions", ".status.sessionsWanted", "integer"),
            TAKEN,
            WHY,
            AGE,
        ),
        status=ReportedPeer,
    ),
    Served(BGPFilter, "bgpfilters", "bgpfilter", (TAKEN, WHY, AGE), status=ReportedObject),
    Served(
        IPPool,
        "ippools",
        "ippool",
        (
            Column("CIDR", ".spec.cidr"),
            Column("Block size", ".spec.blockSize", "integer"),
            TAKEN,
            WHY,
            AGE,
        ),
        status=ReportedObject,
    ),
    Served(
        IPBlock,
        "ipblocks",
        "ipblock",
        (
            Column("CIDR", ".spec.cidr"),
            Column("Node", ".spec.node"),
            Column("Pool", ".spec.pool"),
            AGE,
        ),
        selectable=(".spec.node", ".spec.pool"),
    ),
    Served(
        BGPNodeStatus,
        "bgpnodestatuses",
        "bgpns",
        (
            Column("Ready", ".status.ready", "boolean"),
            Column("Sessions up", ".status.sessionsUp", "integer"),
            Column("Sessions", ".status.sessionsWanted", "integer"),
            Column("Prefixes", ".status.prefixes", wide=True),
            Column("Refused", ".status.refused", "integer"),
            Column("Version", ".status.version", wide=True),
            AGE,
        ),
        status=BGPNodeStatus,
    ),
)
"""Every kind of the group, in the order in which the documentation tells of them."""

_LENGTHS: Final = (
    "!isCIDR(self.prefix) || (!has(self.minLength) || self.minLength >= cidr(self.prefix).prefixLength())"
    " && (!has(self.maxLength) || self.maxLength >= (has(self.minLength) ? self.minLength"
    " : cidr(self.prefix).prefixLength()))"
    " && (cidr(self.prefix).ip().family() == 6"
    " || (!has(self.minLength) || self.minLength <= 32) && (!has(self.maxLength) || self.maxLength <= 32))"
)

_NAME_AS_CIDR: Final = (
    "self.metadata.name.contains('.') ? self.metadata.name.replace('-', '/') == self.spec.cidr"
    " : self.metadata.name.split('-').size() == 9"
    " && self.metadata.name.split('-', 9).all(part, size(part) <= 4)"
    " && size(self.metadata.name) == 40 + size(self.metadata.name.split('-')[8])"
    " && isCIDR(self.metadata.name.replace('-', ':', 7).replace('-', '/'))"
    " && cidr(self.metadata.name.replace('-', ':', 7).replace('-', '/')) == cidr(self.spec.cidr)"
)

_ONE_FAMILY: Final = (
    "!has(self.sourceAddress) || !has(self.peerAddress)"
    " || !isIP(self.sourceAddress) || !isIP(self.peerAddress)"
    " || ip(self.sourceAddress).family() == ip(self.peerAddress).family()"
)

_NEXT_DOOR: Final = (
    "has(self.peerAddress) || !has(self.sourceAddress)"
    " && (!has(self.multihop) || self.multihop == 1) && (!has(self.ttlSecurity) || self.ttlSecurity == 1)"
)

_ONE_WAY_TO_ROUTERS: Final = (
    "[has(self.peerAddress), has(self.fromDefaultGateway), has(self.fromInterface)].filter(each, each).size()"
    " == 1"
)

_SAME_SIZE: Final = (
    "has(self.blockSize) == has(oldSelf.blockSize)"
    " && (!has(self.blockSize) || self.blockSize == oldSelf.blockSize)"
)

_SIZE_FITS: Final = (
    "!has(self.blockSize) || !isCIDR(self.cidr) || self.blockSize >= cidr(self.cidr).prefixLength()"
    " && self.blockSize <= (cidr(self.cidr).ip().family() == 4 ? 32 : 128)"
)


def _nothing_set(gifts: type[BaseModel]) -> tuple[str, str]:
    none = " && ".join(f"!has(self.set.{field.alias})" for field in gifts.model_fields.values())
    return (
        f"self.action != 'reject' || !has(self.set) || {none}",
        "remove `set`, or write `action: accept`: what is rejected is given nothing",
    )


RULES: Final[Mapping[type[BaseModel], tuple[tuple[str, str], ...]]] = {
    BGPConfiguration: (
        ("self.metadata.name == 'default'", "there is one BGPConfiguration, and its name is default"),
    ),
    BGPFilterSpec: (
        (
            "has(self.import) && size(self.import) > 0 || has(self.export) && size(self.export) > 0",
            "write rules into `import` or `export`; a filter without any refuses everything",
        ),
    ),
    CommunitiesChange: (
        ("has(self.add) != has(self.replace)", "write either `add` or `replace`; `replace: []` removes all"),
    ),
    ImportRule: (_nothing_set(ImportSet),),
    ExportRule: (_nothing_set(ExportSet),),
    BGPPeerSpec: (
        (
            _ONE_FAMILY,
            "sourceAddress and peerAddress are of two families: write a source of the peer's",
        ),
        (_ONE_WAY_TO_ROUTERS, "set exactly one of peerAddress, fromDefaultGateway and fromInterface"),
        (
            "!has(self.multihop) || !has(self.ttlSecurity)",
            "remove multihop or ttlSecurity: a TTL that is checked is 255 (RFC 5082)",
        ),
        (
            _NEXT_DOOR,
            "a gateway is on the link: remove sourceAddress and hops beyond 1, or set peerAddress",
        ),
        (
            "!has(self.passwordFile) || !has(self.passwordSecret)",
            "remove passwordFile or passwordSecret: there is one password",
        ),
        (
            "!has(self.fromInterface) || !has(self.families) || 'ipv6' in self.families",
            "add ipv6 to families: over an interface IPv4 routes have IPv6 next hops",
        ),
    ),
    IPPoolSpec: (
        ("self.cidr == oldSelf.cidr", "cidr is immutable: make another IPPool, and delete this one"),
        (
            _SAME_SIZE,
            "blockSize is immutable: make another IPPool, and delete this one",
        ),
        (
            _SIZE_FITS,
            "blockSize is the prefix length of a block: at least that of cidr, at most that of an address",
        ),
    ),
    IPBlock: (
        (_NAME_AS_CIDR, "the name of an IPBlock is its cidr, with '-' for '/' (IPv6 exploded, '-' for ':')"),
        ("self.spec == oldSelf.spec", "an IPBlock does not change: delete it, and claim another"),
    ),
    PrefixRange: (
        (_LENGTHS, "write lengths with the prefix's own <= minLength <= maxLength <= an address's"),
    ),
    LabelExpression: (
        (
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            "In and NotIn need `values`, Exists and DoesNotExist take none",
        ),
    ),
}
"""Of objects and parts of objects, by the model that reads them: expression, and message that refuses."""
