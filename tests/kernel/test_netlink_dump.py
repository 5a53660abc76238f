"""What the driver dumps, compared with what `ip` shows."""

import asyncio
import threading
from ipaddress import ip_address, ip_network

import pytest

from bgpnet.drivers.netlink import Netlink
from bgpnet.model.kernel import Kernel, KernelRoute, LinkAddress, NextHop, RouteKind
from bgpnet.model.net import AGENT_PROTOCOL, ROUTE_METRIC
from tests.kernel.wires import SIDES, batch, opened, wires
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel


def dump(at: Namespace) -> Kernel:
    with opened(at) as netlink:
        return asyncio.run(netlink.dump())


def routes_to(kernel: Kernel, prefix: str) -> list[KernelRoute]:
    return [route for route in kernel.routes if route.prefix == ip_network(prefix)]


def test_links_are_those_that_ip_shows() -> None:
    with wires() as (here, there):
        here.ip("link", "add", "down0", "mtu", "1400", "type", "veth", "peer", "name", "down1")
        there.ip("link", "set", "b1", "down")
        links = {link.name: link for link in dump(here).links}
        shown = {link["ifname"]: link for link in here.ip_json("link", "show")}
        assert links.keys() == shown.keys()
        for name, link in links.items():
            assert (link.index, link.mtu) == (shown[name]["ifindex"], shown[name]["mtu"])
            assert link.up == ("UP" in shown[name]["flags"])
            assert link.carrier == ("LOWER_UP" in shown[name]["flags"])
        assert (links["a0"].carrier, links["a1"].carrier, links["a1"].up) == (True, False, True)
        assert (links["down0"].up, links["down0"].mtu) == (False, 1400)


def test_addresses_of_a_link() -> None:
    with wires() as (here, _):
        here.ip("address", "add", "203.0.113.1", "peer", "203.0.113.2/32", "dev", "a0")
        (link,) = (link for link in dump(here).links if link.name == "a0")
        told = {address for address in link.addresses if not address.address.is_link_local}
        assert told == {
            LinkAddress(ip_address("192.0.2.1"), ip_network("192.0.2.0/24")),
            LinkAddress(ip_address("203.0.113.1"), ip_network("203.0.113.2/32")),
            LinkAddress(ip_address("2001:db8:a::1"), ip_network("2001:db8:a::/64")),
        }


def test_addresses_that_may_be_gone_any_moment_are_told_as_such() -> None:
    """A second one of a subnet, as keepalived adds it, and one whose time to speak from has run out."""
    with wires() as (here, _):
        here.ip("address", "add", "192.0.2.99/24", "dev", "a0")
        here.ip("address", "add", "2001:db8:a::99/64", "dev", "a0", "nodad", "preferred_lft", "0")
        (link,) = (link for link in dump(here).links if link.name == "a0")
        passing = {str(at.address) for at in link.addresses if at.passing}
        assert passing == {"192.0.2.99", "2001:db8:a::99"}


def test_an_address_that_is_not_usable_yet_is_not_told() -> None:
    with wires() as (here, there):
        for at, link in ((here, "a0"), (there, "b0")):  # the same twice: detection finds it, or is at work
            at.run("sysctl", "-qw", f"net.ipv6.conf.{link}.accept_dad=1")
            at.ip("address", "add", "2001:db8:a::99/64", "dev", link)
        addresses = {at.address for link in dump(here).links for at in link.addresses}
        assert ip_address("2001:db8:a::99") not in addresses
        assert ip_address("2001:db8:a::1") in addresses


def test_an_empty_namespace() -> None:
    with namespace() as ns:
        ns.ip("link", "set", "lo", "down")
        assert [link.name for link in dump(ns).links] == ["lo"]
        assert dump(ns).routes == ()


@pytest.mark.parametrize("version", [4, 6])
def test_routes_of_every_kind(version: int) -> None:
    side = SIDES[version]
    first, second = (NextHop(ip_address(gateway), f"a{index}") for index, gateway in enumerate(side.gateways))
    prefix = side.prefix
    with wires() as (here, _):

        def add(*args: str) -> KernelRoute:
            here.ip(side.flag, "route", "replace", *args)
            (found,) = routes_to(dump(here), prefix)
            here.ip(side.flag, "route", "flush", prefix)
            return found

        via = ("via", str(first.gateway), "dev", "a0")
        hops = ("nexthop", *via, "nexthop", "via", str(second.gateway), "dev", "a1")
        found = add(prefix, *via, "proto", "static", "metric", "77", "src", side.source)
        expected = KernelRoute(found.prefix, 4, 77, RouteKind.UNICAST, (first,), ip_address(side.source))
        assert found == expected
        assert set(add(prefix, "metric", "5", *hops).next_hops) == {first, second}
        assert add(prefix, "dev", "a1").next_hops == (NextHop(None, "a1"),)
        found = add("blackhole", prefix, "proto", str(AGENT_PROTOCOL), "metric", str(ROUTE_METRIC))
        assert (found.kind, found.next_hops) == (RouteKind.BLACKHOLE, ())
        assert (found.protocol, found.metric) == (AGENT_PROTOCOL, ROUTE_METRIC)
        assert add("unreachable", prefix).kind is RouteKind.OTHER


