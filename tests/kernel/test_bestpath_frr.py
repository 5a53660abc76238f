"""The decision process beside FRR's: both get the same paths from the same routers."""

import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from bgpnet.model.attributes import DEFAULT_LOCAL_PREFERENCE
from bgpnet.model.bgp import LearnedPath, Origin
from bgpnet.model.net import Address
from bgpnet.planner.bestpath import Step, best_paths, decide
from tests.bgprouter import Router, routers, until
from tests.netns import Namespace

pytestmark = pytest.mark.kernel

PREFIXES = [f"198.18.{number}.0/24" for number in range(60)]

ASNS = {1: 65001, 2: 65001, 3: 64512, 4: 65002}
"""Two routers of one neighbouring AS, one of our own, one of another."""

JUDGE = """
router bgp 64512
 bgp router-id 192.0.2.200
 no bgp ebgp-requires-policy
 bgp deterministic-med
 bgp bestpath compare-routerid
 bgp bestpath as-path multipath-relax
{neighbors}
 address-family ipv4 unicast
  maximum-paths 8
  maximum-paths ibgp 8
"""

STEPS = {
    "Local Pref": Step.LOCAL_PREFERENCE,
    "AS Path": Step.AS_PATH_LENGTH,
    "Origin": Step.ORIGIN,
    "MED": Step.MED,
    "Peer Type": Step.EXTERNAL,
    "Router ID": Step.ROUTER_ID,
}
"""FRR's names of what decided between the best and the path it compared last."""


@contextmanager
def judge(space: Namespace, folder: Path, made: list[Router]) -> Iterator[Router]:
    """A bgpd in the node's place."""
    folder.mkdir()
    neighbors = "\n".join(f" neighbor {each.address} remote-as {each.asn}" for each in made)
    (folder / "bgpd.conf").write_text(JUDGE.format(neighbors=neighbors), encoding="utf-8")
    argv = ["/usr/lib/frr/bgpd", "-f", str(folder / "bgpd.conf"), "-Z", "-S", "-u", "root", "-g", "root"]
    argv += ["-i", str(folder / "pid"), "--vty_socket", str(folder), "--log", "stdout"]
    frr = Router(9, space, folder)
    with (folder / "log").open("wb") as log:
        frr.process = subprocess.Popen(["ip", "netns", "exec", space.name, *argv], stdout=log, stderr=log)
    try:
        until(lambda: frr.vtysh("show version", check=False), "bgpd answers")
        yield frr
    finally:
        frr.stop()


def offer(router: Router, chance: random.Random) -> None:
    """Announce every prefix with attributes of the router's own; some are left out."""
    lines = ["configure terminal"]
    for number, prefix in enumerate(PREFIXES, 1):
        lines += [f"ip prefix-list P{number} seq 10 permit {prefix}"]
        if chance.random() < 0.2:
            lines += [f"route-map OUT deny {number}", f"match ip address prefix-list P{number}"]
            continue
        lines += [f"route-map OUT permit {number}", f"match ip address prefix-list P{number}"]
        own = chance.choice([0, 0, 1, 2]) + (router.asn == 64512)  # iBGP adds none by itself
        if own:
            lines += ["set as-path prepend " + " ".join([str(64600 + router.number)] * own)]
        lines += [f"set origin {chance.choice(['igp', 'igp', 'incomplete'])}"]
        lines += [f"set metric {chance.choice([0, 0, 5])}"]
        if router.asn == 64512:
            lines += [f"set local-preference {chance.choice([99, 100, 100, 101])}"]
    lines += ["route-map OUT deny 1000", f"router bgp {router.asn}", "address-family ipv4 unicast"]
    lines += [f"network {prefix}" for prefix in PREFIXES]
    lines += [f"neighbor {router.node} route-map OUT out"]
    router.vtysh(*lines)


def documents(text: str) -> list[dict[str, Any]]:
    """JSON documents that stand one after the other."""
    found, decoder, rest = [], json.JSONDecoder(), text.lstrip()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].lstrip()
    return found


def path_of(told: dict[str, Any], prefix: str) -> LearnedPath:
    """A path as FRR shows it."""
    peer = ip_address(told["peer"]["peerId"])
    return LearnedPath(
        peer=peer,
        prefix=ip_network(prefix),
        next_hop=peer,
        as_path=tuple(map(int, told["aspath"]["string"].replace("Local", "").split())),
        origin=Origin({"IGP": "igp", "incomplete": "incomplete"}[told["origin"]]),
        med=told.get("metric"),
        local_preference=told.get("locPrf", DEFAULT_LOCAL_PREFERENCE),
        internal=told["peer"]["type"] == "internal",
    )


def test_frr_decides_the_same_from_the_same_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Router, "asn", property(lambda router: ASNS.get(router.number, 64512)))
    with routers(tmp_path, 4) as (space, made), judge(space, tmp_path / "judge", made) as frr:
        chance = random.Random(1)  # a draw in which every step decides somewhere
        for router in made:
            offer(router, chance)

        def complete() -> bool:
            told = frr.show("bgp ipv4 unicast summary")["peers"]
            sent = [router.show("bgp ipv4 unicast summary")["peers"][router.node] for router in made]
            counts = [told[router.address].get("pfxRcd") for router in made]
            return counts == [each.get("pfxSnt") for each in sent] and all(counts)

        until(complete, "every path has come")
        ids: dict[Address, IPv4Address | None] = {
            ip_address(router.address): IPv4Address(router.address) for router in made
        }
        decided: set[Step] = set()
        tables = documents(frr.vtysh(*(f"show bgp ipv4 unicast {prefix} json" for prefix in PREFIXES)))
        assert len(tables) == len(PREFIXES)
        for prefix in PREFIXES:
            told = tables.pop(0).get("paths", [])
            paths = {path_of(each, prefix): each for each in told if each.get("valid")}
            assert len(paths) == len(told)
            decision = decide(paths, ids)
            assert (decision is None) == (not told)
            if decision is None:
                continue
            assert paths[decision.best].get("bestpath", {}).get("overall"), told
            used = {path for path, each in paths.items() if each.get("multipath")} | {decision.best}
            assert set(best_paths(list(paths))) == used, told
            if len(paths) == 2:
                ((_, step),) = (*decision.multipath, *decision.worse)
                assert STEPS[paths[decision.best]["bestpath"]["selectionReason"]] is step, told
            decided |= {step for _, step in (*decision.multipath, *decision.worse)}
        assert decided == set(STEPS.values())
