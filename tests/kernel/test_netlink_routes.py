"""The driver's changes, judged by `ip` and by packets: ours are right, others' are never touched."""

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from bgpnet.drivers.netlink import Netlink
from bgpnet.model.diff import DeleteRoute, PutRoute
from bgpnet.model.errors import KernelError
from bgpnet.model.kernel import NextHop, RouteKind
from bgpnet.model.net import AGENT_PROTOCOL, ROUTE_METRIC
from bgpnet.model.plan import Route
from tests.kernel.wires import SIDES, apply, blackhole, opened, shown, unicast, ways, wires
from tests.kernel.wires import put as wires_put
from tests.netns import Namespace

pytestmark = pytest.mark.kernel

both_families = pytest.mark.parametrize("version", [4, 6])


def act(at: Namespace, *steps: Callable[[Netlink], object]) -> None:
    """Dump, as the agent does before it acts, then take the steps."""

    async def story(netlink: Netlink) -> None:
        await netlink.dump()
        for step in steps:
            await step(netlink)  # type: ignore[misc]

    with opened(at) as netlink:
        asyncio.run(story(netlink))


def put(route: Route, *, replaces: bool = False) -> Callable[[Netlink], object]:
    return lambda netlink: wires_put(netlink, route, replaces=replaces)


def delete(version: int) -> Callable[[Netlink], object]:
    return lambda netlink: apply(netlink, DeleteRoute(ip_network(SIDES[version].prefix)))


def gateways(version: int, *links: int) -> set[tuple[str | None, str]]:
    return {(SIDES[version].gateways[link], f"a{link}") for link in links}


@both_families
def test_put_and_delete(version: int) -> None:
    side = SIDES[version]
    with wires() as (here, _):
        act(here, put(unicast(version, 0, source=side.source)))
        (found,) = shown(here, version)
        assert (found["protocol"], found["metric"]) == (str(AGENT_PROTOCOL), ROUTE_METRIC)
        assert (ways(found), found["prefsrc"], found["type"]) == (
            gateways(version, 0),
            side.source,
            "unicast",
        )
        act(here, delete(version))
        assert shown(here, version) == []


@both_families
def test_put_over_both_tors(version: int) -> None:
    with wires() as (here, _):
        act(here, put(unicast(version, 0, 1)))
        (found,) = shown(here, version)
        assert ways(found) == gateways(version, 0, 1)
        assert {hop["weight"] for hop in found["nexthops"]} == {1}
        act(here, delete(version))
        assert shown(here, version) == []


@both_families
def test_put_a_discard_route(version: int) -> None:
    with wires() as (here, _):
        act(here, put(blackhole(version)))
        (found,) = shown(here, version)
        assert (found["type"], found["protocol"]) == ("blackhole", str(AGENT_PROTOCOL))
        act(here, delete(version))
        assert shown(here, version) == []


@both_families
def test_put_a_route_of_the_link_itself(version: int) -> None:
    with wires() as (here, _):
        act(here, put(replace(unicast(version, 0), next_hops=(NextHop(None, "a1"),))))
        (found,) = shown(here, version)
        assert ways(found) == {(None, "a1")}


def test_put_an_ipv4_route_by_way_of_ipv6() -> None:
    with wires() as (here, _):
        hops = tuple(NextHop(ip_address(SIDES[6].gateways[link]), f"a{link}") for link in (0, 1))
        act(here, put(replace(unicast(4), next_hops=hops[:1])))
        assert shown(here, 4)[0]["via"] == {"family": "inet6", "host": SIDES[6].gateways[0]}
        act(here, put(replace(unicast(4), next_hops=hops), replaces=True))
        assert {hop["via"]["host"] for hop in shown(here, 4)[0]["nexthops"]} == set(SIDES[6].gateways)


@both_families
def test_every_replacement_leaves_exactly_the_new_route(version: int) -> None:
    shapes = [unicast(version, 0), unicast(version, 0, 1), unicast(version, 1), blackhole(version)]
    with wires() as (here, _):
        for old in shapes:
            for new in shapes:
                act(here, put(old), put(new, replaces=True))
                (found,) = shown(here, version)
                assert found["type"] == new.kind
                assert found["protocol"] == str(AGENT_PROTOCOL)
                if new.kind is RouteKind.UNICAST:
                    assert ways(found) == {(str(hop.gateway), hop.link) for hop in new.next_hops}
                act(here, delete(version))
                assert shown(here, version) == []


