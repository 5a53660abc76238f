"""A host that filters by reverse path strictly: what is set, what passes, what is put back (RFC 3704)."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.labs.roughrack import BLOCK, RoughRack, rough_rack, until
from tests.netlab import demo, faults

pytestmark = pytest.mark.lab

STRICT = (
    "      cmd: sh -c 'cd /proc/sys/net/ipv4/conf; for each in all default eth1 eth2;"
    " do echo 1 > $$each/rp_filter; done; cd /;"
    " exec bgpnet node --node node1 --source files:/etc/bgpnet/manifests --run-dir /run/bgpnet'\n"
)
VM = "192.0.2.10"
LINKS = ("eth1", "eth2")


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoughRack]:
    with rough_rack(tmp_path_factory.mktemp("strict"), node=STRICT) as rack:
        yield rack


def setting(rack: RoughRack, link: str, name: str = "rp_filter") -> str:
    return rack.node.run("cat", f"/proc/sys/net/ipv4/conf/{link}/{name}").checked("cat").stdout.strip()


def test_pain_point_16_packets_come_by_the_other_link_and_the_host_is_put_back(rack: RoughRack) -> None:
    """The request comes by one link and the answer leaves by the other: not even ECMP would let that pass."""
    rack.settled()
    assert [setting(rack, link) for link in ("all", *LINKS)] == ["1", "2", "2"]
    rack.node.run("pod", "add", "pod1").checked("pod add")
    (route,) = rack.node.ip_json("route", "show", "proto", "180")
    pod = route["dst"]
    rack.node.run("ip", "route", "add", VM, "via", "10.0.2.1", "dev", "eth2").checked("ip")
    rack.tor.run("ip", "route", "add", pod, "via", "10.0.1.11", "dev", "eth1").checked("ip")

    def answers() -> bool:
        return rack.tor.run("ping", "-c1", "-W1", "-I", VM, pod).code == 0

    until(answers, "an answer by the other link")
    with faults.stopped(rack.node, "agent"):
        rack.node.run("sysctl", "-qw", "net.ipv4.conf.eth1.rp_filter=1").checked("sysctl")
        assert not answers(), "strict, and yet it passes: nothing is proven"
    until(lambda: setting(rack, "eth1") == "2", "loose again")
    until(answers, "an answer again")

    rack.node.run("pod", "del", "pod1").checked("pod del")
    (node,) = faults.having(rack.node, "node")
    os.kill(node.pid, signal.SIGTERM)
    until(lambda: not any(faults.having(rack.node, role) for role in faults.KEEPERS), "all have ended")
    assert setting(rack, "eth1") == "2", "a stop is no removal: traffic goes on"
    rack.node.run(demo.BGPNET, "restore").checked("restore")
    assert [setting(rack, link) for link in ("all", *LINKS)] == ["1", "1", "1"]
    assert [setting(rack, link, "ignore_routes_with_linkdown") for link in LINKS] == ["0", "0"]
    assert not rack.node.ip_json("route", "show", "proto", "179")
    assert not rack.node.ip_json("route", "show", BLOCK)
