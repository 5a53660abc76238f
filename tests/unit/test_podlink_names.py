"""Names, MAC addresses and aliases of pods' links."""

import string
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.drivers.podlink.names import Alias, is_link_name, link_name, parse_alias, pod_mac
from bgpnet.model.cni import Attachment
from bgpnet.model.cni_request import CONTAINER_LENGTH, IFNAME_LENGTH, NAME_LENGTH

words = st.text(string.ascii_letters + string.digits + "_.-", min_size=1)
attachments = st.builds(Attachment, words, words, words)
addresses = st.lists(st.ip_addresses(), min_size=1, max_size=2).map(tuple)

IFALIASZ = 256


@given(st.builds(Alias, attachments, addresses))
def test_an_alias_is_read_back(alias: Alias) -> None:
    assert parse_alias(str(alias)) == alias


def test_the_longest_alias_fits_with_its_nul() -> None:
    longest = Attachment("n" * NAME_LENGTH, "c" * CONTAINER_LENGTH, "i" * IFNAME_LENGTH)
    both = (ip_address("255.255.255.255"), ip_address("1111:" * 7 + "1111"))
    assert len(str(Alias(longest, both))) < IFALIASZ


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eth0 of a pod",
        "bgpnet/2 a b c 10.0.0.1",
        "bgpnet/1 a b c",
        "bgpnet/1 a b c x",
        "bgpnet/1 a b c 10.0.0.1 d",
    ],
)
def test_other_texts_are_no_alias(text: str) -> None:
    assert parse_alias(text) is None


@given(attachments, st.integers(0, 15))
def test_a_name_is_recognised(attachment: Attachment, attempt: int) -> None:
    name = link_name(attachment, attempt)
    assert len(name) == 15
    assert is_link_name(name)
    assert name != link_name(attachment, attempt + 1)


@pytest.mark.parametrize(
    "name", ["", "bgp", "bgp0", "eth0", "bgp0123456789aB", "bgp0123456789abc", "xgp0123456789ab"]
)
def test_other_names_are_not(name: str) -> None:
    assert not is_link_name(name)


@given(attachments)
def test_a_mac_address_is_local_and_unicast(attachment: Attachment) -> None:
    mac = pod_mac(attachment)
    assert len(mac) == 6
    assert mac[0] & 0x03 == 0x02


def test_ten_thousand_pods_have_names_and_mac_addresses_of_their_own() -> None:
    pods = [Attachment("pods", f"{number:064x}", "eth0") for number in range(10_000)]
    assert len({link_name(pod, 0) for pod in pods}) == 10_000
    assert len({pod_mac(pod) for pod in pods}) == 10_000
