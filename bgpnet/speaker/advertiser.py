"""Tells routers on some links that this node is there: router advertisements (RFC 4861 §6.2).

A router that peers with whomever it hears on a port (BGP unnumbered) learns our link-local address from them.
One raw socket for all links, in the supervisor's loop; it never waits.
"""

import fcntl
import logging
import selectors
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from bgpnet.speaker.advertisement import ADVERTISEMENT, HOP_LIMIT, SOLICITATION, Schedule, packet

_log = logging.getLogger(__name__)

_ALL_NODES: Final = "ff02::1"
_ALL_ROUTERS: Final = socket.inet_pton(socket.AF_INET6, "ff02::2")
_ICMP6_FILTER: Final = 1  # linux/icmpv6.h; a set bit keeps a type out
_SIOCGIFHWADDR: Final = 0x8927
_INTERFACE: Final = struct.Struct("16s24x")
"""struct ifreq: the name, then a union of 24 bytes."""
_HARDWARE: Final = slice(18, 24)
"""Of struct ifreq: sa_data of the answer."""
_PACKET_INFO: Final = struct.Struct("=16sI")
_BUFFER: Final = 2048
_AT_ONCE: Final = 64
_ANSWERED: Final = 16
"""Routers of one link that are told by themselves, at most; a link has one."""
_LOOK_AGAIN: Final = 1.0
"""Seconds until a link that is not there is looked for again."""
_NOTHING_TO_DO: Final = 60.0


class Advertiser:
    """Sends on the links that it was told of, as long as they are there.

    Args:
        selector: the supervisor's.
        clock: monotonic seconds.
        chance: gives 0 to 1.
    """

    def __init__(
        self, selector: selectors.BaseSelector, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self.error = ""
        """Why nothing can be sent; empty when it can."""
        self._selector = selector
        self._clock = clock
        self._chance = chance
        self._names: frozenset[str] = frozenset()
        self._links: dict[str, tuple[int, Schedule]] = {}
        self._heard: set[tuple[int, str]] = set()
        """Links and routers that told of themselves since we last did."""
        self._socket: socket.socket | None = None

    def want(self, names: Iterable[str]) -> None:
        """The links to advertise on from now."""
        self._names, self._heard = frozenset(names), set()
        self._links = {name: link for name, link in self._links.items() if name in self._names}
        if self._names and self._socket is None:
            self._open()
        elif not self._names and self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def advance(self, now: float) -> float:
        """Send what is due; the moment of the next one."""
        if self._socket is None:
            return now + _NOTHING_TO_DO
        for name in self._names:
            self._look(name, self._socket, now)
        for name, (index, schedule) in self._links.items():
            if now >= schedule.due:
                self._send(name, index, schedule, now)
        missing = now + (_LOOK_AGAIN if len(self._links) < len(self._names) else _NOTHING_TO_DO)
        return min([missing, *(schedule.due for _, schedule in self._links.values())])

    def _open(self) -> None:
        try:
            link = socket.socket(
                socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMPV6
            )
        except OSError as error:
            self.error = f"router advertisements cannot be sent: {error.strerror}; they need CAP_NET_RAW"
            _log.error("%s", self.error)
            return
        link.setblocking(False)  # noqa: FBT003 - the library's
        wanted = bytearray(b"\xff" * 32)
        for kind in (SOLICITATION, ADVERTISEMENT):
            word, bit = divmod(kind, 32)
            mask = int.from_bytes(wanted[4 * word : 4 * word + 4], sys.byteorder) & ~(1 << bit)
            wanted[4 * word : 4 * word + 4] = mask.to_bytes(4, sys.byteorder)
        link.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(wanted))
        for option, value in (
            (socket.IPV6_RECVPKTINFO, 1),
            (socket.IPV6_RECVHOPLIMIT, 1),
            (socket.IPV6_MULTICAST_HOPS, HOP_LIMIT),
            (socket.IPV6_UNICAST_HOPS, HOP_LIMIT),
            (socket.IPV6_MULTICAST_LOOP, 0),
        ):
            link.setsockopt(socket.IPPROTO_IPV6, option, value)
        self.error = ""
        self._socket = link
        self._selector.register(link, selectors.EVENT_READ, lambda _events: self._read(link))

    def _look(self, name: str, link: socket.socket, now: float) -> None:
        """Whether the link is there; one of the same name may be another one than before."""
        try:
            index = socket.if_nametoindex(name)
        except OSError:
            self._links.pop(name, None)
            return
        if name in self._links and self._links[name][0] == index:
            return
        with suppress(OSError):  # only solicitations are missed
            group = _PACKET_INFO.pack(_ALL_ROUTERS, index)
            link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        self._links[name] = (index, Schedule(now, self._chance))

    def _send(self, name: str, index: int, schedule: Schedule, now: float) -> None:
        assert self._socket is not None  # noqa: S101 - links are kept only while it is there
        info = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PACKET_INFO.pack(bytes(16), index))
        try:
            whole = packet(_mac(self._socket, name))
            self._socket.sendmsg([whole], [info], 0, (_ALL_NODES, 0, 0, index))
            self._tell_heard(index, [whole], [info], self._socket)
        except OSError as error:
            _log.debug("no router advertisement sent link=%s error=%r", name, error.strerror)
            schedule.failed(now)
        else:
            schedule.sent(now)

    def _tell_heard(
        self, index: int, whole: list[bytes], info: list[tuple[int, int, bytes]], link: socket.socket
    ) -> None:
        """Tell the routers that were heard by themselves, too.

        An advertisement may lack its sender's address on the link, as those of BIRD: the kernel then does not
        even note that there is a router (ndisc_router_discovery in net/ipv6/ndisc.c). To send to it, the
        kernel asks for that address, and the answer says that it is a router.
        """
        for at, source in [each for each in self._heard if each[0] == index]:
            self._heard.discard((at, source))
            with suppress(OSError):
                link.sendmsg(whole, info, 0, (source, 0, 0, index))

    def _read(self, link: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                piece, told, _, source = link.recvmsg(_BUFFER, 128)
            except OSError:
                return
            found = {kind: value for level, kind, value in told if level == socket.IPPROTO_IPV6}
            if not piece or _number(found.get(socket.IPV6_HOPLIMIT, b"")) != HOP_LIMIT:
                continue
            index = _number(found.get(socket.IPV6_PKTINFO, b"")[16:20])
            heard = [schedule for at, schedule in self._links.values() if at == index]
            for schedule in heard:
                schedule.heard(self._clock())
            if heard and piece[0] == ADVERTISEMENT and len(self._heard) < _ANSWERED:
                self._heard.add((index, source[0].partition("%")[0]))
            _log.debug("router heard index=%d source=%s", index, source[0])


def _mac(link: socket.socket, name: str) -> bytes:
    request = _INTERFACE.pack(name.encode())
    return fcntl.ioctl(link, _SIOCGIFHWADDR, request)[_HARDWARE]


def _number(value: bytes) -> int:
    return int.from_bytes(value[:4], sys.byteorder)
