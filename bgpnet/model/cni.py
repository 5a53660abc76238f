"""What the CNI specification says between a runtime and a plug-in: versions, codes, requests, configurations.

https://github.com/containernetworking/cni/blob/main/SPEC.md
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from bgpnet.model.net import Address

SUPPORTED_VERSIONS: Final = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
NEWEST_VERSION: Final = SUPPORTED_VERSIONS[-1]


class CniCode(IntEnum):
    """Codes of error answers: the specification's below 100, ours from 100."""

    INCOMPATIBLE_VERSION = 1
    UNSUPPORTED_FIELD = 2
    BAD_ENVIRONMENT = 4
    IO_FAILURE = 5
    UNDECODABLE = 6
    INVALID_CONFIG = 7
    TRY_AGAIN_LATER = 11
    NOT_AVAILABLE = 50
    ALREADY_ATTACHED = 100
    NO_FREE_ADDRESS = 101
    KERNEL_REFUSED = 102
    INTERNAL = 103


class Command(StrEnum):
    """CNI_COMMAND, without VERSION: the shim answers that one itself."""

    ADD = "ADD"
    DEL = "DEL"
    CHECK = "CHECK"
    GC = "GC"
    STATUS = "STATUS"


@dataclass(frozen=True, slots=True, order=True)
class Attachment:
    """The specification's primary key: a container's interface in a network."""

    network: str
    container: str
    ifname: str

    def __str__(self) -> str:
        return f"{self.container}/{self.ifname} in network {self.network}"


@dataclass(frozen=True, slots=True)
class PodLink:
    """An attachment as the kernel holds it: the host's end of the veth pair and the pod's addresses."""

    attachment: Attachment
    name: str
    index: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Dns:
    """The `dns` object of a configuration, passed on in the result."""

    nameservers: tuple[str, ...] = ()
    domain: str = ""
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """A plug-in configuration. `mtu` is in bytes, 0 when the node's applies.

    `valid` is GC's list of (container, ifname) that still exist; None when the runtime sent none.
    """

    version: str
    name: str
    mtu: int = 0
    dns: Dns = Dns()
    valid: frozenset[tuple[str, str]] | None = None
