"""Why something was not done: one bad object harms itself alone, and says so."""

from dataclasses import dataclass
from enum import StrEnum

from bgpnet.model.text import printable


class Reason(StrEnum):
    """Closed set of reasons; `status`, `why` and metrics use these names."""

    # an object cannot be read
    BROKEN_FILE = "BrokenFile"
    UNREADABLE_FILE = "UnreadableFile"
    UNKNOWN_KIND = "UnknownKind"
    UNKNOWN_FIELD = "UnknownField"
    INVALID_FIELD = "InvalidField"
    HOST_BITS_SET = "HostBitsSet"
    DUPLICATE_OBJECT = "DuplicateObject"
    SOURCE_GONE = "SourceGone"
    STALE_SOURCE = "StaleSource"
    # this node
    NO_NODE = "NoNode"
    NO_ADDRESS = "NoAddress"
    # prefixes of this node
    OUTSIDE_POOLS = "OutsidePools"
    POOL_CONFLICT = "PoolConflict"
    POOL_FULL = "PoolFull"
    NO_POOL = "NoPool"
    NO_PREFIX = "NoPrefix"
    CONTESTED = "Contested"
    STRANDED_POD = "StrandedPod"
    ANNOUNCED_ELSEWHERE = "AnnouncedElsewhere"
    PREFIX_CONFLICT = "PrefixConflict"
    DEFAULT_ROUTE = "DefaultRoute"
    OVER_BUDGET = "OverBudget"
    NO_NEXT_HOP = "NoNextHop"
    NO_SESSION = "NoSession"
    NOT_ADVERTISED = "NotAdvertised"
    AGGREGATED = "Aggregated"
    NO_LOOPBACK = "NoLoopback"
    # peers
    OWN_ADDRESS = "OwnAddress"
    DUPLICATE_PEER = "DuplicatePeer"
    NOT_CONNECTED = "NotConnected"
    NO_GATEWAY = "NoDefaultGateway"
    NO_INTERFACE = "NoInterface"
    NO_LINK_LOCAL = "NoLinkLocal"
    NO_NEIGHBOUR = "NoNeighbour"
    SEVERAL_NEIGHBOURS = "SeveralNeighbours"
    ROUTER_ID_CLASH = "RouterIdClash"
    NO_LOCAL_ASN = "NoLocalASN"
    NO_FILTER = "NoFilter"
    BFD_UNAVAILABLE = "BfdUnavailable"
    PASSWORD_UNREADABLE = "PasswordUnreadable"  # noqa: S105 - a reason's name
    MAX_PREFIX_REACHED = "MaxPrefixReached"
    MAX_PREFIX_NEAR = "MaxPrefixNear"
    # routers' configurations
    NO_ROUTER = "NoRouter"
    ROUTER_CONFLICT = "RouterConflict"
    NOT_EXPRESSIBLE = "NotExpressible"
    # learned routes and announcements
    FILTERED = "Filtered"
    NOT_REQUESTED = "NotRequested"
    OWN_PREFIX = "OwnPrefix"
    OWN_NEXT_HOP = "OwnNextHop"
    LINK_ADDRESS = "LinkAddress"
    AS_LOOP = "AsLoop"
    REFLECTION_LOOP = "ReflectionLoop"
    UNREACHABLE_NEXT_HOP = "UnreachableNextHop"
    MARTIAN = "Martian"
    FOREIGN_ROUTE = "ForeignRoute"
    FOREIGN_NEXT_HOP = "ForeignNextHop"
    # carrying the plan out
    API_REFUSED = "ApiRefused"
    UNDONE = "UndoneByAnother"
    NAT_UNAVAILABLE = "NatUnavailable"
    KERNEL_REFUSED = "KernelRefused"
    SPEAKER_REFUSED = "SpeakerRefused"


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """An object as its author knows it. `file` and `line` (from 1; 0 unknown) are set by the files source."""

    kind: str
    name: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        name = printable(f"{self.kind}/{self.name}")
        if not self.file:
            return name
        place = printable(self.file) + (f":{self.line}" if self.line else "")
        return f"{name} ({place})" if self.name else place


@dataclass(frozen=True, slots=True, order=True)
class Rejection:
    """One thing that was refused: which object and field, what was found there, why, and what to do.

    `field` is empty where the object as a whole is meant: a file, a route.
    """

    object: ObjectRef
    field: str
    found: str
    reason: Reason
    remedy: str

    def __str__(self) -> str:
        found = f"{self.field} is {self.found}" if self.field and self.found else self.field or self.found
        return ": ".join(part for part in (str(self.object), found, self.reason, self.remedy) if part)
