"""A lab run by containerlab and Docker: deployed, reached through its containers' namespaces, destroyed."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.netlab import command, images, interrupts
from tests.netlab.errors import LabRunError, LabSetupError
from tests.netlab.lab import Say
from tests.netlab.labfolder import LabFolder
from tests.netlab.node import RunningNode
from tests.netlab.topology import Node, Topology

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
        LabSetupError: it is deployed already, or an image of this repository has not been built.
        LabRunError: it cannot be deployed or destroyed, or a command of `exec` failed; in containerlab's
            words.

    """
    _refuse_deployed(topology, folder)
    _refuse_missing(topology)
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)
    machines = [node for node in topology.nodes.values() if node.has_processes]
    try:
        _refuse_failed(_containerlab("deploy", folder, topology, work).checked("containerlab deploy"))
        say("  deployed")
        nodes = {node.name: _running(node, work) for node in machines}
        yield nodes
        for node in machines:
            logs = command.run(["docker", "logs", node.container])
            nodes[node.name].log.write_text(logs.stdout + logs.stderr, encoding="utf-8")
    except BaseException:
        with interrupts.ignored():
            _containerlab("destroy", folder, topology, work)
        raise
    with interrupts.ignored():
        _containerlab("destroy", folder, topology, work).checked("containerlab destroy")


def _refuse_deployed(topology: Topology, folder: LabFolder) -> None:
    """A lab that somebody has deployed is theirs: it must not be destroyed at the end."""
    asked = ["docker", "ps", "--all", "--quiet", "--filter", f"label=containerlab={topology.name}"]
    if command.run(asked).checked("docker ps").stdout.strip():
        raise LabSetupError(
            f"lab {topology.name} is deployed already: containerlab destroy --topo {folder.topology}"
        )


def _refuse_missing(topology: Topology) -> None:
    """Containerlab would look for an image of ours in a registry."""
    wanted = {f"{node.image}:latest" for node in topology.nodes.values() if node.image in images.BUILT}
    found = command.run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).checked(
        "docker image ls"
    )
    if missing := sorted(wanted - set(found.stdout.split())):
        raise LabSetupError(f"Docker has no image {', '.join(missing)}; build them: make lab-images")


def _refuse_failed(deployed: command.Finished) -> None:
    """A command of `exec` that failed is only logged by containerlab, whose exit code stays 0."""
    words = deployed.stdout + deployed.stderr
    if failed := re.search(r"Failed to execute command .*(?:\n  .*)*", words):
        raise LabRunError(f"containerlab deploy: {failed[0]}")


def _containerlab(verb: str, folder: LabFolder, topology: Topology, work: Path) -> command.Finished:
    """Run containerlab; what it writes goes into `work`, unless the lab has prepared the folder for it."""
    environment = {**os.environ, "CLAB_VERSION_CHECK": "disable"}
    if not (folder.folder / f"clab-{topology.name}").exists():
        environment["CLAB_LABDIR_BASE"] = str(work)
    deploys = verb == "deploy"
    done = command.run(
        ["containerlab", verb, "--topo", str(folder.topology), *([] if deploys else ["--cleanup"])],
        timeout=DEPLOY_TIMEOUT if deploys else DESTROY_TIMEOUT,
        environment=environment,
    )
    (work / f"containerlab-{verb}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    return done


def _running(node: Node, work: Path) -> RunningNode:
    """The node behind a container: its first process leads to all its namespaces.

    Raises:
        LabRunError: the container does not run.

    """
    done = command.run(["docker", "inspect", node.container]).checked(f"docker inspect {node.container}")
    (told,) = json.loads(done.stdout)
    pid = int(told["State"]["Pid"])
    if pid == 0:
        logs = command.run(["docker", "logs", "--tail", "15", node.container])
        raise LabRunError(
            f"container {node.container} does not run; its last lines:\n{logs.stdout}{logs.stderr}"
        )
    environment = dict(line.split("=", 1) for line in told["Config"]["Env"])
    return RunningNode(node.name, node.namespace, node.image, pid, environment, work / f"{node.name}.log")
