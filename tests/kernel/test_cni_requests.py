"""Requests that are wrong, come too early or ask for what is not there: a JSON error, nothing left behind."""

import json
from collections.abc import Iterator

import pytest

from tests.cninode import CONFIG, CniNode, cni_node
from tests.netns import Namespace

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def node() -> Iterator[CniNode]:
    with cni_node("10.244.1.0/26") as made:
        yield made


@pytest.mark.parametrize(
    ("config", "code", "version"),
    [
        (b"", 6, "1.1.0"),
        (b"{", 6, "1.1.0"),
        (b"\xff\xfe", 6, "1.1.0"),
        (b"[" * 400_000, 6, "1.1.0"),
        (b"[]", 6, "1.1.0"),
        ({**CONFIG, "cniVersion": "0.2.0"}, 1, "1.1.0"),
        ({**CONFIG, "cniVersion": "9.9.9"}, 1, "1.1.0"),
        ({**CONFIG, "cniVersion": {}}, 1, "1.1.0"),
        ({**CONFIG, "cniVersion": "0.3.1", "name": 5}, 7, "0.3.1"),
        ({**CONFIG, "cniVersion": "1.0.0", "mtu": "large"}, 7, "1.0.0"),
        ({**CONFIG, "cniVersion": "1.0.0", "ipam": {"type": "host-local"}}, 2, "1.0.0"),
        ({**CONFIG, "name": "x" * 900_000}, 7, "1.1.0"),
    ],
)
def test_configurations(
    node: CniNode, pod: Namespace, config: bytes | dict[str, object], code: int, version: str
) -> None:
    answer = node.call(node.environment("ADD", "c1", f"/run/netns/{pod.name}"), config)
    assert (answer.status, answer.output["code"], answer.output["cniVersion"]) == (1, code, version)
    assert len(answer.output["msg"]) < 500
    assert node.links_become(0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CNI_COMMAND", "add"),
        ("CNI_COMMAND", None),
        ("CNI_CONTAINERID", ""),
        ("CNI_CONTAINERID", None),
        ("CNI_CONTAINERID", "../x"),
        ("CNI_IFNAME", None),
        ("CNI_IFNAME", "a/b"),
        ("CNI_IFNAME", "exactly16letters"),
        ("CNI_NETNS", None),
        ("CNI_NETNS", ""),
    ],
)
def test_environments(node: CniNode, pod: Namespace, name: str, value: str | None) -> None:
    environment = node.environment("ADD", "c1", f"/run/netns/{pod.name}")
    del environment[name]
    if value is not None:
        environment[name] = value
    answer = node.call(environment)
    assert (answer.status, answer.output["code"]) == (1, 4)
    assert name in answer.output["msg"]
    assert node.links_become(0)


def test_the_longest_names_fit(node: CniNode, pod: Namespace) -> None:
    config = {**CONFIG, "name": "n" * 64}
    assert node.add(pod, "c" * 100, "i" * 15, config).status == 0
    assert node.call(node.environment("DEL", "c" * 100, "", "i" * 15), config).status == 0
    assert node.links_become(0)


def test_before_the_agent_has_handed_over_blocks(pod: Namespace) -> None:
    with cni_node() as node:
        answer = node.add(pod)
        assert (answer.status, answer.output["code"]) == (1, 11)
        assert "the agent has not handed over blocks yet" in answer.output["msg"]
        assert node.delete(pod.name).status == 0
        node.hand_over()
        assert node.add(pod).output["code"] == 11
        node.hand_over("10.244.1.0/26")
        assert node.add(pod).addresses == ["10.244.1.1"]


@pytest.mark.parametrize(
    ("command", "version", "code"), [("CHECK", "0.3.1", 1), ("GC", "1.0.0", 1), ("CHECK", "0.4.0", 7)]
)
def test_commands_of_younger_versions(
    node: CniNode, pod: Namespace, command: str, version: str, code: int
) -> None:
    """And a CHECK without prevResult."""
    environment = node.environment(command, "c1", f"/run/netns/{pod.name}")
    answer = node.call(environment, {**CONFIG, "cniVersion": version})
    assert (answer.status, answer.output["code"], answer.output["cniVersion"]) == (1, code, version)


@pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])
def test_every_version_is_answered_in_its_own(node: CniNode, pod: Namespace, version: str) -> None:
    answer = node.add(pod, config={**CONFIG, "cniVersion": version})
    assert answer.output["cniVersion"] == version
    assert json.dumps(answer.output["ips"]).count('"version"') == (version < "1")
    assert node.delete(pod.name).status == 0
