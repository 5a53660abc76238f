"""A lab run by containerlab and Docker: deployed, reached through its containers' namespaces, destroyed."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.netlab import command, interrupts
from tests.netlab.errors import LabRunError, LabSetupError
from tests.netlab.lab import Say
from tests.netlab.labfolder import LabFolder
from tests.netlab.node import RunningNode
from tests.netlab.topology import Topology

PROGRAMS = ("containerlab", "docker")
DEPLOY_TIMEOUT = 600.0
"""Seconds; containerlab may pull images."""
DESTROY_TIMEOUT = 120.0


def check_installed() -> None:
    """Complain when this machine cannot run containers.

    Raises:
        LabSetupError: a program is missing.

    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise LabSetupError(
            f"RUNTIME=containerlab needs {' and '.join(missing)}, not installed here: install it, or use"
            " RUNTIME=netns"
        )


@contextlib.contextmanager
def running(
    folder: LabFolder, topology: Topology, work: Path, say: Say
) -> Iterator[Mapping[str, RunningNode]]:
    """The lab is deployed inside the block and destroyed after it, however the block ends.

    Raises:
        LabRunError: it cannot be deployed or destroyed; with containerlab's words.

    """
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)
    say(f"containerlab deploys lab {topology.name}: {', '.join(topology.nodes)}")
    try:
        _containerlab("deploy", folder, work)
        nodes = {
            name: _container(topology, name, work) for name in topology.nodes if _is_machine(topology, name)
        }
        yield nodes
        for node in nodes.values():
            logs = command.run(["docker", "logs", node.namespace])
            node.log.write_text(logs.stdout + logs.stderr, encoding="utf-8")
    finally:
        with interrupts.ignored():
            _containerlab("destroy", folder, work)


def _is_machine(topology: Topology, name: str) -> bool:
    return topology.nodes[name].has_processes


def _containerlab(verb: str, folder: LabFolder, work: Path) -> None:
    """Run containerlab; what it writes beside the topology goes into `work`."""
    environment = {**os.environ, "CLAB_LABDIR_BASE": str(work), "CLAB_VERSION_CHECK": "disable"}
    cleanup = ["--cleanup"] if verb == "destroy" else []
    done = command.run(
        ["containerlab", verb, "--topo", str(folder.topology), *cleanup],
        timeout=DESTROY_TIMEOUT if verb == "destroy" else DEPLOY_TIMEOUT,
        environment=environment,
    )
    (work / f"containerlab-{verb}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    done.checked(f"containerlab {verb}")


def _container(topology: Topology, name: str, work: Path) -> RunningNode:
    """The node behind a container: its first process leads to all its namespaces.

    Raises:
        LabRunError: the container does not run.

    """
    node = topology.nodes[name]
    container = node.namespace or f"clab-{topology.name}-{name}"
    done = command.run(["docker", "inspect", container]).checked(f"docker inspect {container}")
    (told,) = json.loads(done.stdout)
    pid = int(told["State"]["Pid"])
    if pid == 0:
        logs = command.run(["docker", "logs", "--tail", "15", container])
        raise LabRunError(f"container {container} does not run; its last lines:\n{logs.stdout}{logs.stderr}")
    environment = dict(line.split("=", 1) for line in told["Config"]["Env"])
    return RunningNode(name, container, node.image, pid, environment, work / f"{name}.log")
