"""What a starting server makes of the links that it finds."""

from ipaddress import ip_address

from bgpnet.cni.recovery import recover
from bgpnet.drivers.podlink.names import Alias
from bgpnet.drivers.podlink.observe import ObservedLink
from bgpnet.model.cni import Attachment, PodLink

WHOSE = Attachment("pods", "4f0c", "eth0")
V4, V6, OTHER = ip_address("10.244.1.7"), ip_address("fd00::7"), ip_address("10.244.1.9")


def test_a_pods_link() -> None:
    found = recover([ObservedLink("bgp1", 5, str(Alias(WHOSE, (V4, V6))), (V4, V6))])
    assert found.links == (PodLink(WHOSE, "bgp1", 5, (V4, V6)),)
    assert found.held == {V4, V6}
    assert (found.aborted, found.unknown) == ((), ())


def test_alias_and_routes_both_hold_addresses() -> None:
    found = recover([ObservedLink("bgp1", 5, str(Alias(WHOSE, (V4,))), (OTHER,))])
    assert found.held == {V4, OTHER}


def test_a_link_without_an_alias_is_a_cut_off_add() -> None:
    found = recover([ObservedLink("bgp1", 5, "", ())])
    assert found.aborted == ("bgp1",)
    assert not found.held


def test_a_link_with_an_alias_of_another_kind_stays_and_keeps_its_addresses() -> None:
    found = recover([ObservedLink("bgp1", 5, "bgpnet/2 something", (V4,))])
    assert found.unknown == ("bgp1",)
    assert found.held == {V4}
    assert (found.links, found.aborted) == ((), ())
