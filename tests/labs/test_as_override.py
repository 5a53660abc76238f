"""OpenBGPD and GoBGP, generated: nodes of one AS are told of each other, with an AS that they take."""

import os
import re
from collections.abc import Iterator

import pytest

from bgpnet.cli import main
from tests.labs.roughrack import until
from tests.netlab import life, reading
from tests.netlab.lab import Lab

pytestmark = pytest.mark.lab

TOPOLOGY = """
name: override
topology:
  defaults: {kind: linux}
  groups:
    tor:
      exec:
        - ip link add br0 type bridge
        - ip link set br0 up mtu 9500
        - ip link set eth1 master br0
        - ip link set eth2 master br0
    node:
      image: bgpnet
      binds: [manifests:/etc/bgpnet/manifests:ro]
  nodes:
    openbgpd:
      group: tor
      image: openbgpd
      binds: [generated/openbgpd.conf:/etc/openbgpd/bgpd.conf:ro]
      exec: [ip address add 10.0.1.1/24 dev br0]
    gobgp:
      group: tor
      image: gobgp
      binds: [generated/gobgp.toml:/etc/gobgp/gobgpd.toml:ro]
      exec: [ip address add 10.0.2.1/24 dev br0]
    n1: {group: node, exec: [ip address add 10.0.1.11/24 dev eth1, ip address add 10.0.2.11/24 dev eth2]}
    n2: {group: node, exec: [ip address add 10.0.1.12/24 dev eth1, ip address add 10.0.2.12/24 dev eth2]}
  links:
    - endpoints: [openbgpd:eth1, n1:eth1]
    - endpoints: [openbgpd:eth2, n2:eth1]
    - endpoints: [gobgp:eth1, n1:eth2]
    - endpoints: [gobgp:eth2, n2:eth2]
"""

FABRIC = """
apiVersion: bgpnet.io/v1alpha1
kind: BGPConfiguration
metadata: {name: default}
spec: {localASN: 64512}
---
apiVersion: bgpnet.io/v1alpha1
kind: IPPool
metadata: {name: pods}
spec: {cidr: 10.244.0.0/16}
"""

PEER = """---
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {name: SYSTEM}
spec:
  peerAddress: 10.0.NUMBER.1
  peerASN: 6500NUMBER
  accept: [{prefix: 10.244.0.0/16, maxLength: 26}]
  router:
    name: SYSTEM
    type: SYSTEM
    nodeSubnet: 10.0.NUMBER.0/24
    neighbors: HOW
    routerID: 10.0.NUMBER.1    # OpenBGPD starts in a lab before it has an address to take one from
"""

NODE = """---
apiVersion: v1
kind: Node
metadata: {name: nNUMBER}
spec: {podCIDRs: [10.244.NUMBER.0/26]}
status:
  addresses:
    - {type: InternalIP, address: 10.0.1.1NUMBER}
    - {type: InternalIP, address: 10.0.2.1NUMBER}
"""

SYSTEMS = (("openbgpd", "range"), ("gobgp", "each"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("override")
    (folder / "lab.clab.yml").write_text(TOPOLOGY, encoding="utf-8")
    text = FABRIC
    for number, (system, how) in enumerate(SYSTEMS, 1):
        text += PEER.replace("SYSTEM", system).replace("NUMBER", str(number)).replace("HOW", how)
    text += "".join(NODE.replace("NUMBER", str(number)) for number in (1, 2))
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(text, encoding="utf-8")
    assert main(["routers", "render", str(folder / "manifests"), "-o", str(folder / "generated")]) == 0
    options = reading.Options(folder / "out", os.environ, name_prefix=f"ao{os.getpid()}-")
    with life.running(reading.read(folder, options), folder / "out", print) as up:
        yield up


@pytest.mark.parametrize(("name", "block"), [("n1", "10.244.2.0/26"), ("n2", "10.244.1.0/26")])
def test_a_node_learns_the_other_s_block_from_either(lab: Lab, name: str, block: str) -> None:
    """Two ways: of equal length, as else one router's path were preferred to the other's."""

    def ways() -> set[str]:
        shown = lab.node(name).run("ip", "route", "show", "exact", block, "proto", "179").stdout
        return set(re.findall(r"dev (eth\d)", shown))

    until(lambda: ways() == {"eth1", "eth2"}, f"{name} has {block} over both")
