"""The node as graceful-restart helper of its ToRs (RFC 4724 §4.2), with FRR and BIRD that restart gracefully.

What a router that restarts had told is kept where TCP ended without a NOTIFICATION, and no longer than its
restart time; while another router is in service it carries nothing that the other can.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bgpnet.model.peerstatus import ESTABLISHED
from tests.labs.meanwhile import meanwhile
from tests.labs.watchedlab import FOLDER, LEARNED, TORS, Watched, until
from tests.netlab import demo, faults, life, reading

pytestmark = pytest.mark.lab

RESTART = 40
"""Seconds that each router asks for: more than it takes to be back beside other tests."""
SOON = 8
"""What it asks for when it is not to come back."""
KEPT = {"frr": "198.51.100.0/26", "bird": "198.51.100.64/26"}
"""What this router alone announces, also once it is back."""
DROPPED = {"frr": "198.51.100.128/26", "bird": "198.51.100.192/26"}
"""What it alone announces, and not when it is back."""
PATIENCE = 30.0


class Helper(Watched):
    """The lab `watched` without BFD, its routers restarting gracefully."""

    def __init__(self, watched: Watched, folder: Path) -> None:
        super().__init__(watched.lab, watched.manifests)
        self.folder = folder

    def gateways(self, prefix: str) -> set[str]:
        """Of the node's route to a prefix."""
        found = self.node.ip_json("route", "show", "exact", prefix)
        return {
            hop["gateway"] for route in found for hop in route.get("nexthops", [route]) if "gateway" in hop
        }

    def whole(self) -> bool:
        """Whether both routers are in service, with all that they announce."""
        return (
            self.gateways(LEARNED) == set(TORS.values())
            and all(self.gateways(each[tor]) == {TORS[tor]} for each in (KEPT, DROPPED) for tor in TORS)
            and all(peer["state"] == ESTABLISHED for peer in self.peers().values())
        )

    def restart_times(self) -> set[int]:
        """What the routers asked for in their last OPEN, seconds."""
        told = (peer["capabilities"] or {} for peer in self.peers().values())
        return {each.get("restart_time", 0) for each in told}

    def reason(self, tor: str) -> str:
        """What `bgpnet routes` says of the router's path to what both announce."""
        told = self.node.run(demo.BGPNET, "routes", LEARNED, "-o", "json").stdout
        paths = [path for route in json.loads(told or "{}").get("routes", ()) for path in route["paths"]]
        return next((path["reason"] for path in paths if path["peer"] == TORS[tor]), "no path")

    def announces(self, tor: str, *, dropped: bool) -> None:
        """Write the router's configuration with or without the prefix that goes."""
        write(self.folder, tor, [KEPT[tor]] + [DROPPED[tor]] * dropped, RESTART)

    def reload(self, tor: str) -> None:
        """Have the router's daemon read its configuration."""
        line = {"frr": ("vtysh", "-b"), "bird": ("birdc", "configure")}[tor]
        self.lab.node(tor).run(*line).checked(" ".join(line))

    def kill(self, *tors: str) -> None:
        """The routing daemons die without a word; their kernels forward on."""
        for tor in tors:
            faults.kill(self.lab.node(tor), {"frr": "bgpd"}.get(tor, tor))

    def start(self, *tors: str) -> None:
        """Start them again, as what they are: daemons that restart."""
        lines = {
            "frr": "/usr/lib/frr/bgpd -d -A 127.0.0.1 --log file:/var/log/node.log && vtysh -b",
            "bird": "bird -R -c /etc/bird/bird.conf -s /run/bird/bird.ctl",
        }
        for tor in tors:
            self.lab.node(tor).run("sh", "-c", lines[tor]).checked(f"{tor}: {lines[tor]}")


def write(folder: Path, tor: str, prefixes: list[str], restart: int) -> None:
    """A router's configuration that also announces these. `restart`: its restart time, seconds."""
    name = f"{tor}/{tor}.conf"
    text = (FOLDER / "configs" / name).read_text(encoding="utf-8")
    if tor == "frr":
        more = "".join(f"  network {prefix}\n" for prefix in prefixes)
        lines = (
            "no bgp network import-check",
            "bgp graceful-restart",
            "bgp graceful-restart preserve-fw-state",
        )
        graceful = "".join(f" {line}\n" for line in (*lines, f"bgp graceful-restart restart-time {restart}"))
        changes = {"  network 192.0.2.0/24\n": more, " no bgp default ipv4-unicast\n": graceful}
    else:
        more = "".join(f" route {prefix} blackhole;" for prefix in prefixes)
        changes = {" route 192.0.2.0/24 blackhole;": more, "protocol kernel {": " graceful restart on;"}
        graceful = f"graceful restart on; graceful restart time {restart};"
        text = text.replace("graceful restart aware;", graceful)
    for line, behind in changes.items():
        assert line in text
        text = text.replace(line, line + behind)
    (folder / "configs" / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helper]:
    work = tmp_path_factory.mktemp("helper")
    folder, manifests = work / "lab", work / "manifests"
    shutil.copytree(FOLDER, folder)
    shutil.copytree(FOLDER / "configs" / "manifests", manifests)
    for name in ("11-frr.yaml", "12-bird.yaml"):
        path = manifests / name
        text = path.read_text(encoding="utf-8").replace("  bfd: {}\n", "")
        path.write_text(text + "    - {prefix: 198.51.100.0/24, maxLength: 26}\n", encoding="utf-8")
    environment = {**os.environ, "MANIFESTS": str(manifests)}
    options = reading.Options(work / "out", environment, name_prefix=f"gr{os.getpid()}-")
    for tor in TORS:
        write(folder, tor, [KEPT[tor], DROPPED[tor]], RESTART)
    with life.running(reading.read(folder, options), work / "out", print) as lab:
        yield Helper(Watched(lab, manifests), folder)


