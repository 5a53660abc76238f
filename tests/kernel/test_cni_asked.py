"""What a runtime may ask for: addresses, a MAC address, an MTU, a place behind other plug-ins."""

from typing import Any

import pytest

from tests.cninode import CONFIG, Answer, CniNode, pods
from tests.netns import Namespace

pytestmark = pytest.mark.kernel


def add(node: CniNode, pod: Namespace, **asked: Any) -> Answer:  # noqa: ANN401 - also wrong kinds
    return node.add(pod, config={**CONFIG, "runtimeConfig": asked})


def test_addresses(node: CniNode) -> None:
    with pods(3) as [one, two, three]:
        assert add(node, one, ips=["10.244.1.9/26"]).addresses == ["10.244.1.9", "fd00:244:1::1"]
        [link] = one.ip_json("address", "show", "dev", "eth0")
        assert [entry["local"] for entry in link["addr_info"]] == ["10.244.1.9", "fd00:244:1::1"]
        answer = add(node, two, ips=["10.244.1.9"])
        assert (answer.status, answer.output["code"]) == (1, 104)
        assert "10.244.1.9 was asked for, and is in use already" in answer.output["msg"]
        answer = add(node, two, ips=["10.244.2.1"])
        assert (answer.status, answer.output["code"]) == (1, 104)
        assert "it gives addresses of 10.244.1.0/26" in answer.output["msg"]
        assert add(node, two, ips=["fd00:244:1::77"]).addresses == ["10.244.1.1", "fd00:244:1::77"]
        assert node.delete(one.name).status == 0
        assert add(node, three, ips=["10.244.1.9"]).addresses[0] == "10.244.1.9"
        assert len(node.links()) <= 3


def test_a_mac_address(node: CniNode, pod: Namespace) -> None:
    result = add(node, pod, mac="02:AB:00:00:00:01")
    assert result.output["interfaces"][1]["mac"] == "02:ab:00:00:00:01"
    [link] = pod.ip_json("link", "show", "eth0")
    assert link["address"] == "02:ab:00:00:00:01"
    for address in result.addresses:
        assert node.host.run("ping", "-c1", "-W1", address).returncode == 0


def test_an_mtu(node: CniNode, pod: Namespace) -> None:
    assert add(node, pod, mtu=1300).output["interfaces"][1]["mtu"] == 1300
    assert pod.ip_json("link", "show", "eth0")[0]["mtu"] == 1300


def test_what_is_not_ours_is_refused_by_name(node: CniNode, pod: Namespace) -> None:
    answer = add(node, pod, portMappings=[{"hostPort": 80}])
    assert (answer.status, answer.output["code"]) == (1, 2)
    assert "runtimeConfig.portMappings" in answer.output["msg"]
    assert node.links() == []


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_a_place_behind_other_plug_ins(node: CniNode, pod: Namespace, version: str) -> None:
    """Their result is passed on, with ours behind it."""
    previous = {
        "cniVersion": version,
        "interfaces": [{"name": "x0", "sandbox": "/run/netns/x", "mac": "02:00:00:00:00:01"}],
        "ips": [{"address": "192.0.2.7/24", "interface": 0}],
        "routes": [{"dst": "198.51.100.0/24"}],
        "dns": {"nameservers": ["192.0.2.53"]},
    }
    result = node.add(pod, config={**CONFIG, "cniVersion": version, "prevResult": previous}).output
    for field in ("interfaces", "ips", "routes"):
        assert result[field][0] == previous[field][0]  # type: ignore[index]
        assert len(result[field]) == 3
    assert [address["interface"] for address in result["ips"]] == [0, 2, 2]
    assert result["interfaces"][2]["name"] == "eth0"
    assert result["dns"] == previous["dns"]
