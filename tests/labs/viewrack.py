"""The lab rack with a ToR that announces more: what views are compared with."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.netlab import demo, life, reading
from tests.netlab.lab import REPOSITORY, Lab

FOLDER = REPOSITORY / "tests" / "labs" / "rack"

FRR = """
frr defaults traditional
hostname tor
!
interface lo
 ip address 192.0.2.10/32
!
interface eth1
 ip address 10.0.1.1/24
!
interface eth2
 ip address 10.0.2.1/24
!
ip route 192.0.2.0/24 blackhole
!
ip prefix-list PODS seq 10 permit 10.244.0.0/16 le 32
ip prefix-list LONGER seq 10 permit 198.51.100.0/24
ip prefix-list UNSURE seq 10 permit 198.51.101.0/24
ip prefix-list DEARER seq 10 permit 198.51.102.0/24
!
route-map ALL permit 10
!
route-map PLAIN deny 10
 match ip address prefix-list PODS
!
route-map PLAIN permit 20
!
route-map WORSE deny 5
 match ip address prefix-list PODS
!
route-map WORSE permit 10
 match ip address prefix-list LONGER
 set as-path prepend 65001 65001
!
route-map WORSE permit 20
 match ip address prefix-list UNSURE
 set origin incomplete
!
route-map WORSE permit 30
 match ip address prefix-list DEARER
 set metric 50
!
route-map WORSE permit 40
!
router bgp 65001
 bgp router-id 10.255.0.11
 bgp graceful-restart restart-time 77
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor 10.0.1.11 remote-as 64512
 neighbor 10.0.1.11 passive
 neighbor 10.0.1.11 timers 2 6
 neighbor 10.0.2.11 remote-as 64512
 neighbor 10.0.2.11 passive
 neighbor 10.0.2.11 timers 3 9
 !
 address-family ipv4 unicast
  network 192.0.2.0/24
  network 198.51.100.0/24
  network 198.51.101.0/24
  network 198.51.102.0/24
  network 203.0.113.0/24
  maximum-paths 32
  neighbor 10.0.1.11 activate
  neighbor 10.0.1.11 route-map ALL in
  neighbor 10.0.1.11 route-map PLAIN out
  neighbor 10.0.2.11 activate
  neighbor 10.0.2.11 route-map ALL in
  neighbor 10.0.2.11 route-map WORSE out
"""

ACCEPT = "    - {prefix: 198.51.0.0/16, maxLength: 24}\n"


class Rack:
    """The lab rack with a ToR that announces more, the same over both links but for some attributes."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.tor, self.node, self.folder = lab.node("tor"), lab.node("node1"), folder

    def put(self, name: str, content: str | None) -> None:
        """Write a manifest, or put the good one back."""
        good = FOLDER / "configs" / "manifests" / name
        if content is None and good.exists():
            content = good.read_text(encoding="utf-8") + ACCEPT * name.startswith("1")
        path = self.folder / name
        if content is None:
            path.unlink()
        else:
            path.write_text(content, encoding="utf-8")

    def asks(self, *args: str) -> tuple[int, str]:
        """Exit code and output of a verb of `bgpnet`."""
        done = self.node.run(demo.BGPNET, *args)
        return done.code, done.stdout or done.stderr

    def peers(self, *args: str) -> tuple[int, dict[str, Any]]:
        """Exit code of `bgpnet peers -o json`, and its peers by object's name."""
        code, told = self.asks("peers", "-o", "json", *args)
        return code, {peer["object"].partition("/")[2]: peer for peer in json.loads(told)["peers"]}

    def vtysh(self, command: str) -> Any:  # noqa: ANN401 - FRR's JSON
        return json.loads(self.tor.run("vtysh", "-c", f"{command} json").checked("vtysh").stdout)

    def configure(self, *lines: str) -> None:
        """Change the ToR's BGP configuration."""
        words = [word for line in ("configure", "router bgp 65001", *lines) for word in ("-c", line)]
        self.tor.run("vtysh", *words).checked("vtysh")

    def reload(self) -> None:
        """Have ExaBGP reload: a third peer comes and goes, and the other sessions are read anew."""
        self.put(
            "14-more.yaml",
            "apiVersion: bgpnet.io/v1alpha1\nkind: BGPPeer\nmetadata: {name: more}\n"
            "spec: {peerAddress: 10.0.1.99, peerASN: 65003}\n",
        )
        until(lambda: self.peers()[1].get("more", {}).get("state") == "Connect", "the third peer")
        self.put("14-more.yaml", None)
        until(lambda: "more" not in self.peers()[1], "its end")

    def settled(self) -> None:
        """Both sessions up, and everything told both ways."""
        until(lambda: self.asks("peers")[0] == 0, "every peer is fine")
        until(
            lambda: [peer["received"] for peer in self.peers()[1].values()] == [5, 5], "all that the ToR has"
        )
        until(lambda: self.asks("routes")[0] == 0, "every route is in the kernel")
        until(self._announced, "the ToR has the block over both sessions")

    def _announced(self) -> bool:
        told = self.vtysh("show bgp ipv4 unicast summary")["peers"].values()
        return [peer.get("pfxRcd") for peer in told] == [1, 1]


def until(holds: Callable[[], bool], what: str, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


@contextmanager
def view_rack(work: Path) -> Iterator[Rack]:
    """The lab, up and settled or not, below `work`."""
    folder = work / "tests" / "labs" / "rack"
    shutil.copytree(FOLDER, folder)
    for outside in ("containerlab", "plugin"):
        (work / outside).symlink_to(REPOSITORY / outside)
    (folder / "configs" / "tor" / "frr.conf").write_text(FRR, encoding="utf-8")
    topology = folder / "lab.clab.yml"
    listen = "image: bgpnet\n      env: {BGPNET_METRICS_LISTEN: '10.0.1.11:9179'}\n"
    topology.write_text(
        topology.read_text(encoding="utf-8").replace("image: bgpnet\n", listen), encoding="utf-8"
    )
    site = work / "site"
    shutil.copytree(folder / "configs" / "manifests", site / "manifests")
    options = reading.Options(
        work / "out", {**os.environ, "SITE": str(site)}, name_prefix=f"views{os.getpid()}-"
    )
    with life.running(reading.read(folder, options), work / "out", print) as lab:
        rack = Rack(lab, site / "manifests")
        for name in ("11-tor1.yaml", "12-tor2.yaml"):
            rack.put(name, None)
        yield rack
