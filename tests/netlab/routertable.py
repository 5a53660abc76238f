"""What a router has from a peer, before its own policy where it keeps that, by the router's own tool.

Reading is pure; asking is a command or a few. Communities are spelled `64512:100`, `64512:1:2`, or by their
well-known name.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from bgpnet.model.community import parse_community, spell_community
from tests.netlab import images
from tests.netlab.errors import LabRunError
from tests.netlab.machine import Machine

FAMILIES = ("ipv4", "ipv6")


@dataclass(frozen=True, slots=True)
class Entry:
    """A path as the router has it. A MED that was not sent is None; 0 where the router does not tell."""

    next_hop: str
    as_path: tuple[int, ...]
    med: int | None
    communities: frozenset[str]


def table(router: Machine, peer: str) -> dict[str, Entry]:
    """The router's paths from the peer, by prefix.

    Raises:
        LabRunError: the node is no router that we can ask, or it does not answer.

    """
    key = images.key(router.image)
    if key not in _ASK:
        raise LabRunError(
            f"node {router.name} has image {router.image}: only {', '.join(_ASK)} tell what they have"
        )
    return _ASK[key](router, peer)


def _ask_frr(router: Machine, peer: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for family in FAMILIES:
        command = f"show bgp {family} unicast neighbors {peer} routes json"
        told = json.loads(router.run("vtysh", "-c", command).checked(f"{router.name}: vtysh").stdout or "{}")
        for prefix in told.get("routes", {}):
            detail = router.run("vtysh", "-c", f"show bgp {family} unicast {prefix} json").checked("vtysh")
            found |= from_frr(prefix, peer, detail.stdout)
    return found


def from_frr(prefix: str, peer: str, text: str) -> dict[str, Entry]:
    """Read `show bgp … PREFIX json`; nothing when the peer's path is not among them."""
    for path in json.loads(text).get("paths", []):
        if path.get("peer", {}).get("peerId") == peer:
            hops = [hop["ip"] for hop in path["nexthops"] if hop.get("scope") != "link-local"]
            words = path.get("community", {}).get("string", "").split()
            words += path.get("largeCommunity", {}).get("string", "").split()
            numbers = path.get("aspath", {}).get("string", "").replace("Local", "").split()
            return {prefix: _entry(hops[0], numbers, path.get("metric"), words)}
    return {}


def _ask_bird(router: Machine, peer: str) -> dict[str, Entry]:
    protocols = router.run("birdc", "show protocols all").checked(f"{router.name}: birdc").stdout
    for block in re.split(r"\n\s*\n", protocols):
        if re.search(rf"^\s*Neighbor address:\s*{re.escape(peer)}\s*$", block, re.MULTILINE):
            name = block.split()[0] if not block.startswith("BIRD") else block.splitlines()[2].split()[0]
            return from_bird(router.run("birdc", f"show route all protocol {name}").checked("birdc").stdout)
    return {}


def from_bird(text: str) -> dict[str, Entry]:
    """Read `show route all protocol NAME`."""
    found: dict[str, Entry] = {}
    for block in re.split(r"^(?=\S+/\d+\s)", text, flags=re.MULTILINE):
        head = re.match(r"(\S+/\d+)\s", block)
        if head is None:
            continue
        told = dict(re.findall(r"^\s*BGP\.(\w+): ?(.*)$", block, re.MULTILINE))
        words = [
            ":".join(numbers.split(", "))
            for name in ("community", "large_community")
            for numbers in re.findall(
                r"\(([\d, ]+)\)", told.get(name, "").replace(",", ", ").replace("  ", " ")
            )
        ]
        med = int(told["med"]) if "med" in told else None
        found[head[1]] = _entry(told["next_hop"].split()[0], told.get("as_path", "").split(), med, words)
    return found


def _ask_openbgpd(router: Machine, peer: str) -> dict[str, Entry]:
    done = router.run("bgpctl", "-j", "show", "rib", "in", "neighbor", peer, "detail")
    return from_openbgpd(done.checked(f"{router.name}: bgpctl").stdout)


def from_openbgpd(text: str) -> dict[str, Entry]:
    """Read `bgpctl -j show rib in neighbor PEER detail`."""
    return {
        path["prefix"]: _entry(
            path["exit_nexthop"],
            path["aspath"].split(),
            path["metric"],
            (*path.get("communities", ()), *path.get("large_communities", ())),
        )
        for path in json.loads(text or "{}").get("rib", [])
    }


def _ask_gobgp(router: Machine, peer: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for family in FAMILIES:
        done = router.run("gobgp", "-j", "neighbor", peer, "adj-in", "-a", family)
        if done.code == 0:  # else the session does not carry the family
            found |= from_gobgp(done.stdout)
    return found


def from_gobgp(text: str) -> dict[str, Entry]:
    """Read `gobgp -j neighbor PEER adj-in`; attributes are told by their number (RFC 4271 §5, RFC 8092)."""
    found: dict[str, Entry] = {}
    for prefix, paths in json.loads(text or "{}").items():
        told: Mapping[int, dict[str, Any]] = {each["type"]: each for each in paths[0]["attrs"]}
        words = [f"{number >> 16}:{number & 0xFFFF}" for number in told.get(8, {}).get("communities", ())]
        words += [
            f"{each['ASN']}:{each['LocalData1']}:{each['LocalData2']}"
            for each in told.get(32, {}).get("value", ())
        ]
        path = [str(asn) for part in told.get(2, {}).get("as_paths", ()) for asn in part.get("asns", ())]
        hop = told[3]["nexthop"] if 3 in told else told[14]["nexthop"]
        found[prefix] = _entry(hop, path, told.get(4, {}).get("metric"), words)
    return found


def _entry(hop: str, path: Iterable[str], med: int | None, words: Iterable[str]) -> Entry:
    spelled = frozenset(spell_community(parse_community(_plain(word))) for word in words)
    return Entry(str(ip_address(hop)), tuple(map(int, path)), med, spelled)


def _plain(word: str) -> str:
    """A well-known community as the routers call it, in our words."""
    return {"gshut": "graceful-shutdown"}.get(word.lower(), word.lower().replace("_", "-"))


_ASK = {"frr": _ask_frr, "bird": _ask_bird, "openbgpd": _ask_openbgpd, "gobgp": _ask_gobgp}
"""How each routing program is asked."""
