"""What the kernel can do, found out by asking it; nothing is made."""

import errno
import os
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from bgpnet.drivers.netlink import wire
from bgpnet.drivers.netlink.talk import Talk
from bgpnet.model.hostfacts import Feature

_GET_NEXTHOP: Final = 106
_NHMSG: Final = struct.Struct("=BBBBI")
"""struct nhmsg: family, scope, protocol, reserved, flags (linux/nexthop.h)."""
_LINK: Final = struct.Struct("=BxHiII")
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND = 1, 3, 18, 1
_TCP_MD5SIG: Final = 14
_MD5: Final = struct.Struct("=HHIQ112xBBHI80s")
"""struct tcp_md5sig: an address of 128 bytes, flags, prefix length, key length, interface, key."""


def features() -> tuple[Feature, ...]:
    """What bgpnet needs of it."""
    asked: tuple[tuple[str, Callable[[], bool], str, str], ...] = (
        ("veth", _has_veth, "pods' links", "CONFIG_VETH"),
        ("nexthop objects", _has_nexthops, "routes over several routers", "version 5.3 or later"),
        ("multipath routes", _has_multipath, "two routers at once", "CONFIG_IP_ROUTE_MULTIPATH"),
        ("TCP MD5 signatures", _has_md5, "sessions with a password", "CONFIG_TCP_MD5SIG"),
        ("IPv6", _has_ipv6, "IPv6 prefixes", "CONFIG_IPV6, without ipv6.disable=1"),
    )
    return tuple(Feature(name, there(), purpose, option) for name, there, purpose, option in asked)


def sysctls_writable() -> bool:
    """Whether network settings may be changed."""
    return os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK)


def _has_veth() -> bool:
    """Asks for a link with a hardware address that no Ethernet link can have.

    It is refused in any case, but a kernel that knows the kind says that the address is wrong.
    """
    kind = wire.attribute(_IFLA_INFO_KIND, b"veth\0")
    wrong = wire.attribute(_IFLA_ADDRESS, bytes(5)) + wire.attribute(_IFLA_IFNAME, b"bgpnet-ask\0")
    body = _LINK.pack(0, 0, 0, 0, 0) + wrong + wire.attribute(_IFLA_LINKINFO, kind)
    try:
        with closing(Talk()) as talk:
            talk.change(wire.NEWLINK, wire.CREATE | wire.EXCLUSIVE, body)
    except OSError as error:
        return error.errno != errno.EOPNOTSUPP
    return True


def _has_nexthops() -> bool:
    try:
        with closing(Talk()) as talk, closing(talk.dump(_GET_NEXTHOP, _NHMSG.pack(0, 0, 0, 0, 0))) as parts:
            for _ in parts:
                pass
    except OSError as error:
        return error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}
    return True


def _has_multipath() -> bool:
    return Path("/proc/sys/net/ipv4/fib_multipath_hash_policy").exists()


def _has_md5() -> bool:
    key = b"ask"
    asked = _MD5.pack(socket.AF_INET, 0, 0x0100007F, 0, 0, 0, len(key), 0, key)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_MD5SIG, asked)
        except OSError as error:
            return error.errno != errno.ENOPROTOOPT
    return True


def _has_ipv6() -> bool:
    return Path("/proc/sys/net/ipv6/conf/all/forwarding").exists()
