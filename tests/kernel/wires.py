"""Two namespaces joined by two wires, for tests of the netlink driver."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from bgpnet.drivers.netlink import Netlink
from bgpnet.model.diff import KernelChange, PutRoute
from bgpnet.model.kernel import NextHop, RouteKind
from bgpnet.model.plan import Route
from bgpnet.planner.nexthopobjects import Objects
from tests.netns import Namespace, namespace


@dataclass(frozen=True)
class Side:
    """What differs between the families."""

    flag: str
    gateways: tuple[str, str]
    prefix: str
    host: str
    source: str


SIDES: Final = {
    4: Side("-4", ("192.0.2.2", "198.51.100.2"), "10.9.0.0/24", "10.9.0.1", "192.0.2.1"),
    6: Side("-6", ("2001:db8:a::2", "2001:db8:b::2"), "2001:db8:9::/64", "2001:db8:9::1", "2001:db8:a::1"),
}

A0: Final = ("192.0.2.1/24", "2001:db8:a::1/64")
A1: Final = ("198.51.100.1/24", "2001:db8:b::1/64")


class Calls:
    """Counts how often `changed` was called."""

    def __init__(self) -> None:
        self.count = 0
        self._more = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._more.set()

    async def beyond(self, count: int) -> None:
        """Wait, at most five seconds, until there were more calls than this."""
        async with asyncio.timeout(5):
            while self.count <= count:
                self._more.clear()
                await self._more.wait()


@contextmanager
def wires() -> Iterator[tuple[Namespace, Namespace]]:
    """Links a0 and a1 of the first namespace lead to b0 and b1 of the second."""
    with namespace("a") as here, namespace("b") as there:
        for at in (here, there):  # no address that turns usable, with an event, a second later
            at.run("sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
        for index, nets in enumerate((A0, A1)):
            # The kernel tells of a carrier at once where the two ends have different indexes, else once a
            # second (net/core/link_watch.c, linkwatch_urgent_event).
            near, peer = (f"a{index}", "index", f"{10 + index}"), (f"b{index}", "index", f"{20 + index}")
            here.ip("link", "add", *near, "type", "veth", "peer", *peer, "netns", there.name)
            for net in nets:
                here.ip("address", "add", net, "dev", f"a{index}", *(["nodad"] if ":" in net else []))
                far = net.replace(".1/", ".2/").replace("::1/", "::2/")
                there.ip("address", "add", far, "dev", f"b{index}", *(["nodad"] if ":" in far else []))
            here.ip("link", "set", f"a{index}", "up")
            there.ip("link", "set", f"b{index}", "up")
        yield here, there


@contextmanager
def opened(at: Namespace, changed: Calls | None = None) -> Iterator[Netlink]:
    """The driver, in a namespace."""
    with at.entered():
        netlink = Netlink(changed or Calls())
    with closing(netlink):
        yield netlink


def batch(at: Namespace, lines: str) -> None:
    """Thousands of `ip` commands in one go."""
    argv = ["ip", "-n", at.name, "-batch", "-"]
    subprocess.run(argv, input=lines, text=True, check=True, capture_output=True, timeout=60)


def unicast(version: int, *links: int, source: str = "", prefix: str = "") -> Route:
    """A route of the family by way of a0, a1 or both."""
    side = SIDES[version]
    hops = tuple(NextHop(ip_address(side.gateways[link]), f"a{link}") for link in links)
    address = ip_address(source) if source else None
    return Route(ip_network(prefix or side.prefix), RouteKind.UNICAST, hops, address)


async def put(netlink: Netlink, route: Route, *, replaces: bool = False) -> None:
    """Have a route made, with the next hops and the group that it needs, as the agent does."""
    objects = Objects((await netlink.dump()).next_hops)
    by = objects.group(frozenset(route.next_hops)) if route.next_hops else None
    await apply(netlink, *objects.changes, PutRoute(route, replaces, by))


async def apply(netlink: Netlink, *changes: KernelChange) -> None:
    """Have changes made; the first that fails is raised."""
    for _, error in await netlink.apply(changes):
        raise error


def blackhole(version: int) -> Route:
    """The discard route of the same prefix."""
    return Route(ip_network(SIDES[version].prefix), RouteKind.BLACKHOLE)


def shown(at: Namespace, version: int, *match: str) -> list[dict[str, Any]]:
    """Routes of table main as `ip` shows them; of the test's prefix, when nothing else is asked for."""
    side = SIDES[version]
    return at.ip_json(side.flag, "route", "show", *(match or ("exact", side.prefix)))


def ways(found: dict[str, Any]) -> set[tuple[str | None, str]]:
    """Gateway and link of each next hop that `ip` shows."""
    return {(hop.get("gateway"), hop["dev"]) for hop in found.get("nexthops", [found])}
