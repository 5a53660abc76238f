"""What the kernel refused: causes, not what follows from them, and never thousands of lines."""

import errno
from ipaddress import ip_address, ip_network

from bgpnet.agent.refusals import SHOWN, refusals
from bgpnet.model.diff import AddNextHop, DeleteRoute, KernelChange, PutGroup, PutRoute
from bgpnet.model.errors import KernelError
from bgpnet.model.kernel import NextHop, RouteKind
from bgpnet.model.plan import Route

REFUSED = KernelError("refused", errno.EPERM)
HOP = NextHop(ip_address("192.0.2.2"), "eth1")


def told(*changes: KernelChange) -> list[str]:
    return [str(each.object) for each in refusals([(change, REFUSED) for change in changes])]


def route(number: int, by: int | None = 2) -> PutRoute:
    prefix = ip_network((0x0A000000 + number, 32))
    return PutRoute(Route(prefix, RouteKind.UNICAST, (HOP,)), replaces=False, by=by)


def test_a_next_hop_that_is_refused_is_told_and_not_the_routes_that_need_it() -> None:
    changes: list[KernelChange] = [
        AddNextHop(1, HOP),
        PutGroup(2, (1,), replaces=False),
        *map(route, range(1000)),
    ]
    assert told(*changes) == ["NextHop/1"]
    assert told(*changes[1:]) == ["NextHop/2"]


def test_a_route_that_is_refused_by_itself_is_told() -> None:
    assert told(route(1), DeleteRoute(ip_network("10.0.0.9/32"))) == [
        "Route/10.0.0.1/32",
        "Route/10.0.0.9/32",
    ]


def test_thousands_are_counted() -> None:
    lines = told(*map(route, range(10_000)))
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "Route/9900 more"
