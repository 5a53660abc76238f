"""A trial of a lab: brought up on either runtime, judged, and looked at closely where it fails."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.netlab import captures, checks, containerlab, judge, life, outcome
from tests.netlab.errors import LabRunError
from tests.netlab.expectfile import ExpectFile
from tests.netlab.judge import Result, Say, Score
from tests.netlab.labfolder import LabFolder
from tests.netlab.node import RunningNode
from tests.netlab.topology import Topology


@dataclass(frozen=True, slots=True)
class Up:
    """A lab that is up. `dead` says which programs have ended that should still run."""

    nodes: Mapping[str, RunningNode]
    dead: Callable[[], list[str]]


@contextlib.contextmanager
def on_namespaces(topology: Topology, work: Path, say: Say, *, capture: bool) -> Iterator[Up]:
    """The lab is up on network namespaces inside the block; captures and tables are written at its end."""
    with life.running(topology, work, say, capture=capture) as lab:
        yield Up(lab.nodes, lambda: [str(failure) for failure in lab.failures()])
        lab.save_captures()
        outcome.collect(lab.nodes.values(), lab.work)


@contextlib.contextmanager
def on_containerlab(folder: LabFolder, topology: Topology, work: Path, say: Say) -> Iterator[Up]:
    """The lab is up in containers inside the block; its tables are written at its end."""
    with containerlab.running(folder, topology, work / topology.name, say) as nodes:
        yield Up(nodes, list)
        outcome.collect(nodes.values(), work / topology.name)


def judged(
    brought_up: contextlib.AbstractContextManager[Up], expectations: ExpectFile, work: Path, say: Say
) -> Score:
    """The score of a lab. One that does not come up fails every check, and says why."""
    try:
        with brought_up as up:
            results = list(_looked_at(expectations, up.nodes, work, say))
            results += [
                Result(name="programs still run", holds=False, seconds=0, seen=why) for why in up.dead()
            ]
    except LabRunError as error:
        say(f"FAILED  the lab broke: {error}")
        return judge.unjudged(expectations, str(error))
    for result in results[len(expectations.checks) :]:
        say(f"FAILED  {result.name}: {result.seen}")
    return judge.score(results)


def _looked_at(
    expectations: ExpectFile, nodes: Mapping[str, RunningNode], work: Path, say: Say
) -> Iterator[Result]:
    """How each check went; of one that failed, the packets of one more look are captured."""
    results = judge.verdicts(expectations, nodes, say)
    for number, (check, result) in enumerate(zip(expectations.checks, results, strict=True), start=1):
        if not result.holds:
            folder = work / "captures" / f"check-{number}"
            with captures.running(nodes.values(), folder, captures.ONE_LOOK):
                checks.look(check, nodes)
            say(f"        packets of one more look at it: {folder}")
        yield result
