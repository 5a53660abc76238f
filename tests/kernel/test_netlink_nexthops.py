"""Nexthop objects and groups, judged by `ip -j nexthop`, `ip -j route` and packets' ways."""

import asyncio
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from bgpnet.drivers.netlink import Netlink
from bgpnet.model.diff import AddNextHop, Change, DeleteNextHop, Observed, PutGroup, PutRoute
from bgpnet.model.kernel import NextHop, RouteKind
from bgpnet.model.net import AGENT_PROTOCOL, NEXT_HOP_IDS, ROUTE_METRIC
from bgpnet.model.plan import Plan, Route
from bgpnet.planner import diff
from tests.bgprouter import until
from tests.kernel.wires import SIDES, Calls, apply, blackhole, opened, shown, unicast, ways, wires
from tests.netns import Namespace

pytestmark = pytest.mark.kernel

both_families = pytest.mark.parametrize("version", [4, 6])
MANY = 1000


async def settle(netlink: Netlink, *routes: Route) -> list[Change]:
    """Have these routes and no others of ours, as the agent does; what had to be changed."""
    kernel = await netlink.dump()
    plan = Plan("n1", routes=tuple(routes))
    changes = [*diff(plan, Observed(kernel, (), None))]
    await apply(netlink, *changes)  # type: ignore[arg-type]
    kernel = await netlink.dump()
    assert diff(plan, Observed(kernel, (), None)) == ()
    return changes


def objects(at: Namespace) -> list[dict[str, Any]]:
    return at.ip_json("nexthop", "show", "proto", str(AGENT_PROTOCOL))


def flags(at: Namespace) -> list[str]:
    return list(at.ip_json("link", "show", "a0")[0]["flags"])


def many(version: int, *links: int) -> list[Route]:
    first = ip_network("10.64.0.0/24" if version == 4 else "fd00:64::/64")
    start, step = int(first.network_address), first.num_addresses
    prefixes = [type(first)((start + number * step, first.prefixlen)) for number in range(MANY)]
    return [replace(unicast(version, *links), prefix=prefix) for prefix in prefixes]


@both_families
def test_one_message_moves_every_route_of_a_group(version: int) -> None:
    async def story(netlink: Netlink, here: Namespace) -> None:
        await settle(netlink, *many(version, 0, 1))
        assert [len(each.get("group", ())) for each in objects(here)] == [0, 0, 2]
        assert all(each["id"] in NEXT_HOP_IDS for each in objects(here))
        changes = await settle(netlink, *many(version, 1))
        assert [type(change) for change in changes] == [PutGroup, DeleteNextHop]
        found = shown(here, version, "proto", str(AGENT_PROTOCOL))
        assert len(found) == MANY
        assert {way for route in found for way in ways(route)} == {(SIDES[version].gateways[1], "a1")}
        await settle(netlink)
        assert objects(here) == []
        assert shown(here, version, "proto", str(AGENT_PROTOCOL)) == []

    with wires() as (here, _), opened(here) as netlink:
        asyncio.run(story(netlink, here))


@both_families
def test_the_group_of_a_route_with_a_preferred_source_changes(version: int) -> None:
    side = SIDES[version]

    async def story(netlink: Netlink, here: Namespace) -> None:
        await settle(netlink, unicast(version, 0, 1, source=side.source))
        (changed, _) = await settle(netlink, unicast(version, 0, source=side.source))
        assert isinstance(changed, PutGroup)
        (found,) = shown(here, version)
        assert (found["prefsrc"], ways(found)) == (side.source, {(side.gateways[0], "a0")})

    with wires() as (here, _), opened(here) as netlink:
        asyncio.run(story(netlink, here))


def test_one_group_serves_ipv4_routes_over_an_ipv6_router() -> None:
    """RFC 8950."""
    way = (NextHop(ip_address(SIDES[6].gateways[0]), "a0"),)
    routes = [Route(ip_network(SIDES[version].prefix), RouteKind.UNICAST, way) for version in (4, 6)]

    async def story(netlink: Netlink, here: Namespace) -> None:
        await settle(netlink, *routes)
        assert len(objects(here)) == 2
        assert shown(here, 4)[0]["via"] == {"family": "inet6", "host": SIDES[6].gateways[0]}
        assert ways(shown(here, 6)[0]) == {(SIDES[6].gateways[0], "a0")}

    with wires() as (here, _), opened(here) as netlink:
        asyncio.run(story(netlink, here))