@both_families
def test_a_foreign_route_of_equal_key_is_never_touched(version: int) -> None:
    side = SIDES[version]
    with wires() as (here, _):
        here.ip("route", "add", side.prefix, "dev", "a1", "proto", "static", "metric", str(ROUTE_METRIC))
        before = shown(here, version)
        for route in (unicast(version, 0), unicast(version, 0, 1), blackhole(version)):
            with pytest.raises(KernelError, match=r"EEXIST.*another's route") as caught:
                act(here, put(route))
            assert caught.value.errno == errno.EEXIST
            assert side.prefix in str(caught.value)
        act(here, delete(version))
        assert shown(here, version) == before


@both_families
def test_foreign_routes_of_other_metrics_are_never_touched(version: int) -> None:
    side = SIDES[version]
    with wires() as (here, _):
        for metric in (1, ROUTE_METRIC - 1, ROUTE_METRIC + 1, 5000):
            here.ip("route", "add", side.prefix, "dev", "a1", "proto", "static", "metric", str(metric))
        # another program's by number, ours by metric, and the other way round
        here.ip("route", "add", side.prefix, "dev", "a1", "proto", str(AGENT_PROTOCOL), "metric", "7")
        before = shown(here, version)
        act(
            here,
            put(unicast(version, 0)),
            put(unicast(version, 0, 1), replaces=True),
            put(blackhole(version), replaces=True),
            put(unicast(version, 1), replaces=True),
        )
        assert len(shown(here, version)) == len(before) + 1
        act(here, delete(version), delete(version))
        assert shown(here, version) == before


@both_families
def test_deleting_what_is_gone_is_no_error(version: int) -> None:
    with wires() as (here, _):
        act(here, delete(version))


@both_families
def test_replacing_what_is_gone_adds_it(version: int) -> None:
    with wires() as (here, _):
        act(here, put(unicast(version, 0, 1), replaces=True))
        (found,) = shown(here, version)
        assert ways(found) == gateways(version, 0, 1)


@both_families
def test_a_refused_replacement_leaves_the_old_route(version: int) -> None:
    lost = NextHop(ip_address("203.0.113.77" if version == 4 else "2001:db8:dead::1"), "a0")
    with wires() as (here, _):
        act(here, put(unicast(version, 0)))
        before = shown(here, version)
        with pytest.raises(KernelError, match=r"203\.0\.113\.77 dev a0|2001:db8:dead::1 dev a0"):
            act(here, put(replace(unicast(version, 0), next_hops=(lost,)), replaces=True))
        assert shown(here, version) == before


def test_errors_name_route_link_and_remedy() -> None:
    with wires() as (here, _):
        gone = replace(unicast(4, 0), next_hops=(NextHop(ip_address("192.0.2.2"), "eth77"),))
        with pytest.raises(KernelError, match=r"192\.0\.2\.2 dev eth77.*ENODEV.*check its name"):
            act(here, put(gone))
        with pytest.raises(KernelError, match=r"src 203\.0\.113\.9.*EINVAL.*ip address"):
            act(here, put(unicast(4, 0, source="203.0.113.9")))
        here.ip("link", "set", "a0", "down")
        with pytest.raises(KernelError, match=r"192\.0\.2\.2 dev a0.*set it up"):
            act(here, put(unicast(4, 0)))


