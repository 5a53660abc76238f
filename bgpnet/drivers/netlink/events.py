"""Hears that links, addresses, routes or nexthop objects changed.

What changed is not looked at: the answer is a new dump.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Final

from bgpnet.drivers.netlink import local, neighbours, routes, wire

_GROUPS: Final = 0x1 | 0x4 | 0x10 | 0x40 | 0x100 | 0x400 | 1 << 23 | 1 << 24 | 1 << 31
"""RTMGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE, RTNLGRP_NEXTHOP, and
_IPV4_NETCONF and _IPV6_NETCONF, which tell of forwarding, rp_filter and ignore_routes_with_linkdown
(linux/rtnetlink.h)."""

_MOST_ROUTERS: Final = 1024
"""Neighbours remembered as routers, whether there or gone."""

_SO_RCVBUFFORCE: Final = 33
_QUEUE_BYTES: Final = 1 << 20  # some thousand notifications
_BUFFER: Final = 65536
_AT_ONCE: Final = 512
"""Datagrams read before the rest of the agent gets its turn."""

log = logging.getLogger(__name__)


class Events:
    """A subscription in the network namespace of the thread that opens it.

    Args:
        changed: called once for all that came together; also when the kernel's queue overran.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.overruns = 0
        self._routers: dict[tuple[int, int], bool] = {}
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE_BYTES)
        except PermissionError:  # in a user namespace: the system's limit it is, and more overruns
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE_BYTES)
        self._socket.bind((0, _GROUPS))

    def close(self) -> None:
        """End the subscription."""
        self._socket.close()

    async def run(self) -> None:
        """Listen until cancelled. Tells `changed` at the start: who dumped before has missed nothing.

        Raises:
            OSError: the socket is of no more use.
        """
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()

        def readable() -> None:
            try:
                self._drain()
            except OSError as error:
                loop.remove_reader(self._socket)
                failed.set_exception(error)

        loop.add_reader(self._socket, readable)
        try:
            self._changed()
            await failed
        finally:
            loop.remove_reader(self._socket)

    def _drain(self) -> None:
        news = False
        for _ in range(_AT_ONCE):
            try:
                received = memoryview(self._socket.recv(_BUFFER))
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                # What was lost does not matter: a dump tells all. The queue itself can be read on.
                self.overruns += 1
                news = True
                log.debug("netlink queue overran count=%d", self.overruns)
                continue
            for kind, _, _, body in wire.messages(received):
                news = self._matters(kind, body) or news
        if news:
            self._changed()

    def _matters(self, kind: int, body: memoryview) -> bool:
        if kind in {wire.NEWROUTE, wire.DELROUTE}:
            return routes.is_of_main_table(body) or (kind == wire.DELROUTE and local.is_ours(body))
        if kind in {wire.NEWNEIGH, wire.DELNEIGH}:
            return self._router_came_or_went(kind, body)
        return True

    def _router_came_or_went(self, kind: int, body: memoryview) -> bool:
        """Neighbours are told of at each step of their reachability, several times a minute."""
        told = neighbours.router(body)
        if told is None:
            return False
        index, address, there = told
        router, there = (index, int(address)), there and kind == wire.NEWNEIGH
        if self._routers.get(router) is there:
            return False
        if len(self._routers) >= _MOST_ROUTERS:
            self._routers.clear()
        self._routers[router] = there
        return True
