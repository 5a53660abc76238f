"""What the loop needs of its drivers: narrow seams, so that tests put facts in their place."""

from collections.abc import Sequence
from typing import Protocol

from bgpnet.model.bfd import Bfd, BfdSession
from bgpnet.model.bgp import Speaker
from bgpnet.model.blocks import Blocks
from bgpnet.model.claims import Claimed, Wanted
from bgpnet.model.declared import Declared
from bgpnet.model.diff import KernelChange
from bgpnet.model.drain import Drain
from bgpnet.model.errors import KernelError
from bgpnet.model.kernel import Kernel, NextHopObject
from bgpnet.model.nat import Translation
from bgpnet.model.net import Address
from bgpnet.model.plan import Announcement, Session, Sysctl
from bgpnet.model.probe import Probe, ProbeResult
from bgpnet.model.rejection import Rejection


class SourceDoor(Protocol):
    """Where the declared objects come from."""

    def declared(self) -> Declared | None:
        """What is declared; None before the first full read."""

    def unread(self) -> tuple[Rejection, ...]:
        """What keeps it from being read, while nothing is declared."""


class ClaimsDoor(Protocol):
    """Claims to blocks."""

    def want(self, wanted: Wanted | None) -> None:
        """What ought to be; None: not known, touch nothing."""

    def claimed(self) -> Claimed:
        """What became of it."""


class KernelDoor(Protocol):
    """Links, routes and nexthop objects of the host."""

    async def dump(self) -> Kernel:
        """All that there is."""

    async def next_hops(self) -> tuple[NextHopObject, ...]:
        """The nexthop objects alone: there are few of them, however many routes."""

    async def apply(self, changes: Sequence[KernelChange]) -> tuple[tuple[KernelChange, KernelError], ...]:
        """Carry out changes in order; those that were refused."""


class SysctlDoor(Protocol):
    """Kernel settings."""

    def read(self, wanted: tuple[Sysctl, ...]) -> tuple[Sysctl, ...]:
        """The present values of these settings; one that does not exist is left out."""

    def set(self, sysctl: Sysctl) -> None:
        """Record the value found, then write the new one."""


class NatDoor(Protocol):
    """Our table of nftables."""

    async def observed(self) -> tuple[Translation, ...] | None:
        """What it does; nothing where there is none, None: that is not known."""

    async def write(self, wanted: tuple[Translation, ...]) -> None:
        """Have it do this, in one transaction; delete it where there is nothing to do."""


class BlocksDoor(Protocol):
    """The file by which the CNI server gets its blocks."""

    def read(self) -> Blocks | None:
        """What was handed over last; None when nothing was."""

    def write(self, blocks: Blocks) -> None:
        """Hand over, atomically."""


class SpeakerDoor(Protocol):
    """The BGP speaker."""

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """What the speaker refused."""

    def want(
        self,
        sessions: tuple[Session, ...] | None,
        announcements: tuple[Announcement, ...] | None,
        advertise: tuple[str, ...],
    ) -> None:
        """What ought to be; None: not known, touch nothing. `advertise`: links to tell of the node on."""

    def failed(self, peers: tuple[Address, ...]) -> None:
        """Peers to which the path has failed: the session with one that was not named before ends."""

    def observed(self) -> Speaker | None:
        """What the speaker told; None before it told anything."""


class ProbeDoor(Protocol):
    """The return-path probe."""

    def want(self, probes: tuple[Probe, ...]) -> None:
        """What is to be probed."""

    def observed(self) -> tuple[ProbeResult, ...]:
        """What came of it."""


class BfdDoor(Protocol):
    """The watcher of the paths to routers."""

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """What keeps the sessions from being handed over."""

    def want(self, sessions: tuple[BfdSession, ...] | None) -> None:
        """The sessions that ought to be; None: not known, touch nothing."""

    def observed(self) -> Bfd | None:
        """What it told last; None before it told anything."""


class DrainDoor(Protocol):
    """Whether the node is being drained."""

    def stage(self, label: str | None, wait: float) -> Drain | None:
        """How far it is; None: it is in service. `label` is what the Node says, `wait` is in seconds."""
