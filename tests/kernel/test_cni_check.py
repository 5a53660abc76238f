"""CHECK: silent while everything is as it was made, and by name what is not."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.cninode import CONFIG, Answer, CniNode
from tests.netns import Namespace

pytestmark = pytest.mark.kernel

Change = Callable[[CniNode, Namespace, str], None]


def check(node: CniNode, pod: Namespace, previous: Mapping[str, Any] | None) -> Answer:
    environment = node.environment("CHECK", pod.name, f"/run/netns/{pod.name}")
    version = previous["cniVersion"] if previous else "1.1.0"
    return node.call(environment, {**CONFIG, "cniVersion": version, "prevResult": previous})


@pytest.mark.parametrize("version", ["0.4.0", "1.0.0", "1.1.0"])
def test_nothing_to_say(node: CniNode, pod: Namespace, version: str) -> None:
    result = node.add(pod, config={**CONFIG, "cniVersion": version}).output
    assert check(node, pod, result) == Answer(0, {})


def test_what_plug_ins_behind_us_changed_is_theirs(node: CniNode, pod: Namespace) -> None:
    result = node.add(pod).output
    pod.ip("link", "set", "eth0", "mtu", "1300")
    assert check(node, pod, result) == Answer(0, {})


def test_another_mac_address_cuts_the_pod_off(node: CniNode, pod: Namespace) -> None:
    """Also one that a plug-in behind us has set, and told of."""
    result = node.add(pod).output
    before, after = result["interfaces"][1]["mac"], "02:00:00:00:00:07"
    pod.ip("link", "set", "eth0", "address", after)
    wrong(check(node, pod, result), f"the pod's eth0 has the MAC address {after}, prevResult says {before}")
    result["interfaces"][1] |= {"mac": after}
    wrong(
        check(node, pod, result),
        f"the host takes {before} for the MAC address of 10.244.1.1, which has {after}",
    )


def pod_ip(*args: str) -> Change:
    return lambda _node, pod, _link: pod.ip(*args)


def host_ip(*args: str) -> Change:
    return lambda node, _pod, link: node.host.ip(*(arg.replace("LINK", link) for arg in args))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pod_ip("address", "del", "10.244.1.1/32", "dev", "eth0"), "eth0 has no address 10.244.1.1"),
        (pod_ip("-6", "address", "del", "fd00:244:1::1/128", "dev", "eth0"), "no address fd00:244:1::1"),
        (pod_ip("route", "del", "default"), "no default route by way of 169.254.1.1 on eth0"),
        (pod_ip("-6", "route", "del", "default"), "no default route by way of fe80::1 on eth0"),
        (pod_ip("link", "set", "eth0", "down"), "the pod's eth0 is down"),
        (pod_ip("link", "set", "eth0", "name", "eth9"), "the pod has no interface eth0"),
        (host_ip("link", "set", "LINK", "down"), "is down"),
        (
            # One that is deleted is put back.
            host_ip("route", "replace", "blackhole", "10.244.1.1", "metric", "178"),
            "the host has no route to 10.244.1.1",
        ),
        (
            pod_ip("neighbour", "flush", "169.254.1.1", "nud", "all"),
            "the pod has no neighbour entry for 169.254.1.1",
        ),
        (
            pod_ip("-6", "neighbour", "flush", "fe80::1", "nud", "all"),
            "the pod has no neighbour entry for fe80::1",
        ),
        (
            host_ip("neighbour", "flush", "10.244.1.1", "nud", "all"),
            "the host has no neighbour entry for 10.244.1.1",
        ),
        (
            host_ip("-6", "route", "replace", "blackhole", "fd00:244:1::1", "metric", "178"),
            "the host has no route to fd00:244:1::1",
        ),
    ],
)
def test_what_has_changed(node: CniNode, pod: Namespace, change: Change, words: str) -> None:
    result = node.add(pod).output
    change(node, pod, result["interfaces"][0]["name"])
    wrong(check(node, pod, result), words)


def test_a_result_that_is_not_of_this_attachment(node: CniNode, pod: Namespace) -> None:
    result = node.add(pod).output
    other = {"address": "10.244.1.9/32", "interface": 1}
    wrong(check(node, pod, {**result, "ips": [*result["ips"], other]}), "10.244.1.9 of eth0 which is not")
    wrong(check(node, pod, {**result, "ips": result["ips"][:1]}), "fd00:244:1::1 of eth0 is missing")
    bare = {"cniVersion": "1.1.0", "interfaces": [{"name": "eth0"}]}
    wrong(check(node, pod, bare), "prevResult has no interface eth0 in a sandbox")


def test_a_pod_that_is_not_attached(node: CniNode, pod: Namespace) -> None:
    result = node.add(pod).output
    node.delete(pod.name)
    wrong(check(node, pod, result), f"{pod.name}/eth0 in network pods is not attached")


def test_after_a_restart(node: CniNode, pod: Namespace) -> None:
    result = node.add(pod).output
    node.kill()
    node.start()
    assert check(node, pod, result) == Answer(0, {})


def wrong(answer: Answer, *words: str) -> None:
    assert (answer.status, answer.output["code"]) == (1, 105)
    for word in words:
        assert word in answer.output["msg"]