@pytest.mark.parametrize(("version", "default"), [(4, "0.0.0.0/0"), (6, "::/0")])
def test_the_default_route(version: int, default: str) -> None:
    with wires() as (here, _):
        here.ip("route", "add", default, "via", SIDES[version].gateways[0])
        assert [hop.link for route in routes_to(dump(here), default) for hop in route.next_hops] == ["a0"]


@pytest.mark.parametrize("version", [4, 6])
def test_a_route_of_another_table_is_not_told(version: int) -> None:
    side = SIDES[version]
    with wires() as (here, _):
        here.ip("route", "add", side.prefix, "dev", "a0", "table", "100")
        assert routes_to(dump(here), side.prefix) == []


def test_routes_of_another_key_are_not_told() -> None:
    with wires() as (here, _):
        here.ip("route", "add", SIDES[4].prefix, "dev", "a0", "tos", "0x10")
        here.ip("route", "add", SIDES[6].prefix, "from", "2001:db8:77::/64", "dev", "a0")
        kernel = dump(here)
        assert routes_to(kernel, SIDES[4].prefix) == []
        assert routes_to(kernel, SIDES[6].prefix) == []


def test_an_ipv4_route_by_way_of_ipv6() -> None:
    with wires() as (here, _):
        here.ip("route", "add", SIDES[4].prefix, "via", "inet6", SIDES[6].gateways[0], "dev", "a0")
        (found,) = routes_to(dump(here), SIDES[4].prefix)
        assert found.next_hops == (NextHop(ip_address(SIDES[6].gateways[0]), "a0"),)


@pytest.mark.parametrize("version", [4, 6])
def test_routes_by_nexthop_objects_are_resolved(version: int) -> None:
    side = SIDES[version]
    with wires() as (here, _):
        for index, gateway in enumerate(side.gateways):
            here.ip("nexthop", "add", "id", str(index + 1), "via", gateway, "dev", f"a{index}")
        here.ip("nexthop", "add", "id", "9", "group", "1/2")
        here.ip("route", "add", side.prefix, "nhid", "9")
        (found,) = routes_to(dump(here), side.prefix)
        assert found.kind is RouteKind.UNICAST
        assert {hop.link for hop in found.next_hops} == {"a0", "a1"}
        here.run("sysctl", "-qw", "net.ipv4.nexthop_compat_mode=0")
        assert routes_to(dump(here), side.prefix) == [found]
        here.ip("nexthop", "replace", "id", "9", "group", "2")
        kernel = dump(here)
        (found,) = routes_to(kernel, side.prefix)
        assert ([hop.link for hop in found.next_hops], found.by) == (["a1"], 9)
        assert {(each.id, each.members) for each in kernel.next_hops} == {(1, ()), (2, ()), (9, (2,))}


def test_a_dump_under_changes_leaves_out_nothing_that_was_always_there() -> None:
    """A dump comes in parts: what is taken away between two must not hide what follows."""
    steady = [f"10.{i >> 8}.{i & 255}.0/24" for i in range(600)]
    change = "\n".join(f"route {verb} 10.200.{i}.0/24 dev a1" for i in range(250) for verb in ("add", "del"))
    with wires() as (here, _), opened(here) as netlink:
        batch(here, "\n".join(f"route add {prefix} dev a0" for prefix in steady))
        stop = threading.Event()

        def churn() -> None:
            while not stop.is_set():
                batch(here, change)

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for _ in range(10):
                told = {str(route.prefix) for route in asyncio.run(netlink.dump()).routes}
                assert told.issuperset(steady)
        finally:
            stop.set()
            thread.join()


def test_a_dump_that_is_given_up_half_way_does_not_hinder_the_next() -> None:
    async def story(netlink: Netlink) -> None:
        for turns in range(1, 12):  # of the loop: some parts are read, more are to come
            task = asyncio.create_task(netlink.dump())
            for _ in range(turns):
                await asyncio.sleep(0)
            assert not task.done()
            task.cancel()
            assert len((await netlink.dump()).routes) > 3000

    with wires() as (here, _):
        batch(here, "\n".join(f"route add 10.{i >> 8}.{i & 255}.0/24 dev a0" for i in range(3000)))
        with opened(here) as netlink:
            asyncio.run(story(netlink))
