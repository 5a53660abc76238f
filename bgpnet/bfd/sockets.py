"""UDP sockets for BFD over one hop (RFC 5881 §4, §5), and what they bring."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from bgpnet.model.bfd import BfdSession
from bgpnet.model.net import Address

PORT: Final = 3784

SOURCE_PORTS: Final = (49152, 65535)

TTL: Final = 255
"""Sent, and asked for: no router has passed the packet on (RFC 5082)."""

_IPV4: Final = 4
_IP_PKTINFO, _IP_RECVTTL = 8, 12  # linux/in.h; the standard library names neither for all its versions
_SO_PRIORITY_CONTROL: Final = 7  # TC_PRIO_CONTROL, linux/pkt_sched.h
_CLASS_SELECTOR_6: Final = 0xC0  # RFC 4594 §3.2: network control

_BUFFER: Final = 1 << 20
"""Bytes asked for: a flood must not push a peer's packets out while this process waits for a processor."""

_LONGEST: Final = 512
"""Bytes read of a datagram: a BFD packet says its length in one byte."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came."""

    payload: bytes
    source: str
    """Address, as text."""
    destination: bytes
    """Address, packed."""
    ttl: int
    """0 where the kernel did not tell."""


def listening(link: str, version: int) -> socket.socket:
    """A socket that hears BFD packets of one IP version on one link.

    Raises:
        OSError: there is no such link, or another program has the port.
    """
    with _made(version) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        if version == _IPV4:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.bind(("", PORT))
        return sock


def sending(session: BfdSession, source_port: int, chance: Random) -> socket.socket:
    """A connected socket from the session's address, on its link, with a source port of its own.

    `source_port`: the one to take where it is free; 0: any of the range.

    Raises:
        OSError: the link or the address is not there, or no port is free.
    """
    version = session.peer.version
    first, last = SOURCE_PORTS
    tried = [source_port] if source_port else []
    tried += [chance.randint(first, last) for _ in range(16)]
    for port in tried:
        with contextlib.suppress(_TakenError), _made(version) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, session.link.encode())
            with contextlib.suppress(PermissionError):  # needs CAP_NET_ADMIN, since Linux 5.19 or CAP_NET_RAW
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _SO_PRIORITY_CONTROL)
            if version == _IPV4:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, TTL)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _CLASS_SELECTOR_6)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, TTL)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _CLASS_SELECTOR_6)
            _bind(sock, session, port)
            sock.connect(_address(session, session.peer, PORT))
            return sock
    raise OSError(f"no UDP source port of {first} to {last} is free for {session.local_address}")


def received(sock: socket.socket) -> Datagram | None:
    """The next datagram; None when there is none."""
    try:
        payload, told, _, source = sock.recvmsg(_LONGEST, 128)
    except OSError:  # none, or the link has gone, which shows when something is sent
        return None
    ttl, destination = 0, b""
    for level, kind, content in told:
        if level == socket.IPPROTO_IP:
            if kind == socket.IP_TTL:
                ttl = struct.unpack_from("=i", content)[0]
            elif kind == _IP_PKTINFO:
                destination = content[8:12]  # struct in_pktinfo: index, local address, ipi_addr
        elif level == socket.IPPROTO_IPV6:
            if kind == socket.IPV6_HOPLIMIT:
                ttl = struct.unpack_from("=i", content)[0]
            elif kind == socket.IPV6_PKTINFO:
                destination = content[:16]
    return Datagram(payload, source[0], destination, ttl)


def without_zone(address: Address) -> str:
    """As the kernel tells it: the link is told apart."""
    return str(address).partition("%")[0]


class _TakenError(OSError):
    """The source port is in use."""


def _bind(sock: socket.socket, session: BfdSession, port: int) -> None:
    try:
        sock.bind(_address(session, session.local_address, port))
    except OSError as error:
        if error.errno == 98:  # noqa: PLR2004 - EADDRINUSE
            raise _TakenError from error
        raise


def _address(session: BfdSession, address: Address, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    if session.peer.version == _IPV4:
        return (str(address), port)
    scope = socket.if_nametoindex(session.link) if address.is_link_local else 0
    return (without_zone(address), port, 0, scope)


@contextlib.contextmanager
def _made(version: int) -> Iterator[socket.socket]:
    family = socket.AF_INET if version == _IPV4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        yield sock
    except BaseException:
        sock.close()
        raise
