"""Asks the kernel for our table, and hears of what happens to it (linux/netfilter/nf_tables.h)."""

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from typing import Final

from bgpnet.drivers.netlink import wire
from bgpnet.drivers.netlink.talk import Talk
from bgpnet.model.nat import TABLE

_NETFILTER: Final = 12  # NETLINK_NETFILTER
_GET_TABLE: Final = 10 << 8 | 1  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETTABLE
_HEAD: Final = struct.pack(">BBH", 1, 0, 0)  # struct nfgenmsg: NFPROTO_INET
_NAMED: Final = wire.attribute(1, TABLE.encode() + b"\0")  # NFTA_TABLE_NAME
_HANDLE: Final = 4  # NFTA_TABLE_HANDLE

_NOWHERE: Final = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT})
"""What a kernel without nf_tables answers, or one without any netfilter netlink."""

_SOL_NETLINK: Final = 270
_ADD_MEMBERSHIP: Final = 1
_GROUP: Final = 7  # NFNLGRP_NFTABLES
_BUFFER: Final = 65536
_AT_ONCE: Final = 512
"""Datagrams read before the rest of the agent gets its turn."""

OURS: Final = struct.pack("=HH", 4 + len(TABLE) + 1, 1) + TABLE.encode() + b"\0"
"""Attribute 1 of every message of nf_tables is the table's name (NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, …)."""

log = logging.getLogger(__name__)


def supported() -> bool:
    """Whether the kernel has nf_tables. Asking loads the module."""
    try:
        _ask()
    except OSError as error:
        return error.errno not in _NOWHERE
    return True


def handle() -> bytes | None:
    """What our table is known by, another one each time that it is made; None: there is none.

    Raises:
        OSError: the kernel does not tell.
    """
    try:
        answer = _ask()
    except OSError as error:
        if error.errno == errno.ENOENT or error.errno in _NOWHERE:
            return None
        raise
    return bytes(wire.attributes(answer, len(_HEAD))[_HANDLE])


def _ask() -> memoryview:
    with closing(Talk(_NETFILTER)) as talk:
        return talk.get(_GET_TABLE, _HEAD + _NAMED)


class Events:
    """A subscription to what happens to tables; to be made where an event loop runs.

    Another program's changes, kube-proxy's by the thousand, are looked through without being taken apart.

    Args:
        changed: called when our table was touched, or when it is not known.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, _NETFILTER
        )
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP)
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        """End the subscription."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        news = False
        for _ in range(_AT_ONCE):
            try:
                news = OURS in self._socket.recv(_BUFFER) or news
            except BlockingIOError:
                break
            except OSError as error:  # what was lost does not matter: the table is looked at
                news = True
                if error.errno != errno.ENOBUFS:
                    log.warning("nftables not followed error=%r", str(error))
                    asyncio.get_running_loop().remove_reader(self._socket)
                    break
        if news:
            self._changed()