@both_families
def test_a_link_without_carrier_is_in_no_group_at_once_and_back_after_a_step(version: int) -> None:
    """Before anybody heard of it no packet takes the dead way, whatever ignore_routes_with_linkdown says."""
    side = SIDES[version]

    async def story(netlink: Netlink, here: Namespace, there: Namespace) -> None:
        await settle(netlink, unicast(version, 0, 1))
        there.ip("link", "set", "b0", "down")
        until(lambda: "LOWER_UP" not in flags(here), "the carrier goes")
        ends = [f"{side.host[:-1]}{number:x}" for number in range(1, 10)]
        taken = {here.ip_json("route", "get", end)[0]["dev"] for end in ends}
        assert taken == {"a1"}
        assert ways(shown(here, version)[0]) == {(side.gateways[1], "a1")}
        there.ip("link", "set", "b0", "up")
        until(lambda: "LOWER_UP" in flags(here), "the carrier comes")
        changes = await settle(netlink, unicast(version, 0, 1))
        assert [type(change) for change in changes] == [AddNextHop, PutGroup]
        assert len(ways(shown(here, version)[0])) == 2

    with wires() as (here, there), opened(here) as netlink:
        asyncio.run(story(netlink, here, there))


@both_families
def test_routes_of_an_older_version_go_over_to_groups_in_place(version: int) -> None:
    side = SIDES[version]
    with wires() as (here, _):
        hops = [word for i in (0, 1) for word in ("nexthop", "via", side.gateways[i], "dev", f"a{i}")]
        key = ("proto", str(AGENT_PROTOCOL), "metric", str(ROUTE_METRIC))
        here.ip(side.flag, "route", "add", side.prefix, *key, *hops)
        with opened(here) as netlink:
            (*_, last) = asyncio.run(settle(netlink, unicast(version, 0, 1)))
        assert isinstance(last, PutRoute)
        assert last.replaces
        (found,) = shown(here, version)
        assert found["nhid"] == last.by


def test_what_is_foreign_is_never_touched() -> None:
    """An id of ours that another program took, an object of ours in its group, its routes over ours."""
    side, start = SIDES[4], NEXT_HOP_IDS.start

    async def story(netlink: Netlink, here: Namespace) -> None:
        await settle(netlink, unicast(4, 0, 1))
        here.ip("nexthop", "add", "id", "77", "group", str(start + 1), "proto", "static")
        group = next(each["id"] for each in objects(here) if "group" in each)
        here.ip("route", "add", "203.0.113.0/24", "nhid", str(group), "proto", "static")
        before = theirs(here)
        await settle(netlink, blackhole(4))
        await settle(netlink, unicast(4, 0))
        await settle(netlink)
        assert theirs(here) == before

    def theirs(here: Namespace) -> object:
        return (
            [each for each in here.ip_json("nexthop", "show") if each["protocol"] != str(AGENT_PROTOCOL)],
            here.ip_json("route", "show", "proto", "static"),
        )

    with wires() as (here, _), opened(here) as netlink:
        here.ip("nexthop", "add", "id", str(start), "via", side.gateways[0], "dev", "a0", "proto", "static")
        asyncio.run(story(netlink, here))


def test_an_id_that_is_taken_between_look_and_deed_is_refused() -> None:
    hop = NextHop(ip_address(SIDES[4].gateways[0]), "a0")

    async def story(netlink: Netlink) -> None:
        await netlink.dump()
        number = NEXT_HOP_IDS.start
        here.ip("nexthop", "add", "id", str(number), "via", str(hop.gateway), "dev", "a0", "proto", "static")
        refused = await netlink.apply(
            [
                AddNextHop(number, hop),
                PutGroup(number + 1, (number + 9,), replaces=False),
                PutRoute(unicast(4, 0), replaces=False, by=number + 1),
            ]
        )
        assert [type(change) for change, _ in refused] == [AddNextHop, PutGroup, PutRoute]
        assert "192.0.2.2 dev a0 (id 179000000)" in str(refused[0][1])
        assert here.ip_json("nexthop", "show", "id", str(number))[0]["protocol"] == "static"

    with wires() as (here, _), opened(here) as netlink:
        asyncio.run(story(netlink))


def test_the_deletion_of_an_object_of_ours_is_heard() -> None:
    """The kernel deletes the routes that used it and tells of the object alone."""

    async def story(netlink: Netlink, here: Namespace, changed: Calls) -> None:
        watch = asyncio.create_task(netlink.run())
        await settle(netlink, unicast(4, 0))
        await asyncio.sleep(0.1)
        start = changed.count
        here.ip("nexthop", "flush", "proto", str(AGENT_PROTOCOL))
        await changed.beyond(start)
        assert shown(here, 4) == []
        await settle(netlink, unicast(4, 0))
        assert len(shown(here, 4)) == 1
        watch.cancel()

    changed = Calls()
    with wires() as (here, _), opened(here, changed) as netlink:
        asyncio.run(story(netlink, here, changed))
