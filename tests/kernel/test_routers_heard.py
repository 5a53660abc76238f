"""Routers on links: what our advertisements do to a neighbour's kernel, and what ours makes of a router's."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from bgpnet.drivers.netlink import Netlink
from bgpnet.model.kernel import HeardRouter
from bgpnet.speaker.advertiser import Advertiser
from tests.bgprouter import until
from tests.kernel.test_netlink_dump import dump
from tests.kernel.test_netlink_events import during, quiet
from tests.kernel.wires import Calls, wires
from tests.netns import Namespace

pytestmark = pytest.mark.kernel


def link_local(at: Namespace, link: str) -> str:
    """The address of a link, once it is usable."""

    def found() -> list[str]:
        told = at.ip_json("-6", "address", "show", "dev", link, "-tentative")
        return [
            each["local"]
            for entry in told
            for each in entry.get("addr_info", ())
            if each.get("scope") == "link"
        ]

    return until(found, f"{link} has a link-local address")[0]


class Supervisor:
    """The advertiser in a loop of its own, as in the supervisor."""

    def __init__(self, at: Namespace) -> None:
        self._selector = selectors.DefaultSelector()
        self._at = at
        self.advertiser = Advertiser(self._selector, time.monotonic, lambda: 0.0)

    def turn(self) -> bool:
        with self._at.entered():
            due = self.advertiser.advance(time.monotonic())
        for key, events in self._selector.select(max(0.0, min(0.1, due - time.monotonic()))):
            key.data(events)
        return False

    def want(self, *names: str) -> None:
        with self._at.entered():
            self.advertiser.want(names)


@contextmanager
def supervisor(at: Namespace) -> Iterator[Supervisor]:
    made = Supervisor(at)
    try:
        yield made
    finally:
        made.want()


def routers(at: Namespace) -> set[tuple[str, str]]:
    """Link and address of each neighbour that the kernel takes for a router, as `ip` shows them."""
    return {(each["dev"], each["dst"]) for each in at.ip_json("-6", "neigh", "show") if "router" in each}


def test_a_node_is_heard_as_a_router_and_is_nobodys_default_router() -> None:
    with wires() as (here, there), supervisor(here) as ours:
        there.run("sysctl", "-qw", "net.ipv6.conf.b0.accept_ra=2")
        own = link_local(here, "a0")
        ours.want("a0", "missing")
        until(lambda: ours.turn() or ("b0", own) in routers(there), "b0 hears of a0")
        assert there.ip_json("-6", "route", "show", "default") == []
        assert not [link for link, _ in routers(there) if link == "b1"]


def test_a_link_that_is_made_anew_is_advertised_on_at_once() -> None:
    with wires() as (here, there), supervisor(here) as ours:
        ours.want("a0")
        until(lambda: ours.turn() or routers(there), "b0 hears of a0")
        here.ip("link", "del", "a0")
        ours.turn()
        here.ip("link", "add", "a0", "type", "veth", "peer", "name", "b0", "netns", there.name)
        here.ip("link", "set", "a0", "up")
        there.ip("link", "set", "b0", "up")
        own = link_local(here, "a0")
        until(lambda: ours.turn() or ("b0", own) in routers(there), "b0 hears of the new a0")


def test_a_router_is_heard_though_we_are_one_too() -> None:
    """Forwarding is on, so the kernel makes no route of an advertisement; it marks who sent it all the same."""
    with wires() as (here, there), supervisor(there) as theirs:
        here.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        router = link_local(there, "b0")
        theirs.want("b0")
        heard = HeardRouter("a0", ip_address(router))
        until(lambda: theirs.turn() or heard in dump(here).routers, "the router is heard")


def test_a_router_whose_advertisements_lack_its_address_on_the_link_is_heard_all_the_same() -> None:
    """As BIRD's do: the kernel notes nobody, until it is told by itself and answers for its address."""
    with wires() as (here, there), supervisor(here) as ours:
        there.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        router, _ = link_local(there, "b0"), link_local(here, "a0")
        ours.want("a0")
        ours.turn()

        def bare() -> bool:
            with (
                there.entered(),
                socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw,
            ):
                raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
                index = socket.if_nametoindex("b0")
                raw.sendto(bytes([134]) + bytes(15), ("ff02::1", 0, 0, index))
            ours.turn()
            return ("a0", router) in routers(here)

        until(bare, "the router is heard")


def test_news_of_routers_alone_are_told() -> None:
    """The kernel tells of each step of each neighbour's reachability."""

    async def story(_netlink: Netlink, here: Namespace, _there: Namespace, changed: Calls) -> None:
        async def told(*args: str) -> bool:
            before = await quiet(changed)
            here.ip("neigh", *args, "dev", "a0")
            return await quiet(changed) > before

        lladdr = ("lladdr", "02:00:00:00:00:01")
        assert await told("add", "fe80::9", *lladdr, "router", "nud", "stale")
        assert not await told("change", "fe80::9", *lladdr, "router", "nud", "reachable")
        assert not await told("add", "fe80::8", *lladdr, "nud", "stale")
        assert not await told("add", "192.0.2.8", *lladdr, "nud", "stale")
        assert await told("change", "fe80::9", *lladdr, "router", "nud", "failed")

    during(story)
