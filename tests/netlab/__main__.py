"""`python -m tests.netlab`: bring a lab folder up, judge it, take it down."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from tests.netlab import judge, life, reading
from tests.netlab.errors import LabError
from tests.netlab.lab import REPOSITORY
from tests.netlab.topology import Topology

FINE, FAILED, USAGE = 0, 1, 2


def main() -> int:
    """Run one verb; 0 when all held, 1 when something did not, 2 when the folder or the command is wrong."""
    args = parser().parse_args()
    try:
        if args.verb == "down":
            life.take_down(args.lab if args.abandoned else topology_of(args.lab).name)
            return FINE
        return run(Path(args.lab), args.runtime)
    except LabError as error:
        print(error, file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("interrupted; everything is taken down", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.netlab", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    run_verb = verbs.add_parser("run", help="bring the lab up, judge its expect.yml, take it down")
    run_verb.add_argument("--runtime", choices=("netns", "containerlab"), default="netns")
    run_verb.add_argument("lab", help="the lab's folder")
    down = verbs.add_parser("down", help="take away what a lab left behind")
    down.add_argument("--abandoned", action="store_true", help="LAB is a lab's name, not a folder")
    down.add_argument("lab", help="the lab's folder, or its name")
    return top


def topology_of(folder: str | Path) -> Topology:
    """The lab of a folder, worked on in build/labs."""
    return reading.read(Path(folder), reading.Options(REPOSITORY / "build" / "labs", os.environ))


def run(folder: Path, runtime: str) -> int:
    """Up, judged, down; the last line is the score."""
    if runtime == "containerlab":
        if shutil.which("containerlab") is None:
            print("containerlab is not installed here; use RUNTIME=netns", file=sys.stderr)
        else:
            print("RUNTIME=containerlab is not there yet; use RUNTIME=netns", file=sys.stderr)
        return USAGE
    topology = topology_of(folder)
    expectations = judge.read(folder, topology.nodes)
    for notice in topology.notices:
        print(f"note: {notice}")
    print(f"Bringing up lab {topology.name}: {', '.join(topology.nodes)}")
    with life.running(topology, REPOSITORY / "build" / "labs", print) as lab:
        print(f"The lab is up; logs are in {lab.work}")
        score = judge.judge(expectations, lab.nodes, print)
    print(score)
    return FAILED if score.failed else FINE


if __name__ == "__main__":
    sys.exit(main())
