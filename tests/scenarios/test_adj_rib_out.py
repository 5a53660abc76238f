"""What a ToR router hears from us, whatever happens to us, to ExaBGP, or to it."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpnet.drivers.exabgp.commands import Path
from bgpnet.drivers.exabgp.endofribs import HELD
from bgpnet.model.attributes import Attributes
from bgpnet.model.net import Family
from tests.scenarios.exabgp_model import Exabgp, two_peers
from tests.scenarios.speakerstory import HOP1, TOR1, TOR2, Story, hop, net, path, routes_of


def ready(*numbers: int) -> Story:
    """A story that begins with both sessions up and these prefixes announced."""
    story = Story()
    story.want(*numbers)
    story.connect()
    story.up()
    story.turns(60)
    return story


def test_everything_wanted_is_announced_and_then_end_of_rib_once_a_family() -> None:
    story = ready(0, 1, 2)
    for peer in (story.tor1, story.tor2):
        assert peer.table == {net(n): hop(net(n)) for n in (0, 1, 2)}
        assert sorted(peer.heard[-2:]) == ["eor ipv4", "eor ipv6"]
        assert sum(text.startswith("eor") for text in peer.heard) == 2
    assert all(session.end_of_rib_sent for session in story.observed().sessions)
    assert story.observed().sessions[0].announced == (net(0), net(1), net(2))


def test_a_router_that_restarts_hears_end_of_rib_when_others_had_time_to_come() -> None:
    """FRR deletes what its kernel kept when those that are back have said that this was all."""
    story = Story()
    story.tor1.restarts, story.tor1.has_restarted = (Family.IPV4,), True
    story.tor2.has_restarted = True  # it keeps nothing over a restart, so there is nothing to wait for
    story.want(0)
    story.connect()
    story.up()
    story.turns(60)
    assert net(0) in story.tor1.table
    assert not [text for text in story.tor1.heard if text.startswith("eor")]
    assert sorted(story.tor2.heard[-2:]) == ["eor ipv4", "eor ipv6"]
    story.settle(HELD)
    assert sorted(story.tor1.heard[-2:]) == ["eor ipv4", "eor ipv6"]


def test_an_agent_that_knows_nothing_yet_says_nothing() -> None:
    story = Story()
    story.connect()
    story.up()
    story.turns(60)
    assert story.tor1.heard == []
    assert not story.observed().sessions[0].end_of_rib_sent


def test_to_want_nothing_is_something_to_say() -> None:
    story = Story()
    story.want()
    story.connect()
    story.up()
    story.turns(60)
    assert sorted(story.tor1.heard) == ["eor ipv4", "eor ipv6"]


def test_an_agents_restart_is_not_heard_by_any_router() -> None:
    story = ready(0, 1, 2)
    for peer in (story.tor1, story.tor2):
        peer.heard.clear()
    story.restart_agent()
    story.connect()
    story.turns(60)
    assert story.tor1.heard == []
    assert story.observed().sessions[0].announced == (net(0), net(1), net(2))
    story.want(0, 1, 2)
    story.turns(60)
    assert sorted(story.tor1.heard) == [
        "eor ipv4",
        "eor ipv6",
    ]  # repeated: a router without stale paths ignores it


def test_what_a_former_agent_announced_goes_only_once_it_is_known_that_nobody_wants_it() -> None:
    story = ready(0, 1)
    story.restart_agent()
    story.connect()
    story.settle(5)
    assert net(1) in story.tor1.table
    story.want(0)
    story.turns(60)
    assert list(story.tor1.table) == [net(0)]


def test_a_dead_agent_changes_nothing() -> None:
    story = ready(0, 1)
    story.restart_agent()
    story.settle(30)
    assert set(story.tor1.table) == {net(0), net(1)}
    story.exabgp.down(story.tor1)
    story.up()
    story.settle(5)
    assert set(story.tor1.table) == {net(0), net(1)}


def test_exabgps_restart_loses_nothing_that_is_still_wanted() -> None:
    story = ready(0, 1, 2, 3)
    story.restart_exabgp()
    story.connect()
    story.up()
    for _ in range(100):
        story.turns(1)
        assert set(story.tor1.table) == {net(0), net(1), net(2), net(3)}
    assert story.tor1.stale == set()


def test_exabgps_restart_with_a_dead_agent_keeps_stale_routes_until_an_agent_knows() -> None:
    story = ready(0, 1, 2)
    story.restart_agent()
    story.restart_exabgp()
    story.up()
    story.settle(30)
    assert story.tor1.stale == {net(0), net(1), net(2)}
    story.connect()
    story.settle(2)
    assert story.tor1.stale == {net(0), net(1), net(2)}
    story.want(0, 2)
    story.turns(60)
    assert set(story.tor1.table) == {net(0), net(2)}
    assert story.tor1.stale == set()


def test_end_of_rib_waits_for_a_stalled_peer_and_no_peer_waits_for_another() -> None:
    story = Story()
    story.connect()
    story.up()
    story.tor1.stalled = True
    story.want(*range(6))
    story.settle(50)
    assert story.tor1.heard == []
    assert not story.observed().sessions[0].end_of_rib_sent
    assert story.observed().sessions[1].end_of_rib_sent
    assert not any("10.0.0.101 announce eor" in command for command in story.commands)
    story.tor1.stalled = False
    story.settle(20)
    assert sorted(story.tor1.heard[-2:]) == ["eor ipv4", "eor ipv6"]
    assert set(story.tor1.table) == {net(n) for n in range(6)}


def test_a_prefix_that_was_not_written_gets_no_second_change() -> None:
    story = ready(0)
    story.tor1.stalled = True
    for next_hop in (2, 1, 2, 1):
        story.want(0, next_hop=next_hop)
        story.turns(20)
    assert sum("10.0.0.101 announce attributes" in command for command in story.commands) == 2
    story.tor1.stalled = False
    story.turns(60)
    assert story.tor1.table == story.tor2.table == {net(0): hop(net(0), 1)}


def test_a_peer_that_is_not_up_gets_nothing() -> None:
    story = ready(0)
    story.exabgp.down(story.tor1)
    story.turns(5)
    before = len(story.commands)
    story.want(0, 1)
    story.turns(40)
    assert not any("10.0.0.101" in command for command in story.commands[before:])
    story.want(1)
    story.up()
    story.turns(60)
    assert set(story.tor1.table) == {net(1)}
    assert sorted(story.tor1.heard[-2:]) == ["eor ipv4", "eor ipv6"]


def test_a_withdrawal_that_exabgp_leaves_out_is_repeated() -> None:
    """It leaves out those in the first UPDATEs of a session."""
    story = ready(0)
    story.exabgp.down(story.tor1)
    story.exabgp.up(story.tor1)
    story.turns(2)
    story.want(0, 1)
    story.turns(30)
    story.tor1.first = True
    story.want(0)
    story.settle(5)
    assert set(story.tor1.table) == {net(0)}
    assert sum("10.0.0.101 withdraw" in command for command in story.commands) == 2


def test_a_reload_that_drops_end_of_rib_is_made_good() -> None:
    story = Story()
    story.connect()
    story.up()
    story.want(0)
    while not any("announce eor" in command for command in story.commands):
        story.turns(1)
    story.turns(1)
    story.exabgp.reload()
    story.settle(5)
    assert {"eor ipv4", "eor ipv6"} <= set(story.tor1.heard)


def test_no_end_of_rib_while_the_configuration_is_being_changed() -> None:
    story = Story()
    story.connect()
    story.core.reloading()
    story.up()
    story.want(0)
    story.settle(3)
    assert story.tor1.heard == [f"+{net(0)} {hop(net(0))}"]
    story.core.reloaded()
    story.turns(40)
    assert sorted(story.tor1.heard[-2:]) == ["eor ipv4", "eor ipv6"]


def test_a_change_of_an_attribute_alone_announces_that_prefix_again_and_withdraws_nothing() -> None:
    story = ready(0, 1, 3)
    story.tor1.heard.clear()
    story.core.want(
        {TOR1: {net(0): path(net(0)), net(1): path(net(1), med=5), net(3): path(net(3))}}, now=story.now
    )
    story.turns(60)
    assert story.tor1.heard == [f"+{net(1)} {hop(net(1))} med 5"]
    assert set(story.tor1.table) == {net(0), net(1), net(3)}


def test_a_peer_of_which_nothing_is_known_keeps_what_it_has_and_the_others_go_on() -> None:
    story = ready(0, 1)
    story.tor1.heard.clear()
    story.core.want({TOR1: None, TOR2: {net(3): path(net(3))}}, now=story.now)
    story.turns(60)
    assert (story.tor1.heard, set(story.tor1.table)) == ([], {net(0), net(1)})
    assert set(story.tor2.table) == {net(3)}
    story.restart_agent()
    story.core.want({TOR1: None, TOR2: {net(3): path(net(3))}}, now=story.now)
    story.connect()
    story.settle(5)
    assert (story.tor1.heard, set(story.tor1.table)) == ([], {net(0), net(1)})
    story.want(1)
    story.turns(60)
    assert set(story.tor1.table) == {net(1)}


def test_prefixes_with_equal_attributes_share_a_command() -> None:
    attributes = Attributes(((64512, 1), (65535, 0), (64512, 1, 2)), med=3, as_path=(64512, 64512))
    story = Story()
    story.connect()
    story.up()
    told = {net(n): Path(hop(net(n)), attributes if n % 2 else Attributes()) for n in (0, 1, 3, 4)}
    story.core.want({TOR1: told}, now=story.now)
    story.turns(60)
    words = "as-path [ 64512 64512 ] med 3 community [ 64512:1 65535:0 ] large-community [ 64512:1:2 ]"
    assert [command.split(" ", 1)[1] for command in story.commands if "nlri" in command] == [
        f"neighbor {TOR1} announce attributes next-hop {HOP1} nlri {net(0)} {net(4)}",
        f"neighbor {TOR1} announce attributes next-hop {HOP1} {words} nlri {net(1)} {net(3)}",
    ]
    story.tor1.heard.clear()
    story.commands.clear()
    story.restart_agent()
    story.core.want({TOR1: told}, now=story.now)
    story.connect()
    story.turns(60)
    assert [text for text in story.tor1.heard if not text.startswith("eor")] == []
    assert not any("nlri" in command for command in story.commands)


def test_many_prefixes_go_48_a_line_and_add_goes_before_delete() -> None:
    story = ready(*range(0, 300, 3))
    story.commands.clear()
    story.want(*range(300, 600, 3), peer=TOR1)
    story.turns(60)
    to_tor1 = [command.split() for command in story.commands if str(TOR1) in command]
    sizes = [len(command) - 8 for command in to_tor1]
    assert [command[3] for command in to_tor1] == ["announce"] * 3 + ["withdraw"] * 3
    assert sizes == [48, 48, 4, 48, 48, 4]
    assert story.tor2.table == {}


def test_what_exabgp_refuses_holds_up_nothing_else_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story()
    refused = net(0)
    change = Exabgp._change  # noqa: SLF001 - the model is ours

    def refusing(self: Exabgp, peer: object, words: list[str]) -> str:
        return "error" if str(refused) in words and story.now < 1010 else change(self, peer, words)  # type: ignore[arg-type]

    monkeypatch.setattr(Exabgp, "_change", refusing)
    story.want(0, 5)  # of two families: two commands
    story.connect()
    story.up()
    story.settle(3)
    assert set(story.tor1.table) == {net(5)}
    assert story.observed().sessions[0].end_of_rib_sent
    story.settle(20)
    assert set(story.tor1.table) == {net(0), net(5)}


# --- any history ------------------------------------------------------------------------------------------


Told = tuple[int, int | None]
"""A next hop and a MED."""


@dataclass(frozen=True)
class Act:
    """One thing that happens, and the turns until the next."""

    what: str
    peer: int
    number: int
    next_hop: int
    med: int | None
    turns: int


ACTS = st.builds(
    Act,
    st.sampled_from(
        ["want"] * 6
        + ["drop"] * 4
        + [
            "stall",
            "resume",
            "down",
            "up",
            "agent",
            "relay",
            "exabgp",
            "reload",
            "connect",
            "connect",
            "wait",
        ]
    ),
    peer=st.integers(0, 1),
    number=st.integers(0, 3),
    next_hop=st.integers(1, 2),
    med=st.sampled_from([None, 0, 7]),
    turns=st.integers(0, 6),
)


def act(story: Story, wanted: dict[int, Told], one: Act) -> None:  # noqa: C901 - a table of what can happen
    """Let it happen."""
    peer = (story.tor1, story.tor2)[one.peer]
    match one.what:
        case "want":
            wanted[one.number] = (one.next_hop, one.med)
        case "drop":
            wanted.pop(one.number, None)
        case "stall":
            peer.stalled = True
        case "resume":
            peer.stalled = False
        case "down" if peer.up:
            story.exabgp.down(peer)
        case "up":
            story.up(peer)
        case "agent":
            story.restart_agent()
        case "relay":
            story.lose_relay()
        case "exabgp":
            story.restart_exabgp()
        case "connect":
            story.connect()
        case "reload":
            story.exabgp.reload()
        case "wait":
            story.now += 1.3
    tell(story, wanted)
    story.turns(one.turns)


def tell(story: Story, wanted: dict[int, Told]) -> None:
    routes = {net(number): path(net(number), *told) for number, told in wanted.items()}
    story.core.want({TOR1: routes, TOR2: routes}, now=story.now)


@settings(max_examples=300)
@given(st.lists(ACTS, max_size=40))
def test_every_history_ends_with_the_wanted_routes(history: list[Act]) -> None:
    story = Story()
    wanted: dict[int, Told] = {}
    for one in history:
        act(story, wanted, one)
    story.connect()
    for peer in (story.tor1, story.tor2):
        peer.stalled = False
    story.up()
    tell(story, wanted)
    story.settle()
    expected = {str(net(number)): str(hop(net(number), next_hop)) for number, (next_hop, _) in wanted.items()}
    for peer in (story.tor1, story.tor2):
        assert routes_of(peer) == expected
        for number, (_, med) in wanted.items():
            assert peer.carried[net(number)] == ("" if med is None else f"med {med}")
        assert peer.stale == set()
    assert all(session.end_of_rib_sent for session in story.observed().sessions)
    assert {str(prefix) for prefix in story.observed().sessions[0].announced} == set(expected)


def test_the_model_has_the_faults_that_the_rules_are_there_for() -> None:
    """Commands sent without waiting end wrong: A, then B gone and back, loses B; hop 1, 2, 1 ends with 2."""

    def told(*commands: str) -> dict[str, str]:
        exabgp = Exabgp(two_peers(), "1-1", 0.0)
        peer = exabgp.peers[TOR1]
        exabgp.up(peer)
        peer.first, peer.stalled = False, True
        for number, command in enumerate(commands):
            exabgp.say(f"{number} neighbor {TOR1} {command}\n".encode())
            exabgp.turn()
        peer.stalled = False
        for _ in range(10):
            exabgp.turn()
        return routes_of(peer)

    a, b = "10.1.0.0/16", "10.2.0.0/16"
    to = "attributes next-hop 10.0.0.1 nlri"
    other = "attributes next-hop 10.0.0.2 nlri"
    assert b not in told(f"announce {to} {a}", f"withdraw {other} {b}", f"announce {to} {b}")
    assert told(f"announce {to} {a}", f"announce {other} {a}", f"announce {to} {a}") == {a: "10.0.0.2"}


def test_a_session_that_a_reload_gives_another_identity_is_told_everything() -> None:
    """ExaBGP makes a new one, with an empty table, of a session whose AS number or router id changed."""
    story = ready(0, 1)
    story.core.reloading()
    story.exabgp.down(story.tor1, "stop, message [removed]")
    story.tor1.cache = {}
    story.up()
    story.turns(5)
    story.core.reloaded()
    story.turns(40)
    assert set(story.tor1.table) == {net(0), net(1)}
    assert sorted(story.tor1.heard[-2:]) == ["eor ipv4", "eor ipv6"]


@pytest.mark.parametrize("turns", [0, 1, 20])
def test_an_end_of_the_reload_s_that_is_heard_of_late_is_one_of_the_reload_s(turns: int) -> None:
    """The supervisor's answer comes by another way than events, and ExaBGP ends sessions in its own time."""
    story = ready(0, 1)
    story.core.reloading()
    story.core.reloaded()
    story.turns(turns)
    story.exabgp.down(story.tor1, "stop, message [removed]")
    story.tor1.cache = {}
    story.up()
    story.turns(40)
    assert set(story.tor1.table) == {net(0), net(1)}
    assert sorted(story.tor1.heard[-2:]) == ["eor ipv4", "eor ipv6"]


def test_a_session_that_a_reload_adds_is_told_everything_and_the_others_nothing() -> None:
    story = ready(0, 1)
    added = story.peers.pop(TOR1)
    story.core.reloaded()
    story.turns(5)
    added.up, added.cache, added.table = False, {}, {}
    story.tor2.heard.clear()
    story.core.reloading()
    story.peers[TOR1] = added
    story.core.reloaded()
    story.turns(5)
    story.up()
    story.turns(40)
    assert set(added.table) == {net(0), net(1)}
    assert story.tor2.heard == []
