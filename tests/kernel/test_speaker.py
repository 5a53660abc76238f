"""Real ExaBGP, supervisor, relay and driver against real FRR: judged from the routers.

The random histories scale with BGPNET_HISTORIES, 10 by default; 200 take about two minutes.
"""

import os
import random
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from bgpnet.model.bgp import RouteRefresh, SessionState
from bgpnet.model.net import Family
from bgpnet.model.secret import Secret
from tests.bgprouter import Router, routers, until
from tests.kernel.speakernode import Node, announcements, next_hop, pod_prefix, session, speaker_node

pytestmark = pytest.mark.kernel

HISTORIES = int(os.environ.get("BGPNET_HISTORIES", "10"))


def expected(router: Router, *numbers: int, host: int = 2) -> dict[str, str]:
    """A router's table when it has these prefixes."""
    return {str(pod_prefix(n)): str(next_hop(router, pod_prefix(n), host)) for n in numbers}


def want(node: Node, made: list[Router], *numbers: int, host: int = 2) -> None:
    """Sessions with these routers, and these prefixes at each."""
    node.agent.want(tuple(session(router) for router in made), announcements(made, *numbers, host=host))


def stays(router: Router, table: dict[str, str], happens: Callable[[], object], seconds: float = 0.0) -> None:
    """The router has this table all the while, and some seconds after."""
    happens()
    end = time.monotonic() + seconds
    for look in count():
        assert router.routes() == table, f"at look {look}"
        if time.monotonic() >= end:
            return


def test_routes_go_out_and_come_in_for_both_families(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], 0, 1, 3)
        told = node.agent.ready(tor, 3)
        assert told.announced == (pod_prefix(0), pod_prefix(1), pod_prefix(3))
        until(lambda: tor.routes() == expected(tor, 0, 1, 3), "tor has the routes")
        until(node.agent.complete, "the router's End-of-RIB")
        assert {"0.0.0.0/0", "192.0.2.0/24", "2001:db8:ffff::/48"} <= node.agent.learned(tor)
        ends = {"ipv4Unicast": True, "ipv6Unicast": True}
        until(lambda: tor.neighbor()["gracefulRestartInfo"]["endOfRibRecv"] == ends, "tor has End-of-RIB")
        want(node, [tor], 1)
        until(lambda: tor.routes() == expected(tor, 1), "the rest is withdrawn")


@pytest.mark.parametrize(
    "extra", ["", " bgp graceful-restart restart-time 77\n neighbor 10.0.1.2 timers 2 6"]
)
def test_what_the_peer_offers_is_told_as_the_peer_tells_it_also_after_the_agents_death(
    extra: str, tmp_path: Path
) -> None:
    with routers(tmp_path, extra=extra) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], 0)
        first = node.agent.ready(tor, 1).capabilities
        assert first is not None
        told = tor.neighbor()
        has = told["neighborCapabilities"]
        assert str(first.router_id) == told["localRouterId"] == tor.address
        assert first.hold_time * 1000 == told["bgpTimerHoldTimeMsecs"]
        assert first.families == (Family.IPV4, Family.IPV6)
        assert first.four_byte_asn == ("Advertised" in has["4byteAs"].title())
        assert first.route_refresh is RouteRefresh.ENHANCED
        assert has["enhancedRouteRefresh"].startswith("advertised")
        assert first.restart_time == (77 if extra else 120)
        assert first.extended_next_hop == ("extendedNexthop" in has)
        node.restart_agent()
        want(node, [tor], 0)
        assert node.agent.ready(tor, 1).capabilities == first


def test_an_agents_death_and_return_is_no_flap_and_no_announcement(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], *range(8))
        node.agent.ready(tor, 8)
        until(node.agent.complete, "the router's End-of-RIB")
        learned = node.agent.learned(tor)
        before = (tor.established(), tor.version())
        node.restart_agent()
        until(lambda: node.agent.session(tor), "the new agent looks")
        until(node.agent.complete, "the table was read again")
        assert node.agent.learned(tor) == learned
        want(node, [tor], *range(8))
        node.agent.ready(tor, 8)
        assert (tor.established(), tor.version()) == before
        node.restart_agent()
        want(node, [tor], 1, 2)
        until(lambda: tor.routes() == expected(tor, 1, 2), "what nobody wants any more goes")


def test_exabgps_death_costs_no_route(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], *range(8))
        node.agent.ready(tor, 8)
        until(node.agent.complete, "the router's End-of-RIB")
        learned = node.agent.learned(tor)
        established = tor.established()
        stays(tor, expected(tor, *range(8)), lambda: node.kill("exabgp"), 0.3)
        assert learned <= node.agent.learned(tor)
        until(lambda: tor.established() == established + 1, "the session is back")
        stays(tor, expected(tor, *range(8)), lambda: node.agent.ready(tor, 8))
        until(lambda: not any(stale(tor)), "nothing is stale")
        assert learned <= node.agent.learned(tor)
        told = node.agent.session(tor)
        assert told is not None
        assert told.flaps == 1


