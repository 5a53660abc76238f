"""The table of images: what a node of an image runs when it is made of the host's own programs.

With containerlab an image is a container; here the last part of its name, without tag, is the key:
`frr`, `quay.io/frrouting/frr:8.4.2` and `frr:latest` are all `frr`.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from platform import machine
from types import MappingProxyType

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "containerlab" / "images"
"""What both runtimes' nodes are made from."""
BUILT = frozenset({"vm", "frr", "bird", "openbgpd", "gobgp", "bgpnet"})
"""Images that `make lab-images` builds under these very names, from the Dockerfile there."""
OWN_PROGRAMS = Path(sys.executable).parent
"""Where the runner's own Python environment has its programs: `bgpnet`, `exabgp`."""


@dataclass(frozen=True, slots=True)
class Image:
    """How the host stands in for an image.

    Attributes:
        programs: host programs it needs, with the Debian package that has each.
        hidden: directories of the host that the node sees empty, so that the host's own configuration
            does not leak in; mapped to their owner.
        files: what stands in the hidden directories all the same, by path; a node's binds come over it.
        binds: files of this repository that are part of the image, by the path that the node sees them at;
            a node's own bind of the same path takes its place.
        start: shell script, run once when the node is configured; it returns when the daemons answer.
        command: program that keeps running, unless the node's `cmd` or `entrypoint` says otherwise. The words
            `{node}` is replaced.

    """

    programs: Mapping[str, str]
    hidden: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    binds: Mapping[str, Path] = field(default_factory=dict)
    start: str = ""
    command: tuple[str, ...] = ()
    own_python: bool = False
    """Whether the runner's own Python environment (`bgpnet`, `exabgp`) comes first on the node's PATH."""


def _start(image: str) -> str:
    return (FOLDER / f"{image}.start").read_text(encoding="utf-8")


_PLAIN = Image(programs={}, hidden={})

_TABLE: Mapping[str, Image] = MappingProxyType(
    {
        "frr": Image(
            programs={"/usr/lib/frr/bgpd": "frr", "vtysh": "frr"},
            hidden={"/etc/frr": "frr", "/run/frr": "frr"},
            files={"/etc/frr/vtysh.conf": "service integrated-vtysh-config\n"},
            start=_start("frr"),
        ),
        "bird": Image(
            programs={"bird": "bird2", "birdc": "bird2"},
            hidden={"/etc/bird": "root", "/run/bird": "root"},
            start=_start("bird"),
        ),
        "openbgpd": Image(
            programs={"bgpd": "openbgpd", "bgpctl": "openbgpd"},
            hidden={"/etc/openbgpd": "root"},
            start=_start("openbgpd"),
        ),
        "gobgp": Image(
            programs={"gobgpd": "gobgpd", "gobgp": "gobgpd"},
            hidden={"/etc/gobgp": "root"},
            command=("gobgpd", "-f", "/etc/gobgp/gobgpd.toml", "--api-hosts", "127.0.0.1:50051"),
        ),
        "bgpnet": Image(
            programs={"ip": "iproute2"},
            hidden={"/etc/bgpnet": "root", "/etc/cni": "root", "/opt/cni": "root"},
            binds={
                "/opt/cni/bin/bgpnet": REPOSITORY / "plugin" / "build" / machine() / "bgpnet",
                "/usr/local/bin/pod": FOLDER / "pod",
            },
            command=(
                "bgpnet",
                "node",
                "--node",
                "{node}",
                "--source",
                "files:/etc/bgpnet/manifests",
                "--run-dir",
                "/run/bgpnet",
            ),
            own_python=True,
        ),
        "vm": _PLAIN,
        "linux": _PLAIN,
        # Well-known images of plain hosts, so that topologies written for containerlab run as they are.
        **dict.fromkeys(("alpine", "busybox", "debian", "ubuntu", "netshoot", "network-multitool"), _PLAIN),
    }
)


def find(image: str) -> Image | None:
    """The image of this name, or None when the table has none."""
    return _TABLE.get(key(image))


def key(image: str) -> str:
    """The last part of an image's name, without tag or digest."""
    return image.rsplit("/", 1)[-1].split("@", 1)[0].split(":", 1)[0]


def names() -> str:
    """The keys of the table, for an error."""
    return ", ".join(_TABLE)
