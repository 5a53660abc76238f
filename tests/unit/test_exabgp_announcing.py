"""Many announcements to one peer: what is looked at for each command, and when the agent is told."""

from bgpnet.drivers.exabgp.adjribout import AdjRibOut
from bgpnet.drivers.exabgp.commands import BATCH, Announce, Path, Withdraw
from bgpnet.drivers.exabgp.core import Core
from bgpnet.model.net import Family, Prefix
from tests.unit.facts import address, prefix

PEER = address("10.0.1.1")
PATH = Path(address("10.0.1.2"))
MANY = [prefix(f"10.{32 + number // 256}.{number % 256}.0/24") for number in range(2000)]


class Counting(dict[Prefix, Path]):
    """Counts how often it is looked into."""

    looks = 0

    def __getitem__(self, key: Prefix) -> Path:
        self.looks += 1
        return super().__getitem__(key)


def up() -> AdjRibOut:
    out = AdjRibOut(PEER)
    out.audited({})
    out.session_up(frozenset({Family.IPV4}), 9, 0.0, replayed=True, extended=False)
    return out


def told(out: AdjRibOut) -> list[Announce | Withdraw]:
    """Each command is queued, and written later."""
    made: list[Announce | Withdraw] = []
    while (command := out.next(0.0, marks=False)) is not None:
        assert isinstance(command, Announce | Withdraw)
        made.append(command)
        out.answered(command, 0.0, done=True)
    for command in made:
        announced = isinstance(command, Announce)
        routes = [(each, command.path) for each in command.prefixes] if isinstance(command, Announce) else []
        out.wrote(routes, () if announced else command.prefixes)
    return made


def test_all_are_told_once_and_not_gone_through_for_each_command() -> None:
    wanted = Counting(dict.fromkeys(MANY, PATH))
    out = up()
    out.want(wanted)
    made = told(out)
    assert [each for command in made for each in command.prefixes] == MANY
    assert max(len(command.prefixes) for command in made) == BATCH
    assert wanted.looks < 6 * len(MANY)
    assert out.announced == tuple(MANY)


def test_what_is_wanted_no_longer_is_withdrawn_once_and_what_is_wanted_otherwise_told_anew() -> None:
    out = up()
    out.want(dict.fromkeys(MANY, PATH))
    told(out)
    other = Path(address("10.0.1.3"))
    out.want({**dict.fromkeys(MANY[:1000], PATH), **dict.fromkeys(MANY[1000:1500], other)})
    made = told(out)
    again = [each for command in made if isinstance(command, Announce) for each in command.prefixes]
    gone = [each for command in made if isinstance(command, Withdraw) for each in command.prefixes]
    assert (again, gone) == (MANY[1000:1500], MANY[1500:])
    assert out.announced == tuple(MANY[:1500])
    assert not out.busy
    assert told(out) == []


def test_while_an_answer_is_outstanding_nothing_is_due_for_the_next_command() -> None:
    core = Core()
    peer = core._peer(PEER, 0.0)  # noqa: SLF001 - without the long conversation that brings it up
    peer.out = up()
    peer.out.want(dict.fromkeys(MANY, PATH))
    assert core.due(1.0) < 1.0
    assert core.due(1.0, answering=True) == float("inf")
    assert not core.announcing
    assert core.next(1.0) is not None
    assert core.announcing
