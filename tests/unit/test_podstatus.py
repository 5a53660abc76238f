"""What `bgpnet status` tells of pods and addresses."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from bgpnet.model.blocks import Blocks, Reserved
from bgpnet.model.cni import Attachment, PodName
from bgpnet.model.net import Family
from bgpnet.model.podledger import PodLedger, PodRecord
from bgpnet.model.podrange import pod_range
from bgpnet.model.status import BlockStatus, NodeStatus, PodStatus
from bgpnet.planner.podstatus import block_status, pod_status, refused_pods
from bgpnet.render.status import status_text

EMPTY = NodeStatus("node1", "1", True, (), (), (), (), (), ())  # noqa: FBT003 - a field's value


def ledger(count: int) -> PodLedger:
    made = PodLedger()
    for number in range(count, 0, -1):
        addresses = (ip_address(f"10.244.1.{number}"), ip_address(f"fd00::{number}"))
        whose = Attachment("pods", f"c{number}", "eth0")
        made.attach(PodRecord(whose, addresses, PodName("shop", f"cart-{number}", "u"), float(number)))
    return made


def test_pods_are_named_in_the_order_in_which_they_came() -> None:
    assert pod_status(ledger(2)) == (
        PodStatus("shop/cart-1", "u", "c1", "eth0", ("10.244.1.1", "fd00::1")),
        PodStatus("shop/cart-2", "u", "c2", "eth0", ("10.244.1.2", "fd00::2")),
    )


def test_blocks_count_their_own_addresses() -> None:
    prefixes = (ip_network("10.244.1.0/30"), ip_network("fd00::/64"), ip_network("10.9.0.0/31"))
    assert block_status(prefixes, ledger(5)) == (
        BlockStatus("10.244.1.0/30", 3, 3),
        BlockStatus("fd00::/64", 5, 65535),
        BlockStatus("10.9.0.0/31", 0, 2),
    )


@pytest.mark.parametrize(
    ("prefix", "size"), [("10.0.0.0/24", 255), ("10.0.0.0/31", 2), ("10.0.0.0/32", 1), ("fd00::/64", 65535)]
)
def test_how_many_pods_a_prefix_is_good_for(prefix: str, size: int) -> None:
    assert len(pod_range(ip_network(prefix))) == size


def test_pods_that_got_no_network_are_counted() -> None:
    made = ledger(1)
    for code in (101, 101, 11, 999):
        made.refuse(code)
    status = replace(EMPTY, refused_pods=refused_pods(made))
    page = status_text(status, 0)
    assert "Pods refused: 2 with code 101 (no free address)\n" in page
    assert "Pods refused: 1 with code 11 (try again later)\n" in page
    assert "Pods refused: 1 with code 999 (unknown)" in page


def test_the_page_names_pods_and_what_is_left() -> None:
    status = replace(EMPTY, pods=pod_status(ledger(25)), blocks=(BlockStatus("10.244.1.0/26", 25, 63),))
    page = status_text(status, 0)
    assert "Addresses: 25 of 63 of 10.244.1.0/26 in use\n" in page
    assert "shop/cart-20  10.244.1.20, fd00::20  eth0       c20\n" in page
    assert "and 5 more pods: see -o json" in page
    assert "POD " not in status_text(EMPTY, 0)


def test_whose_pods_a_block_is_for_is_told() -> None:
    team, idle, shared, old, six = map(
        ip_network, ("10.1.0.0/26", "10.2.0.0/26", "10.3.0.0/26", "10.4.0.0/26", "2001:db8::/122")
    )
    many = frozenset(f"n{number}" for number in range(7))
    reserved = (Reserved(Family.IPV4, (team,), many), Reserved(Family.IPV4, (idle,), frozenset()))
    blocks = Blocks((team, idle, shared, six), 1500, reserved)
    found = block_status((team, idle, shared, old, six), PodLedger(), blocks)
    assert [each.note for each in found] == [
        "for pods of namespace n0, n1, n2, n3, n4 and 2 more",
        "for pods of no namespace there is",
        "for pods of namespaces that no IPPool selects",
        "no new pod gets an address of it",
        "",
    ]
    page = status_text(replace(EMPTY, blocks=found), 0)
    assert "Addresses: 0 of 63 of 10.4.0.0/26 in use; no new pod gets an address of it\n" in page
    assert "of 2001:db8::/122 in use\n" in page
