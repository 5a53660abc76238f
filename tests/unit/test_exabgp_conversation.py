"""The lines between the driver and the relay."""

import json

import pytest

from bgpnet.drivers.exabgp.commands import Path, adj_rib_out_of, neighbors_of
from bgpnet.drivers.exabgp.conversation import Conversation
from bgpnet.drivers.exabgp.core import Core
from bgpnet.model.attributes import Attributes
from bgpnet.model.bgp import SessionState
from tests.unit.facts import address, prefix

HELLO = b'{"hello": {"speaker": "1-1", "age": 1000.0, "relay": 2, "gap": true}}\n'

# As ExaBGP 5.0.15 wrote it, shortened by what is not read.
NEIGHBORS = [
    {
        "state": "down",
        "duration": 7,
        "fsm": "IDLE",
        "local": {"families": {"ipv4 unicast": True}, "address": "10.0.1.2", "as": 64512, "hold": 9},
        "peer": {
            "capabilities": {"graceful-restart": None},
            "families": {"ipv4 unicast": None},
            "address": "10.0.1.1",
            "as": 65001,
            "id": None,
            "hold": None,
        },
    }
]


def answer(number: int, *lines: object) -> bytes:
    told = [json.dumps({"id": number, "line": line}) for line in lines]
    return "\n".join([*told, json.dumps({"id": number, "answer": "done"}), ""]).encode()


def test_the_role_first_then_one_command_at_a_time() -> None:
    talk = Conversation(Core())
    assert talk.to_send(0.0) == b"agent\n"
    assert talk.to_send(0.0) == b""
    talk.received(HELLO, 0.0, 0.0)
    assert talk.to_send(0.0) == b"1 show neighbor json\n"
    assert talk.to_send(0.0) == b""
    talk.received(answer(1, NEIGHBORS), 0.0, 0.0)
    assert talk.to_send(0.0) == b"2 show adj-rib out json\n"
    talk.received(answer(2), 0.0, 0.0)
    assert talk.to_send(0.0) == b""


def test_lines_may_come_in_any_pieces() -> None:
    core = Core()
    talk = Conversation(core)
    talk.to_send(0.0)
    talk.received(HELLO, 0.0, 0.0)
    talk.to_send(0.0)
    for byte in answer(1, NEIGHBORS):
        talk.received(bytes([byte]), 0.0, 50.0)
    speaker = core.observed(0.0, 50.0)
    assert speaker is not None
    (session,) = speaker.sessions
    assert (session.peer, session.state, session.since) == (address("10.0.1.1"), SessionState.CONNECT, 43.0)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"hallo": 1}',
        b'{"id": 9, "answer": "done"}',
        b'{"id": 1, "answer": "perhaps"}',
        b"\xff",
    ],
)
def test_what_makes_no_sense_ends_the_connection(line: bytes) -> None:
    talk = Conversation(Core())
    talk.received(HELLO, 0.0, 0.0)
    talk.to_send(0.0)
    with pytest.raises(ValueError, match="relay"):
        talk.received(line + b"\n", 0.0, 0.0)


def test_a_show_that_is_refused_or_garbled_ends_the_connection() -> None:
    for end in (
        b'{"id": 1, "answer": "error"}\n',
        answer(1, "what?"),
        answer(1, [{"fsm": "IDLE"}]),
        answer(1),
    ):
        talk = Conversation(Core())
        talk.to_send(0.0)
        talk.received(HELLO, 0.0, 0.0)
        talk.to_send(0.0)
        with pytest.raises(ValueError, match="show neighbor json"):
            talk.received(end, 0.0, 0.0)


def test_events_that_cannot_be_read_are_counted_and_the_first_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    talk = Conversation(Core())
    talk.received(HELLO, 0.0, 0.0)
    for _ in range(3):
        talk.received(
            b'{"event": {"type": "update"}}\n{"event": {"type": "state", "neighbor": 1}}\n', 0.0, 0.0
        )
    assert talk.unreadable == 3
    assert len(caplog.records) == 1


def test_tables_are_read_by_peer() -> None:
    def line(peer: str, route: str, hop: str, safi: str = "unicast", **carried: object) -> dict[str, object]:
        family = {"afi": "ipv4", "safi": safi}
        return {
            "peer": {"address": peer},
            "route": {"nlri": {"prefix": route, "nexthop": hop, "family": family}, "attributes": carried},
        }

    told = [
        line("10.0.1.1", "10.0.0.0/8", "10.0.1.2"),
        json.dumps(line("10.0.2.1", "11.0.0.0/8", "10.0.2.2")),
        line("10.0.1.1", "12.0.0.0/8", "10.0.1.2", "mpls-vpn"),
        line("10.0.1.1", "13.0.0.0/8", "10.0.1.2", med=7, community=["64512:1", "65535:0", "no-export"]),
    ]
    assert adj_rib_out_of(told) == {
        address("10.0.1.1"): {
            prefix("10.0.0.0/8"): Path(address("10.0.1.2")),
            prefix("13.0.0.0/8"): Path(
                address("10.0.1.2"), Attributes(((64512, 1), (65535, 0), (65535, 65281)), med=7)
            ),
        },
        address("10.0.2.1"): {prefix("11.0.0.0/8"): Path(address("10.0.2.2"))},
    }
    with pytest.raises(ValueError, match="adj-rib out"):
        adj_rib_out_of(["nonsense"])


def test_no_neighbor_at_all_is_an_answer() -> None:
    assert neighbors_of([[]]) == ()
