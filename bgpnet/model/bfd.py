"""What the agent asks of `bgpnet bfd`, and what that tells: typed, and as JSON. Imports little on purpose."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any, Final, TypeVar

from bgpnet.model.net import Address

T = TypeVar("T")

VERSION: Final = 1
"""Of the file and of the stream: another is not read."""


@dataclass(frozen=True, slots=True)
class BfdTimers:
    """What this side asks for. `interval`: milliseconds between packets, both ways."""

    interval: int
    multiplier: int
    """Packets that may be missed before the session is down: this many less one."""


@dataclass(frozen=True, slots=True)
class BfdSession:
    """A session to keep with a router that is one hop away (RFC 5881)."""

    peer: Address
    local_address: Address
    link: str
    timers: BfdTimers
    admin_down: bool = False
    """Taken down on purpose (RFC 5880 §6.8.16): no failure for the other side."""


@dataclass(frozen=True, slots=True)
class ObservedBfd:
    """A session as `bgpnet bfd` reports it."""

    peer: Address
    link: str
    state: str
    """AdminDown, Down, Init or Up; of the other side in `remote_state`, as it said last."""
    remote_state: str
    since: float
    """Seconds since the epoch at which it entered `state`."""
    failed: bool
    """It was Up and ended, and nobody said that this was on purpose: the path is not to be used."""
    last_error: str = ""
    """Why it was lost last; empty when it never was."""
    last_error_at: float = 0.0
    error: str = ""
    """What keeps this side from sending at all; empty when nothing does."""
    flaps: int = 0
    """Times that it left Up."""
    interval: float = 0.0
    """Milliseconds between packets of ours, agreed; 0: none is sent unasked."""
    detection: float = 0.0
    """Milliseconds of silence that end the session, agreed; 0 before the other side was heard."""
    remote_independent: bool = False
    """The other side's C bit: its BFD outlives its BGP."""
    sent: int = 0
    received: int = 0
    """Packets that were taken."""
    dropped: tuple[tuple[str, int], ...] = ()
    """Packets of the peer's address that were not, by reason."""


@dataclass(frozen=True, slots=True)
class Bfd:
    """Everything that `bgpnet bfd` tells."""

    sessions: tuple[ObservedBfd, ...] = ()
    stray: tuple[tuple[str, int], ...] = ()
    """Packets of nobody's address, by reason."""

    def states(self) -> tuple[tuple[object, ...], ...]:
        """What a plan may depend on: all but counters."""
        return tuple((each.peer, each.state, each.failed, each.error) for each in self.sessions)


def written(sessions: Iterable[BfdSession]) -> bytes:
    """The file by which the agent hands its sessions over."""
    return _dumped({"version": VERSION, "sessions": [asdict(each) for each in sessions]})


def read(content: bytes) -> tuple[BfdSession, ...]:
    """The sessions in that file.

    Raises:
        ValueError: it is no such file, or one of another version.
    """
    return tuple(_sessions(content, _session))


def told(bfd: Bfd) -> bytes:
    """A line of the stream from `bgpnet bfd`."""
    return _dumped({"version": VERSION, **asdict(bfd)})


def heard(line: bytes) -> Bfd:
    """What such a line says.

    Raises:
        ValueError: it is no such line, or one of another version.
    """
    sessions = tuple(_sessions(line, _observed))
    return Bfd(sessions, _counts(json.loads(line).get("stray", ())))


def _dumped(content: object) -> bytes:
    return json.dumps(content, default=str).encode() + b"\n"  # the default is for addresses


def _sessions(content: bytes, made: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    try:
        loaded = json.loads(content)
        version = loaded["version"]
        if version != VERSION:
            raise ValueError(f"its version is {version!r}, not {VERSION}")
        for entry in loaded["sessions"]:
            yield made(entry)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__} {error}") from error


def _session(entry: dict[str, Any]) -> BfdSession:
    timers = BfdTimers(**entry.pop("timers"))
    peer, local = ip_address(entry.pop("peer")), ip_address(entry.pop("local_address"))
    return BfdSession(peer=peer, local_address=local, timers=timers, **entry)


def _observed(entry: dict[str, Any]) -> ObservedBfd:
    dropped = _counts(entry.pop("dropped", ()))
    return ObservedBfd(peer=ip_address(entry.pop("peer")), dropped=dropped, **entry)


def _counts(pairs: Iterable[Any]) -> tuple[tuple[str, int], ...]:
    return tuple((str(reason), int(count)) for reason, count in pairs)
