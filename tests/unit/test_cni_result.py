"""Results of ADD in the shape of each version, and errors."""

import json
from ipaddress import ip_address
from typing import Any

import pytest

from bgpnet.cni.result import add_result, error_result
from bgpnet.drivers.podlink.attach import plan_link
from bgpnet.model.cni import SUPPORTED_VERSIONS, Attachment, CniCode, Dns, NetworkConfig, PodLink
from bgpnet.model.errors import CniError

LINK = PodLink(
    Attachment("pods", "4f0c", "eth0"),
    "bgp0123456789ab",
    70000,
    (ip_address("10.244.1.7"), ip_address("fd00::7")),
)
PLAN = plan_link(LINK, netns=9, mtu=1450, ipv6=True)


def result(version: str, dns: Dns = Dns()) -> dict[str, Any]:  # noqa: B008 - frozen
    decoded = json.loads(add_result(NetworkConfig(version, "pods", dns=dns), PLAN, "/run/netns/x"))
    assert isinstance(decoded, dict)
    return decoded


def test_the_newest_shape() -> None:
    pod_mac = PLAN.pod.mac.hex(":")
    assert result("1.1.0") == {
        "cniVersion": "1.1.0",
        "interfaces": [
            {"name": "bgp0123456789ab", "mac": "02:62:67:70:00:fe", "mtu": 1450},
            {"name": "eth0", "mac": pod_mac, "mtu": 1450, "sandbox": "/run/netns/x"},
        ],
        "ips": [
            {"address": "10.244.1.7/32", "gateway": "169.254.1.1", "interface": 1},
            {"address": "fd00::7/128", "gateway": "fe80::1", "interface": 1},
        ],
        "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}, {"dst": "::/0", "gw": "fe80::1"}],
        "dns": {},
    }


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_what_differs_between_versions(version: str) -> None:
    made = result(version)
    assert made["cniVersion"] == version
    old = version in {"0.3.0", "0.3.1", "0.4.0"}
    assert [address.get("version") for address in made["ips"]] == (["4", "6"] if old else [None, None])
    assert [interface.get("mtu") for interface in made["interfaces"]] == (
        [1450, 1450] if version == "1.1.0" else [None, None]
    )


def test_dns_is_passed_on() -> None:
    made = result("1.0.0", Dns(("10.0.0.10",), "x", ("a",), ()))
    assert made["dns"] == {"nameservers": ["10.0.0.10"], "domain": "x", "search": ["a"]}


def test_errors() -> None:
    error = CniError(CniCode.TRY_AGAIN_LATER, 'no "block" \udcff', "wait")
    assert json.loads(error_result("1.0.0", error)) == {
        "cniVersion": "1.0.0",
        "code": 11,
        "msg": 'no "block" \udcff',
        "details": "wait",
    }
    assert "details" not in json.loads(error_result("1.0.0", CniError(7, "x")))