def stale(router: Router) -> list[bool]:
    """For each path that the node announced: whether the router only keeps it over a restart."""
    routes = router.show("bgp ipv4 unicast")["routes"]
    return [
        bool(path.get("stale")) for paths in routes.values() for path in paths if path["path"][:5] == "64512"
    ]


def test_exabgps_death_with_a_dead_agent_waits_for_the_agent(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], 0, 1, 2)
        node.agent.ready(tor, 3)
        established = tor.established()
        node.agent.kill()
        stays(tor, expected(tor, 0, 1, 2), lambda: node.kill("exabgp"), 0.3)
        until(lambda: tor.established() == established + 1, "the session is back")
        stays(tor, expected(tor, 0, 1, 2), lambda: None, 0.5)
        assert all(stale(tor))
        node.agent = type(node.agent)(node.run_dir)
        until(lambda: node.agent.session(tor), "the new agent looks")
        stays(tor, expected(tor, 0, 1, 2), lambda: None, 0.3)
        want(node, [tor], 0, 2)
        until(lambda: tor.routes() == expected(tor, 0, 2), "what is not wanted any more is purged")
        assert not any(stale(tor))


def test_the_supervisors_death_costs_no_route(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], 0, 1, 2)
        node.agent.ready(tor, 3)
        established = tor.established()
        stays(tor, expected(tor, 0, 1, 2), node.restart_supervisor, 0.3)
        until(lambda: tor.established() == established + 1, "the session is back")
        stays(tor, expected(tor, 0, 1, 2), lambda: node.agent.ready(tor, 3))


def test_a_stop_of_the_supervisor_withdraws_nothing(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], 0, 1, 2)
        node.agent.ready(tor, 3)
        node.supervisor.terminate()
        stays(tor, expected(tor, 0, 1, 2), lambda: node.supervisor.wait(10), 0.3)
        until(lambda: tor.neighbor()["bgpState"] != "Established", "the session's end")
        assert tor.routes() == expected(tor, 0, 1, 2)


def test_the_relays_death_is_no_flap(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor], 0, 1, 2)
        node.agent.ready(tor, 3)
        established = tor.established()
        node.kill("relay")
        want(node, [tor], 0, 1, 2, 5)
        node.agent.ready(tor, 4)
        assert tor.routes() == expected(tor, 0, 1, 2, 5)
        told = node.agent.session(tor)
        assert told is not None
        assert (tor.established(), told.flaps) == (established, 0)


def test_sessions_come_and_go_without_touching_the_others(tmp_path: Path) -> None:
    with routers(tmp_path, 2) as (space, [tor1, tor2]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor1], 0, 1)
        node.agent.ready(tor1, 2)
        exabgp = node.pid("exabgp")
        want(node, [tor1, tor2], 0, 1)
        node.agent.ready(tor2, 2)
        assert tor2.routes() == expected(tor2, 0, 1)
        node.agent.want((session(tor1), session(tor2, hold_time=12)), announcements([tor1, tor2], 0, 1))
        until(lambda: tor2.established() == 2, "the changed session restarts")
        stays(tor2, expected(tor2, 0, 1), lambda: node.agent.ready(tor2, 2))
        want(node, [tor1], 0, 1)
        until(lambda: tor2.routes() == {}, "a removed session takes its routes along")
        until(lambda: node.agent.session(tor2) is None, "it is gone")
        assert (tor1.established(), node.pid("exabgp"), tor1.routes()) == (1, exabgp, expected(tor1, 0, 1))
        told = node.agent.session(tor1)
        assert told is not None
        assert told.flaps == 0


