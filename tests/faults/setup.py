"""How a copy of a lab folder differs from the lab: loopbacks of nodes, BFD, ToRs that restart gracefully.

All is text: manifests and hand-written parts of routers are edited, and routers are generated from them anew.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.faults.case import BFD, RESTARTING

LOOPBACKS: Final = {"node1": "10.250.0.11", "node2": "10.250.0.12"}
"""What the nodes' own connections come from: an address on a link dies with the link."""
RANGE: Final = "10.250.0.0/24"
KEY_FILE: Final = "tor1.key"
LEAF: Final = Path(__file__).with_name("leaf.bird.conf")
"""The leaf of ToRs that restart gracefully: FRR tells in its OPEN that it has restarted, for two minutes
after its start, and FRR 8.4 on a ToR deletes what it keeps as soon as one neighbour tells it."""

_LEAF_IS_FRR: Final = """\
    leaf:
      image: frr
      binds:
        - configs/daemons:/etc/frr/daemons:ro
        - configs/leaf/frr.conf:/etc/frr/frr.conf:ro
"""
_LEAF_IS_BIRD: Final = """\
    leaf:
      image: bird
      binds:
        - configs/leaf/bird.conf:/etc/bird/bird.conf:ro
"""


def apply(folder: Path, variant: str) -> None:
    """Edit the copy of a lab folder."""
    configs = folder / "configs"
    edit(
        configs / "manifests" / "00-bgp.yaml",
        "localASN: 64512",
        f"localASN: 64512\n  loopbackCIDRs: [{RANGE}]",
    )
    for number in (11, 12):
        node = f"node{number - 10}"
        address = f"        - ip address add 10.0.2.{number}/24 dev eth2\n"
        own = f"        - ip address add {LOOPBACKS[node]}/32 dev lo\n"
        edit(folder / "lab.clab.yml", address, address + own)
    leaf = configs / "leaf" / "frr.conf"
    if variant == RESTARTING:
        leaf = leaf.with_name("bird.conf")
        shutil.copy(LEAF, leaf)
        edit(folder / "lab.clab.yml", _LEAF_IS_FRR, _LEAF_IS_BIRD)
    for path in (leaf, *configs.glob("*/*.base.conf")):
        text = with_loopbacks(path.read_text(encoding="utf-8"))
        if variant == BFD:
            text = _watching(text)
        if variant == RESTARTING and path != leaf:
            text = _restarting(text)
        path.write_text(text, encoding="utf-8")
    for number, tor in ((11, "tor1"), (12, "tor2")):
        path = configs / "manifests" / f"{number}-{tor}.yaml"
        if variant == BFD:
            edit(path, "  accept:\n", "  bfd: {}\n  accept:\n")
        if variant == RESTARTING and tor == "tor1" and "type: bird" in path.read_text(encoding="utf-8"):
            # With sessions that a range makes BIRD's graceful restart lost 3 packets of the worst flow.
            edit(path, "    type: bird\n", "    type: bird\n    neighbors: each\n")
        if variant == RESTARTING:
            edit(path, f"    name: {tor}\n    type", f"    name: {tor}\n    gracefulRestart: full\n    type")


def with_loopbacks(text: str) -> str:
    """Let what is written by hand for pods' blocks take the nodes' loopbacks, too; what is generated does."""
    lines = []
    for line in text.splitlines(keepends=True):
        lines.append(
            line.replace("[ 10.244.0.0/16{26,26} ]", f"[ 10.244.0.0/16{{26,26}}, {RANGE}{{32,32}} ]")
        )
        if line.startswith("ip prefix-list ") and line.endswith(" permit 10.244.0.0/16 ge 26 le 26\n"):
            lines.append(
                line.replace("seq 10", "seq 15").replace("10.244.0.0/16 ge 26 le 26", f"{RANGE} ge 32")
            )
    return "".join(lines)


def at_once(text: str) -> str:
    """Let BIRD take a neighbour back a second after each error: it waits twice as long as the last time else.

    A cell of 20 runs makes more errors in five minutes than a link that fails in a month.
    """
    return re.sub(r"error wait time 1, \d+;", "error wait time 1, 1;", text)


def _restarting(text: str) -> str:
    """Let a ToR restart gracefully towards the leaf, too; FRR is told that the kernel forwards meanwhile."""
    kept = " no bgp default ipv4-unicast\n bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n"
    text = text.replace(" no bgp default ipv4-unicast\n", kept, 1)
    text = text.replace("protocol kernel { ", "protocol kernel { graceful restart on; ")
    return text.replace("  hold time 9; keepalive", "  graceful restart on; hold time 9; keepalive")


def _watching(text: str) -> str:
    """Have leaf and ToRs watch each other with BFD, too; 300 ms x 3 is what FRR has by itself."""
    text = re.sub(r"( neighbor (\S+) )timers connect 1\n", r"\g<0> neighbor \2 bfd\n", text)
    if "protocol bgp leaf {" in text:
        text = text.replace("  hold time 9; keepalive", "  bfd on; hold time 9; keepalive")
        text += 'protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }\n'
    return text


def edit(path: Path, old: str, new: str) -> None:
    """Write another text into a file that has the old one."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def watched(peers: Iterable[Mapping[str, Any]]) -> bool:
    """Whether BFD is up with every router that it is asked for, of what `bgpnet peers` tells."""
    return all((peer.get("bfd") or {}).get("state", "Up") == "Up" for peer in peers)
