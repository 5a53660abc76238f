"""Two clusters on one fabric whose pools overlap: whole agents of either, and each tells of the other."""

import json
import os
from collections.abc import Iterator

import pytest

from tests.labs.roughrack import until
from tests.netlab import demo, life, reading
from tests.netlab.lab import Lab

pytestmark = pytest.mark.lab

TOPOLOGY = """
name: clusters
topology:
  defaults: {kind: linux}
  nodes:
    tor:
      image: frr
      binds: [frr.conf:/etc/frr/frr.conf:ro]
      exec: [ip address add 10.0.1.1/24 dev eth1, ip address add 10.0.2.1/24 dev eth2]
    one:
      image: bgpnet
      binds: [one:/etc/bgpnet/manifests:ro]
      exec: [ip address add 10.0.1.11/24 dev eth1]
    other:
      image: bgpnet
      binds: [other:/etc/bgpnet/manifests:ro]
      exec: [ip address add 10.0.2.11/24 dev eth1]
  links:
    - endpoints: [tor:eth1, one:eth1]
    - endpoints: [tor:eth2, other:eth1]
"""

ROUTER = """frr defaults traditional
router bgp 65001
 no bgp ebgp-requires-policy
 neighbor 10.0.1.11 remote-as 64512
 neighbor 10.0.1.11 passive
 neighbor 10.0.2.11 remote-as 64900
 neighbor 10.0.2.11 passive
"""

OBJECTS = """
apiVersion: bgpnet.io/v1alpha1
kind: BGPConfiguration
metadata: {name: default}
spec: {localASN: ASN}
---
apiVersion: bgpnet.io/v1alpha1
kind: IPPool
metadata: {name: pods}
spec: {cidr: 10.244.0.0/16}
---
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {name: tor}
spec:
  peerAddress: 10.0.SUBNET.1
  peerASN: 65001
  accept: [{prefix: 10.244.0.0/16, maxLength: 32}]
---
apiVersion: v1
kind: Node
metadata: {name: NAME}
spec: {podCIDRs: [CIDRS]}
status: {addresses: [{type: InternalIP, address: 10.0.SUBNET.11}]}
"""

NODES = {
    "one": ("64512", "1", "10.244.1.0/26, 10.244.2.0/25, 10.244.3.0/26"),
    "other": ("64900", "2", "10.244.1.0/25, 10.244.2.0/26, 10.244.4.0/26"),
}
"""AS number, subnet, blocks. Of two that lie in each other, who has the wider one hears of the narrower."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("clusters")
    (folder / "lab.clab.yml").write_text(TOPOLOGY, encoding="utf-8")
    (folder / "frr.conf").write_text(ROUTER, encoding="utf-8")
    for name, (asn, subnet, blocks) in NODES.items():
        text = OBJECTS.replace("ASN: ASN", f"ASN: {asn}").replace("SUBNET", subnet)
        (folder / name).mkdir()
        (folder / name / "all.yaml").write_text(text.replace("NAME", name).replace("CIDRS", blocks))
    options = reading.Options(folder / "out", os.environ, name_prefix=f"tc{os.getpid()}-")
    with life.running(reading.read(folder, options), folder / "out", print) as up:
        yield up


def _told(lab: Lab, name: str) -> dict[str, str]:
    """What of the node's own it says to be announced by others, with the remedy."""
    done = lab.node(name).run(demo.BGPNET, "status", "-o", "json")
    status = json.loads(done.stdout) if done.stdout.startswith("{") else {"rejections": []}
    return {
        each["found"]: each["remedy"]
        for each in status["rejections"]
        if each["reason"] == "AnnouncedElsewhere"
    }


@pytest.mark.parametrize(
    ("name", "theirs", "asn"), [("one", "10.244.2.0/26", 64900), ("other", "10.244.1.0/26", 64512)]
)
def test_each_cluster_tells_of_the_other_and_goes_on(lab: Lab, name: str, theirs: str, asn: int) -> None:
    until(lambda: set(_told(lab, name)) == {theirs}, f"{name} tells of {theirs}, and of nothing else")
    assert f"AS path 65001 {asn}" in _told(lab, name)[theirs]
    assert f"(AS {asn})" in _told(lab, name)[theirs]
    learned = {
        each["dst"] for each in lab.node(name).ip_json("route", "show", "proto", "179", "type", "unicast")
    }
    assert theirs not in learned, "it would lead the node's own pods' packets away"
