"""Whether this machine can run a lab, asked before anything is made."""

import shutil

from tests.netlab import images, kernel
from tests.netlab.errors import LabSetupError
from tests.netlab.node import BASE_ENVIRONMENT
from tests.netlab.topology import Topology


def check(topology: Topology) -> None:
    """Complain about what is missing on this machine, and about what is in the lab's way.

    Raises:
        LabSetupError: with what to do about it.

    """
    _check_programs(topology)
    _check_root_namespace(topology)
    taken = [name for name in topology.namespaces if kernel.exists(name)]
    if taken:
        raise LabSetupError(
            f"there are network namespaces of these names already: {', '.join(taken)}: a containerlab of the"
            " same name, another lab with prefix '', or one brought up by hand: take it down first"
        )


def _check_programs(topology: Topology) -> None:
    machines = [node for node in topology.nodes.values() if node.has_processes]
    used = [image for node in machines if (image := images.find(node.image))]
    missing = {
        f"{program} (apt-get install {package})"
        for image in used
        for program, package in image.programs.items()
        if shutil.which(program, path=BASE_ENVIRONMENT["PATH"]) is None
    }
    if missing:
        raise LabSetupError(f"programs are missing: {', '.join(sorted(missing))}")
    unbuilt = {str(path) for image in used for path in image.binds.values() if not path.exists()}
    if unbuilt:
        raise LabSetupError(
            f"not built yet: {', '.join(sorted(unbuilt))}: run make plugin in {images.REPOSITORY}"
        )


def _check_root_namespace(topology: Topology) -> None:
    bridges = [node.name for node in topology.nodes.values() if node.kind == "bridge"]
    absent = [name for name in bridges if not kernel.is_bridge(name)]
    if absent:
        raise LabSetupError(
            f"this machine has no bridge {', '.join(absent)}: a node of kind bridge is there already:"
            f" make it (ip link add {absent[0]} type bridge; ip link set {absent[0]} up)"
        )
    taken = [name for name in topology.root_interfaces if kernel.has_interface(name)]
    if taken:
        raise LabSetupError(
            f"this machine already has interfaces {', '.join(taken)}: name the links' ends in the root"
            " namespace differently"
        )
