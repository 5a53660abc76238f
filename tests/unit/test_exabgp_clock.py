"""A clock that is set: forward or back, it silences no peer, and nothing is as long ago as it is not."""

import json

import pytest

from bgpnet.drivers.exabgp.conversation import Conversation
from bgpnet.drivers.exabgp.core import Core
from bgpnet.drivers.exabgp.session import ANSWER
from bgpnet.model.bgp import ObservedSession, SessionState

HELLO = b'{"hello": {"speaker": "1-1", "age": 0.5, "relay": 5, "gap": false}}\n'
WALL = 1_700_000_000.0


class Told:
    """A core that hears of one peer; `now` goes on evenly, `wall` is set."""

    def __init__(self) -> None:
        self.now, self.wall = 100.0, WALL
        self.core = Core()
        self.talk = Conversation(self.core)
        self.talk.to_send(self.now)
        self.talk.received(HELLO, self.now, self.wall)
        self.talk.to_send(self.now)
        answer = b'{"id": 1, "line": []}\n{"id": 1, "answer": "done"}\n'
        self.talk.received(answer, self.now, self.wall)

    def goes_on(self, seconds: float, step: float = 0.0) -> None:
        self.now, self.wall = self.now + seconds, self.wall + seconds + step

    def event(self, kind: str, state: str, late: float = 0.0) -> None:
        """ExaBGP wrote it `late` seconds ago, by the clock that it was then."""
        neighbor = {"address": {"local": "10.0.1.11", "peer": "10.0.1.1"}, "state": state}
        message = {"exabgp": "5.0.0", "time": self.wall - late, "type": kind, "neighbor": neighbor}
        self.talk.received(json.dumps({"event": message}).encode() + b"\n", self.now, self.wall)

    def session(self) -> ObservedSession:
        speaker = self.core.observed(self.now, self.wall)
        assert speaker is not None
        return speaker.sessions[0]


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_only_time_that_passes_makes_a_peer_silent(step: float) -> None:
    told = Told()
    told.event("fsm", "ACTIVE")
    told.goes_on(ANSWER / 2, step)
    assert not told.session().silent
    assert told.core.due(told.now) <= told.now + ANSWER
    told.goes_on(ANSWER)
    assert told.session().silent
    assert told.session().last_error_at == pytest.approx(WALL + step)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 0.2])
def test_a_session_is_up_for_as_long_as_it_is(step: float) -> None:
    told = Told()
    told.event("state", "up", late=2.0)
    since = told.session().since
    assert told.session().state is SessionState.ESTABLISHED
    assert since == pytest.approx(WALL - 2)
    told.goes_on(50.0, step)
    assert told.session().since == pytest.approx(WALL - 2 + (step if abs(step) > 1 else 0))
    assert told.session().since == told.session().since, "what is told does not tremble"
