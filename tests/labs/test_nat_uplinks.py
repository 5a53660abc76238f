"""natOutgoing and the loss of an uplink: connections go on, as the address that others see is of no link."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.labs.roughrack import RoughRack, rough_rack, until
from tests.netlab.probes import Place
from tests.netlab.streams import streaming

pytestmark = pytest.mark.lab

SERVER = "203.0.113.10"
POD = "10.244.1.1"
LOOPBACK = "10.255.0.11"
STREAMS = 16
"""Of which the ECMP hash leads some over either uplink: all over one, once in 32,768 runs."""

OUTSIDE = f"""!
no zebra nexthop kernel enable
interface lo
 ip address {SERVER}/32
!
ip route 0.0.0.0/0 blackhole
ip prefix-list POD_BLOCKS seq 20 permit 10.255.0.0/24 ge 32
ip prefix-list VM_NETWORK seq 20 permit 0.0.0.0/0
router bgp 65001
 address-family ipv4 unicast
  network 0.0.0.0/0
"""
"""The ToR stands in for the server, too, whose network nodes are told of by a default route alone."""


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoughRack]:
    work = tmp_path_factory.mktemp("natuplinks")
    with rough_rack(work, tor=OUTSIDE, accept="    - prefix: 0.0.0.0/0\n") as up:
        up.node.run("ip", "address", "add", f"{LOOPBACK}/32", "dev", "lo").checked("ip")
        file = up.manifests / "00-bgp.yaml"
        text = file.read_text(encoding="utf-8").replace("/16\n", "/16\n  natOutgoing: true\n")
        text = text.replace("localASN: 64512\n", "localASN: 64512\n  loopbackCIDRs: [10.255.0.0/24]\n")
        file.write_text(text, encoding="utf-8")
        until(lambda: _source(up) == LOOPBACK, "the agent translates to the loopback address")
        up.node.run("pod", "add", "pod11").checked("pod add")
        yield up


def _source(rack: RoughRack) -> str:
    return next((str(each["source"]) for each in rack.status().get("nat", ())), "")


def _two_ways(rack: RoughRack) -> bool:
    return all(
        len(rack.ways(prefix, on=on)) == 2 for prefix, on in (("default", "node1"), (f"{LOOPBACK}", "tor"))
    )


def _peers_of_the_server(rack: RoughRack) -> set[str]:
    shown = rack.tor.run("ss", "-Htn", "state", "established", "src", SERVER).stdout
    return {line.split()[-1].rpartition(":")[0] for line in shown.splitlines()}


@pytest.mark.parametrize("dark", ["eth1", "eth2"])
def test_connections_through_the_translation_outlive_an_uplink(rack: RoughRack, dark: str) -> None:
    until(lambda: _two_ways(rack), "two ways out, and two back to the loopback address")
    pod, server = Place(rack.node, POD, "pod11"), Place(rack.tor, SERVER)
    with streaming(pod, server, 7000, STREAMS) as streams:
        until(lambda: _peers_of_the_server(rack) == {LOOPBACK}, "the server sees the loopback address alone")
        streams.mark()
        rack.tor.run("ip", "link", "set", dark, "down").checked("ip")
        try:
            until(lambda: len(rack.ways("default")) == 1, "one way out")
            until(lambda: len(rack.ways(LOOPBACK, on="tor")) == 1, "one way back")

            def flowing() -> bool:
                streams.mark()
                time.sleep(1)
                return streams.result().longest_ms < 500

            until(flowing, "every connection has its echoes again")
            assert streams.result().broken == ()
            assert _peers_of_the_server(rack) == {LOOPBACK}
        finally:
            rack.tor.run("ip", "link", "set", dark, "up").checked("ip")
    print(json.dumps(rack.status()["nat"]))