@pytest.fixture
def lab(running: Helper) -> Helper:
    until("both routers are in service", running.whole, PATIENCE)
    return running


def always(lab: Helper, prefix: str) -> AbstractContextManager[None]:
    """The node's kernel has a route to the prefix all the while."""
    return meanwhile(lambda: bool(lab.gateways(prefix)), 0.02, f"there is a route to {prefix}")


@pytest.mark.parametrize("tor", sorted(TORS))
def test_a_router_that_restarts_gives_way_keeps_what_it_alone_has_and_is_swept_at_its_end_of_rib(
    lab: Helper, tor: str
) -> None:
    (other,) = TORS.keys() - {tor}
    with always(lab, LEARNED), always(lab, KEPT[tor]):
        lab.kill(tor)
        until("the other router carries what both have", lambda: lab.gateways(LEARNED) == {TORS[other]})
        assert lab.reason(tor) == "Stale"
        assert lab.gateways(KEPT[tor]) == lab.gateways(DROPPED[tor]) == {TORS[tor]}
        lab.announces(tor, dropped=False)
        lab.start(tor)
        until("both carry it again", lambda: lab.gateways(LEARNED) == set(TORS.values()), PATIENCE)
        until("what it no longer announces is swept", lambda: not lab.gateways(DROPPED[tor]), PATIENCE)
        assert lab.gateways(KEPT[tor]) == {TORS[tor]}
        assert lab.reason(tor) != "Stale"
    lab.announces(tor, dropped=True)
    lab.reload(tor)


def test_routers_that_do_not_come_back_are_used_until_their_restart_time_is_over(lab: Helper) -> None:
    """No router is left: what forwards unattended is better than nothing."""
    for tor in TORS:
        write(lab.folder, tor, [KEPT[tor], DROPPED[tor]], SOON)
        lab.reload(tor)
    lab.lab.node("frr").run("vtysh", "-c", "clear bgp *").checked("vtysh")
    until("both ask for less", lambda: lab.restart_times() == {SOON} and lab.whole(), PATIENCE)
    for tor in TORS:
        lab.announces(tor, dropped=True)
    everything = (LEARNED, *KEPT.values(), *DROPPED.values())
    lab.kill(*TORS)
    begun = time.monotonic()
    try:
        # The one that is missed first gives way to the other, for as long as that seems to live.
        until("both are missed", lambda: all(peer["state"] != ESTABLISHED for peer in lab.peers().values()))
        until("both carry what both have", lambda: lab.gateways(LEARNED) == set(TORS.values()))
        while (passed := time.monotonic() - begun) < SOON - 2:
            assert lab.gateways(LEARNED) == set(TORS.values()), f"after {passed:.1f} s"
            assert all(map(lab.gateways, everything)), f"after {passed:.1f} s"
        until("all of it is gone", lambda: not any(map(lab.gateways, everything)), PATIENCE)
        assert time.monotonic() - begun > SOON - 1
    finally:
        lab.start(*TORS)


@pytest.mark.parametrize("tor", sorted(TORS))
def test_a_router_that_says_why_it_ends_the_session_leaves_nothing_to_be_kept(lab: Helper, tor: str) -> None:
    """With a NOTIFICATION (Cease): not for a moment of its restart time."""
    ends = {
        "frr": ["-c", "configure", "-c", "router bgp 65001", "-c", "neighbor 10.0.1.11 shutdown"],
        "bird": ["disable", "node"],
    }
    begins = {"frr": [*ends["frr"][:-1], "no neighbor 10.0.1.11 shutdown"], "bird": ["enable", "node"]}
    shell = {"frr": "vtysh", "bird": "birdc"}[tor]
    router = lab.lab.node(tor)
    router.run(shell, *ends[tor]).checked(shell)
    try:
        took = until("its routes are gone", lambda: not lab.gateways(KEPT[tor]))
        assert took < RESTART / 4
        assert lab.reason(tor) == "no path"
        assert "NOTIFICATION Cease" in lab.peers()[tor]["last_error"]
    finally:
        router.run(shell, *begins[tor]).checked(shell)
