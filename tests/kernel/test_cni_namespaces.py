"""Pods get addresses of the blocks that are for their Kubernetes namespace."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from bgpnet.model.blocks import Reserved
from bgpnet.model.net import Family
from tests.cninode import CniNode, cni_node, pods

pytestmark = pytest.mark.kernel

TEAM = Reserved(Family.IPV4, (ip_network("10.2.0.0/26"),), frozenset({"team-a"}))
LATER = Reserved(Family.IPV4, (), frozenset({"team-b"}))


@pytest.fixture
def parted() -> Iterator[CniNode]:
    """A node whose blocks are all for some namespaces."""
    with cni_node() as node:
        node.hand_over("10.2.0.0/26", reserved=(TEAM, LATER))
        yield node


def test_a_pod_of_a_namespace_that_no_pool_serves_is_refused_by_name(parted: CniNode) -> None:
    with pods(3) as (first, second, third):
        assert parted.add(first, namespace="team-a").addresses == ["10.2.0.1"]
        refused = parted.add(second, namespace="default")
        assert (refused.status, refused.output["code"]) == (1, 106)
        assert refused.output["msg"] == "no IPPool of this node is for namespace default"
        assert parted.add(second, namespace="team-b").output["code"] == 11, "its block is yet to come"
        assert "K8S_POD_NAMESPACE" in parted.add(third).output["msg"]
        assert len(parted.links()) == 1


def test_a_namespace_that_is_labelled_later_is_served_from_then_on(parted: CniNode) -> None:
    with pods(2) as (first, second):
        assert parted.add(first, namespace="default").output["code"] == 106
        more = Reserved(Family.IPV4, TEAM.prefixes, TEAM.namespaces | {"default"})
        parted.hand_over("10.2.0.0/26", reserved=(more,))
        assert parted.add(first, namespace="default").addresses == ["10.2.0.1"]
        assert parted.add(second, namespace="team-a").addresses == ["10.2.0.2"]
