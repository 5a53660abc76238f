"""A ping socket that sends from an address of the node's block.

The kernel's ping sockets (net/ipv4/ping.c) need no CAP_NET_RAW, but a group in `net.ipv4.ping_group_range`,
which holds for IPv6 too. Only replies to what this very socket sent come back: the kernel gives each its own
identifier.
"""

import os
import socket
from ipaddress import ip_address
from typing import Final

from bgpnet.drivers.probe import echo
from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.net import Address, Family, family_of
from bgpnet.model.plan import Sysctl
from bgpnet.model.probe import ProbeTarget

_SOL_IPV6: Final = 41
_FREEBIND: Final = {Family.IPV4: (socket.SOL_IP, 15), Family.IPV6: (_SOL_IPV6, 78)}
"""IP_FREEBIND, IPV6_FREEBIND (linux/in.h, in6.h): the address is on no link."""
_FAMILIES: Final = {
    Family.IPV4: (socket.AF_INET, socket.IPPROTO_ICMP),
    Family.IPV6: (socket.AF_INET6, socket.IPPROTO_ICMPV6),
}
_RANGE: Final = "net/ipv4/ping_group_range"


class Pinger:
    """Bound to one source.

    Raises:
        OSError: the kernel refuses the socket or the address.
    """

    def __init__(self, source: Address) -> None:
        self.family = family_of(source)
        self._socket = socket.socket(
            _FAMILIES[self.family][0],
            socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
            _FAMILIES[self.family][1],
        )
        try:
            self._socket.setsockopt(*_FREEBIND[self.family], 1)
            self._socket.bind((str(source), 0))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, target: ProbeTarget, sequence: int, nonce: bytes) -> None:
        """Send a probe.

        Raises:
            OSError: there is no way to the target.
        """
        self._socket.sendto(echo.request(self.family, sequence, nonce), self._at(target))

    def receive(self) -> tuple[Address, int, bytes] | None:
        """Sender, sequence and nonce of the next reply; None for anything else.

        Raises:
            BlockingIOError: nothing is left.
            OSError: of an earlier probe, such as an unreachable target.
        """
        message, sender = self._socket.recvfrom(512)
        found = echo.reply(self.family, message)
        return None if found is None else (ip_address(str(sender[0]).partition("%")[0]), *found)

    def _at(self, target: ProbeTarget) -> tuple[str, int] | tuple[str, int, int, int]:
        if not target.address.is_link_local or self.family is Family.IPV4:
            return str(target.address), 0
        return str(target.address), 0, 0, socket.if_nametoindex(target.link)


def opened(source: Address, sysctls: Sysctls) -> Pinger:
    """A ping socket; this process' group is let into the kernel's range where it is not in it.

    Raises:
        OSError, KernelError: the kernel refuses.
    """
    try:
        return Pinger(source)
    except PermissionError:
        found = sysctls.read((Sysctl(_RANGE, ""),))
        sysctls.set(Sysctl(_RANGE, widened(found[0].value if found else "1 0", os.getegid())))
        return Pinger(source)


def widened(present: str, group: int) -> str:
    """The range of groups, made to hold this one. `1 0`, the kernel's default, is the empty range."""
    low, high = map(int, present.split())
    return f"{min(low, group)} {max(high, group)}" if low <= high else f"{group} {group}"
