"""What the CNI specification says between a runtime and a plug-in: versions, codes, requests, configurations.

https://github.com/containernetworking/cni/blob/main/SPEC.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

from bgpnet.model.net import Address

SUPPORTED_VERSIONS: Final = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
NEWEST_VERSION: Final = SUPPORTED_VERSIONS[-1]

COOLING: Final = 5.0
"""Seconds for which a freed address is not given, where the configuration says nothing."""


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
    ADDRESS_UNAVAILABLE = 104
    CHECK_FAILED = 105
    NAMESPACE_NOT_SERVED = 106

    @property
    def meaning(self) -> str:
        """In words: `no free address`."""
        return self.name.lower().replace("_", " ")


class Command(StrEnum):
    """CNI_COMMAND, without VERSION and STATUS: the shim answers these itself."""

    ADD = "ADD"
    DEL = "DEL"
    CHECK = "CHECK"
    GC = "GC"


FIRST_VERSION: Final[Mapping[Command, str]] = {Command.CHECK: "0.4.0", Command.GC: "1.1.0"}
"""The version in which a command appeared, where that is not the oldest one that we speak."""


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
class PreviousInterface:
    """An interface of a result. `sandbox` is '' for one of the host, `mac` '' where unsaid."""

    name: str
    mac: str
    sandbox: str


@dataclass(frozen=True, slots=True)
class PreviousAddress:
    """An address of a result, and the place of its interface in the result's list, None where unsaid."""

    address: Address
    interface: int | None


@dataclass(frozen=True, slots=True)
class PreviousResult:
    """The result that a configuration brings along: of the plug-ins before us (ADD), or of the ADD (CHECK).

    `json` is the whole of it.
    """

    interfaces: tuple[PreviousInterface, ...]
    addresses: tuple[PreviousAddress, ...]
    json: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """A plug-in configuration, with what the runtime put in.

    `mtu` is in bytes, 0 when the node's applies; `mac` is b"" when we choose; `wanted` are the addresses
    asked for, at most one of a family. `cooling` is in seconds. `valid` is GC's list of (container, ifname)
    that still exist; None when the runtime sent none.
    """

    version: str
    name: str
    mtu: int = 0
    mac: bytes = b""
    wanted: tuple[Address, ...] = ()
    cooling: float = COOLING
    dns: Dns = Dns()
    previous: PreviousResult | None = None
    valid: frozenset[tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class PodName:
    """The Kubernetes pod that a container belongs to; all '' where there is no Kubernetes."""

    namespace: str = ""
    name: str = ""
    uid: str = ""