def test_the_first_session_comes_after_a_time_without_any(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        node.agent.want((), ())
        until(lambda: node.agent.observed() is not None, "exabgp runs, without a session")
        want(node, [tor], 0)
        node.agent.ready(tor, 1)
        want(node, [], 0)
        until(lambda: node.agent.session(tor) is None, "the session is gone")
        want(node, [tor], 0)
        node.agent.ready(tor, 1)


def test_end_of_rib_waits_behind_a_stalled_router_and_no_router_waits_for_it(tmp_path: Path) -> None:
    with routers(tmp_path, 2) as (space, [tor1, tor2]), speaker_node(space, tmp_path / "run") as node:
        numbers = range(3, 8000, 4)  # more than the sockets between them take in
        want(node, [tor1, tor2], *numbers)
        node.agent.ready(tor1, len(numbers))
        node.agent.ready(tor2, len(numbers))
        node.agent.kill()
        node.kill("exabgp")
        until(lambda: tor1.established() == tor2.established() == 2, "both are back")
        tor1.freeze()
        node.agent = type(node.agent)(node.run_dir)
        want(node, [tor1, tor2], *numbers)
        node.agent.ready(tor2, len(numbers))
        assert tor2.routes() == expected(tor2, *numbers)
        told = node.agent.session(tor1)
        assert told is not None
        assert told.state is SessionState.ESTABLISHED
        assert len(told.announced) < len(numbers)
        assert not told.end_of_rib_sent
        tor1.thaw()
        stays(tor1, expected(tor1, *numbers), lambda: None, 0.5)
        node.agent.ready(tor1, len(numbers))
        stays(tor1, expected(tor1, *numbers), lambda: None)
        assert tor1.established() == 2


def test_random_histories_end_right(tmp_path: Path) -> None:
    """Presence and next hop of a few prefixes change at random, once while the router sleeps for 3 s."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        want(node, [tor])
        node.agent.ready(tor, 0)
        for number in range(HISTORIES):
            hosts: dict[int, int] = {}
            backlog = number % 10 == 5
            if backlog:
                tor.freeze()
                want(node, [tor], *range(11, 8000, 4))
            for _ in range(30):
                changed = chance.randrange(1, 8)
                hosts[changed] = chance.choice([0, 2, 3, 4])
                routes = [
                    route
                    for prefix, host in hosts.items()
                    for route in announcements([tor], prefix, host=host)
                    if host
                ]
                node.agent.want((session(tor),), tuple(routes))
                if chance.random() < 0.5:
                    time.sleep(chance.random() * 0.02)
            if backlog:
                time.sleep(3.0)
                tor.thaw()
            ends_with(tor, hosts, f"history {number} of seed {seed}")
        assert tor.established() == 1


def ends_with(router: Router, hosts: dict[int, int], what: str) -> None:
    """The router's table becomes that one: prefix -> last octet of its next hop, 0 for none."""
    final: dict[str, str] = {}
    for number, host in hosts.items():
        final |= expected(router, number, host=host) if host else {}
    until(lambda: router.routes() == final, f"{what} ends with {final}")


def test_md5_with_any_password(tmp_path: Path) -> None:
    password = "a;b{c}#'d"
    extra = f" neighbor 10.0.1.2 password {password}"
    with routers(tmp_path, extra=extra) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        node.agent.want((session(tor, password=Secret(password)),), announcements([tor], 0))
        node.agent.ready(tor, 1)
        text = Path(node.run_dir.exabgp_conf).read_text()
        assert password not in text
        stays(tor, expected(tor, 0), lambda: node.kill("exabgp"), 0.3)
        stays(tor, expected(tor, 0), lambda: node.agent.ready(tor, 1))


def test_ttl_security(tmp_path: Path) -> None:
    extra = " neighbor 10.0.1.2 ttl-security hops 1"
    with routers(tmp_path, extra=extra) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        node.agent.want((session(tor, ttl_security=1),), announcements([tor], 0))
        node.agent.ready(tor, 1)
        tor.vtysh("configure terminal", "router bgp 65001", "no neighbor 10.0.1.2 ttl-security hops 1")
        until(lambda: tor.neighbor()["bgpState"] != "Established", "packets with a TTL of 1 are not heard")


def test_causes_that_a_network_engineer_understands(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:

        def says(words: str) -> None:
            def told() -> bool:
                seen = node.agent.session(tor)
                return seen is not None and words in seen.last_error

            until(told, words)

        node.agent.want((session(tor, peer_asn=65099),), ())
        says("Bad Peer AS (2/2); the peer's AS number, AS 65001, is not what spec.peerASN allows")
        want(node, [tor])
        node.agent.ready(tor, 0)
        tor.vtysh("configure terminal", "router bgp 65001", "neighbor 10.0.1.2 shutdown message lunch break")
        says("Administrative Shutdown (6/2); its operator says 'lunch break'")
        tor.stop()
        says("now: TCP connection refused by 10.0.1.1 port 179")


def test_a_session_that_exabgp_cannot_express_is_refused_alone(tmp_path: Path) -> None:
    with routers(tmp_path) as (space, [tor]), speaker_node(space, tmp_path / "run") as node:
        bad = session(tor, peer=next_hop(tor, pod_prefix(0), 9), password=Secret("x" * 81))
        node.agent.want((session(tor), bad), announcements([tor], 0))
        node.agent.ready(tor, 1)
        (rejection,) = node.agent.rejections()
        assert (rejection.object.name, rejection.field, rejection.found) == (
            "tor1",
            "password",
            "81 bytes long",
        )
