"""What a network plug-in could leave on a host: files, links, routes, rules, packet filters, sysctls."""

import json
from collections.abc import Iterator
from typing import Final

from tests.cluster.rig.machine import Machine

OTHERS: Final = (
    "var/log",
    "var/lib/kubelet",
    "var/lib/containerd",
    "usr/libexec/kubernetes",
    "etc/kubernetes",
)
"""Folders of the machine that its other programs write into."""

_ELSEWHERE: Final = ("/run/bgpnet", "/run/netns")
"""Folders that are not on the disk."""

_OTHERS_TABLES: Final = ("kube-proxy",)
"""Tables of nftables that other programs own."""

_TELL: Final = {
    "address": ("ip", "-j", "address"),
    "route": ("ip", "-j", "route", "show", "table", "all"),
    "route6": ("ip", "-6", "-j", "route", "show", "table", "all"),
    "rule": ("ip", "-j", "rule"),
    "rule6": ("ip", "-6", "-j", "rule"),
    "nexthop": ("ip", "-j", "nexthop"),
    "neighbour": ("ip", "-j", "neigh", "show", "nud", "permanent"),
}

_VOLATILE: Final = ("valid_life_time", "preferred_life_time", "ifindex", "link_index")

_SYSCTLS: Final = (
    "cd /proc/sys/net && find . -path './ipv?/conf/veth*' -prune -o -path './ipv?/neigh/veth*' -prune -o "
    "-type f -readable -print | sort | while read -r each; do "
    'if value=$(cat "$each" 2>/dev/null); then echo "$each $value" | tr "\\t\\n" "  "; echo; fi; done'
)

_MOVING: Final = ("nf_conntrack_count", "somaxconn", "flush", "stable_secret")


def snapshot(machine: Machine) -> set[str]:
    """A line for each thing that is there."""
    return {*_files(machine), *_network(machine), *_filters(machine), *_sysctls(machine)}


def _files(machine: Machine) -> Iterator[str]:
    upper = machine.disk / "upper"
    for path in upper.rglob("*"):
        name = str(path.relative_to(upper))
        if not name.startswith(OTHERS):
            told = path.lstat()
            yield f"file /{name} {told.st_mode:o} {told.st_size if path.is_file() else ''}"
    for folder in _ELSEWHERE:
        for line in machine.node.run("find", folder).stdout.splitlines():
            yield f"file {line}"


def _network(machine: Machine) -> Iterator[str]:
    for what, argv in _TELL.items():
        for each in json.loads(machine.node.run(*argv).checked(what).stdout or "[]"):
            yield f"{what} {json.dumps(_lasting(each), sort_keys=True)}"


def _lasting(told: object) -> object:
    match told:
        case dict():
            return {name: _lasting(value) for name, value in told.items() if name not in _VOLATILE}
        case list():
            return [_lasting(value) for value in told]
        case _:
            return told


def _filters(machine: Machine) -> Iterator[str]:
    for line in machine.node.run("nft", "list", "tables").checked("nft").stdout.splitlines():
        if not line.endswith(_OTHERS_TABLES):
            yield f"nft {line}"


def _sysctls(machine: Machine) -> Iterator[str]:
    for line in machine.node.run("sh", "-c", _SYSCTLS).checked("sysctls").stdout.splitlines():
        if not any(word in line for word in _MOVING):
            yield f"sysctl {line.strip()}"
