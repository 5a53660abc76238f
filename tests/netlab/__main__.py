"""Labs: folders with a containerlab topology (lab.clab.yml) and what must hold in it (expect.yml).

Exit codes: 0 all held; 1 something did not hold, or the lab broke; 2 the folder, the command or this machine
is not fit; 128 + n ended by signal n, with everything taken down.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.netlab import containerlab, interrupts, judge, labfolder, life, outcome, reading, state, trial
from tests.netlab.errors import LabError, LabRunError, LabSetupError
from tests.netlab.images import REPOSITORY
from tests.netlab.topology import Topology

FINE, FAILED, USAGE = 0, 1, 2
WORK = REPOSITORY / "build" / "labs"


def main() -> int:
    """Run one verb; the exit code."""
    args = parser().parse_args()
    verb: Callable[[argparse.Namespace], int] = args.act
    try:
        with interrupts.raised():
            return verb(args)
    except LabRunError as error:
        print(error, file=sys.stderr)
        return FAILED
    except LabError as error:
        print(error, file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # whoever read our words has gone, as `head` does; nobody is left to be told at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except interrupts.Interrupted as interrupted:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"\nended by {interrupted}; everything is taken down", file=sys.stderr)
        return interrupted.exit_code


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m tests.netlab",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="containerlab/README.md says how to write a lab.",
    )
    verbs = top.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, act: Callable[[argparse.Namespace], int], said: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=said, description=said[0].upper() + said[1:] + ".")
        added.set_defaults(act=act)
        return added

    lab = "the lab's folder, or its topology file"
    run_verb = verb("run", run, "bring a lab up, judge its expect.yml, take it down")
    run_verb.add_argument("lab", type=Path, help=lab)
    run_verb.add_argument(
        "--runtime",
        choices=("netns", "containerlab"),
        default="netns",
        help="netns: network namespaces of this machine (default); containerlab: that program, and Docker",
    )
    run_verb.add_argument(
        "--capture",
        action="store_true",
        help="capture the packets of every node during the whole run (else: only of checks that fail)",
    )
    verb("up", up, "bring a lab up and leave it up").add_argument("lab", type=Path, help=lab)
    exec_verb = verb("exec", execute, "run a program inside a node, or a pod of one, of a lab that is up")
    exec_verb.add_argument("lab", type=Path, help=lab)
    exec_verb.add_argument("place", help="NODE or NODE/POD")
    exec_verb.add_argument("argv", nargs=argparse.REMAINDER, metavar="PROGRAM …", help="default: bash")
    down_verb = verb("down", down, "take a lab down that is up, or that a killed run left behind")
    down_verb.add_argument("lab", help=f"{lab}; with --name: its name")
    down_verb.add_argument("--name", action="store_true", help="LAB is a name: the folder may be gone")
    down_verb.add_argument("--after-killed-run", action="store_true", help=argparse.SUPPRESS)
    verb("validate", validate, "check lab.clab.yml and expect.yml, and run nothing").add_argument(
        "lab", type=Path, help=lab
    )
    return top


def topology_of(place: Path) -> Topology:
    """The lab of a folder, worked on in build/labs."""
    return reading.read(place, reading.Options(WORK, os.environ))


def say(line: str) -> None:
    """Tell a person, who may be looking through a pipe."""
    print(line, flush=True)


def run(args: argparse.Namespace) -> int:
    """Up, judged, down; the last line is the score."""
    if args.runtime == "containerlab":
        containerlab.check_installed()
    folder = labfolder.find(args.lab)
    topology = topology_of(args.lab)
    expectations = judge.read(args.lab, topology.nodes)
    announce(topology)
    if args.runtime == "containerlab":
        brought_up = trial.on_containerlab(folder, topology, WORK, say)
    else:
        brought_up = trial.on_namespaces(topology, WORK, say, capture=args.capture)
    score = trial.judged(brought_up, expectations, WORK / topology.name, say)
    outcome.write(WORK / topology.name, topology.name, topology.folder, score)
    say(f"Logs, tables and {outcome.RESULT} are in {WORK / topology.name}")
    say(str(score))
    return FAILED if score.failed else FINE


def announce(topology: Topology) -> None:
    """Say what comes."""
    for notice in topology.notices:
        say(f"note: {notice}")
    say(f"Bringing up lab {topology.name}: {len(topology.nodes)} nodes, {len(topology.links)} links")


def up(args: argparse.Namespace) -> int:
    """Up, and left so."""
    topology = topology_of(args.lab)
    announce(topology)
    life.bring_up(topology, WORK, say)
    me, place = f"{sys.executable} -m tests.netlab", args.lab
    say(f"Lab {topology.name} is up; logs are in {WORK / topology.name}")
    say(f"  into a node:  {me} exec {place} {next(iter(topology.nodes))} [PROGRAM …]")
    say(f"  down again:   {me} down {place}")
    return FINE


def execute(args: argparse.Namespace) -> int:
    """Become a program inside a node."""
    topology = topology_of(args.lab)
    known = state.read(topology.name)
    if known is None:
        raise LabSetupError(f"lab {topology.name} is not up: python -m tests.netlab up {args.lab}")
    name, _, pod = args.place.partition("/")
    nodes = {node.name: node for node in known.nodes}
    if name not in nodes:
        raise LabSetupError(
            f"lab {topology.name} has no running node {name!r}: the nodes are {', '.join(nodes)}"
        )
    words = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    argv = nodes[name].argv(*(words or ["bash"]), pod=pod)
    terminal = {"TERM": os.environ["TERM"]} if "TERM" in os.environ else {}
    sys.stdout.flush()
    os.execvpe(argv[0], argv, {**nodes[name].environment, **terminal})  # noqa: S606 - no shell is wanted


def down(args: argparse.Namespace) -> int:
    """Down."""
    if args.after_killed_run:
        life.clean_after_killed_run(args.lab)
        return FINE
    # By the file's path first: it may have been changed, or broken, since the lab was brought up from it.
    names = [args.lab] if args.name else state.without_run(labfolder.find(Path(args.lab)).topology)
    for name in names or [topology_of(Path(args.lab)).name]:
        say(f"Lab {name} is down." if life.put_away(name) else f"Lab {name} was not up.")
    return FINE


def validate(args: argparse.Namespace) -> int:
    """Read both files."""
    topology = topology_of(args.lab)
    for notice in topology.notices:
        say(f"note: {notice}")
    told = f"lab {topology.name}: {len(topology.nodes)} nodes, {len(topology.links)} links"
    if labfolder.find(args.lab).expectations.exists():
        told += f", {len(judge.read(args.lab, topology.nodes).checks)} checks"
    else:
        told += ", no expect.yml: it can be brought up, not judged"
    say(f"{told}: fine")
    return FINE


if __name__ == "__main__":
    sys.exit(main())
