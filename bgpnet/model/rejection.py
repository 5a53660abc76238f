"""Why something was not done: one bad object harms itself alone, and says so."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Closed set of reasons; `status`, `why` and metrics use these names."""

    # an object cannot be read
    BROKEN_FILE = "BrokenFile"
    UNKNOWN_KIND = "UnknownKind"
    UNKNOWN_FIELD = "UnknownField"
    INVALID_FIELD = "InvalidField"
    HOST_BITS_SET = "HostBitsSet"
    DUPLICATE_OBJECT = "DuplicateObject"
    SOURCE_GONE = "SourceGone"
    # this node
    NO_NODE = "NoNode"
    NO_ADDRESS = "NoAddress"
    # prefixes of this node
    OUTSIDE_POOLS = "OutsidePools"
    PREFIX_CONFLICT = "PrefixConflict"
    DEFAULT_ROUTE = "DefaultRoute"
    OVER_BUDGET = "OverBudget"
    NO_NEXT_HOP = "NoNextHop"
    NO_SESSION = "NoSession"
    # peers
    OWN_ADDRESS = "OwnAddress"
    DUPLICATE_PEER = "DuplicatePeer"
    NOT_CONNECTED = "NotConnected"
    NO_ROUTER_ID = "NoRouterId"
    NO_LOCAL_ASN = "NoLocalASN"
    PASSWORD_UNREADABLE = "PasswordUnreadable"  # noqa: S105 - a reason's name
    # learned routes
    NOT_REQUESTED = "NotRequested"
    OWN_PREFIX = "OwnPrefix"
    OWN_NEXT_HOP = "OwnNextHop"
    AS_LOOP = "AsLoop"
    UNREACHABLE_NEXT_HOP = "UnreachableNextHop"
    MARTIAN = "Martian"
    FOREIGN_ROUTE = "ForeignRoute"
    # carrying the plan out
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
        if not self.file:
            return f"{self.kind}/{self.name}"
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.kind}/{self.name} ({place})" if self.name else place


@dataclass(frozen=True, slots=True, order=True)
class Rejection:
    """One thing that was refused: which object and field, what was found there, why, and what to do."""

    object: ObjectRef
    field: str
    found: str
    reason: Reason
    remedy: str

    def __str__(self) -> str:
        where = f"{self.object}: {self.field}" if self.field else str(self.object)
        found = f" is {self.found}" if self.found else ""
        return f"{where}{found}: {self.reason}: {self.remedy}"