@both_families
def test_a_carrier_that_goes_and_comes(version: int) -> None:
    """What the dump shows after each event is what `ip` shows, and our routes can be rebuilt from it."""
    side = SIDES[version]
    ours = ip_network(side.prefix)

    async def story(netlink: Netlink, here: Namespace, there: Namespace) -> None:
        async def observed() -> set[tuple[str | None, str]]:
            kernel = await netlink.dump()
            assert {link.name: link.carrier for link in kernel.links}["a0"] == (
                "LOWER_UP" in here.ip_json("link", "show", "a0")[0]["flags"]
            )
            found = [route for route in kernel.routes if route.prefix == ours]
            told: set[tuple[str | None, str]] = {
                (str(hop.gateway), hop.link) for route in found for hop in route.next_hops
            }
            assert told == {way for route in shown(here, version) for way in ways(route)}
            return told

        await netlink.dump()
        await wires_put(netlink, unicast(version, 0, 1), replaces=False)
        there.ip("link", "set", "b0", "down")
        await observed()
        await wires_put(netlink, unicast(version, 1), replaces=True)
        assert await observed() == gateways(version, 1)
        here.ip("link", "set", "a1", "down")
        assert await observed() == set()  # the kernel took the route without a word
        here.ip("link", "set", "a1", "up")
        there.ip("link", "set", "b0", "up")
        if version == 6:  # addresses go with the link
            here.ip("address", "replace", "2001:db8:b::1/64", "dev", "a1", "nodad")
        assert await observed() == set()  # and does not bring it back
        await wires_put(netlink, unicast(version, 0, 1), replaces=True)
        assert await observed() == gateways(version, 0, 1)

    with wires() as (here, there), opened(here) as netlink:
        asyncio.run(story(netlink, here, there))


@both_families
def test_replacing_leaves_no_gap(version: int) -> None:
    """A sender that looks the route up for every packet loses none over a hundred replacements."""
    side = SIDES[version]
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with wires() as (here, there):
        there.own(side.host)
        for name in ("all", "default", "b0", "b1"):
            there.run("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")
        for link in (0, 1):
            far = there.ip_json("link", "show", f"b{link}")[0]["address"]
            here.ip(
                "neigh", "replace", side.gateways[link], "lladdr", far, "dev", f"a{link}", "nud", "permanent"
            )
        with there.entered():
            receiver = socket.socket(family, socket.SOCK_DGRAM)
        with here.entered():
            sender = socket.socket(family, socket.SOCK_DGRAM)
        with receiver, sender, opened(here) as netlink:
            receiver.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
            receiver.bind((side.host, 9))
            sent, refused, stop = 0, 0, threading.Event()

            def send() -> None:
                nonlocal sent, refused
                while not stop.is_set():
                    sent += 1
                    try:
                        sender.sendto(b"x", (side.host, 9))
                    except OSError:
                        refused += 1
                    time.sleep(0.0001)

            async def story() -> int:
                await netlink.dump()
                shapes = [unicast(version, 0), unicast(version, 0, 1), unicast(version, 1)]
                await wires_put(netlink, shapes[0], replaces=False)
                thread = threading.Thread(target=send)
                thread.start()
                try:
                    for turn in range(100):
                        await wires_put(netlink, shapes[(turn + 1) % 3], replaces=True)
                        await asyncio.sleep(0.002)
                finally:
                    stop.set()
                    thread.join()
                return sent

            total = asyncio.run(story())
            receiver.setblocking(False)  # noqa: FBT003 - the library's signature
            received = 0
            while True:
                try:
                    receiver.recv(16)
                except BlockingIOError:
                    break
                received += 1
            assert total > 200
            assert (refused, received) == (0, total)


@both_families
def test_ten_thousand_routes_are_programmed_in_no_time(version: int) -> None:
    first = ip_network("10.0.0.0/24" if version == 4 else "fd00::/64")
    step = first.num_addresses
    prefixes = [type(first)((int(first.network_address) + i * step, first.prefixlen)) for i in range(10_000)]
    routes = [replace(unicast(version, 0, 1), prefix=prefix) for prefix in prefixes]

    async def story(netlink: Netlink) -> float:
        await netlink.dump()
        await wires_put(netlink, routes[0])
        (group,) = (each.id for each in (await netlink.dump()).next_hops if each.members)
        started = time.process_time()  # the kernel's work is ours; what other programs take is not
        await apply(netlink, *(PutRoute(route, replaces=False, by=group) for route in routes[1:]))
        took = time.process_time() - started
        kernel = await netlink.dump()
        assert {route.prefix for route in kernel.routes if route.protocol == AGENT_PROTOCOL} == set(prefixes)
        return took

    with wires() as (here, _), opened(here) as netlink:
        took = asyncio.run(story(netlink))
        ours = [r for r in shown(here, version, "proto", str(AGENT_PROTOCOL)) if len(ways(r)) == 2]
        assert len(ours) == 10_000
        assert took < 0.5
