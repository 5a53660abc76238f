"""Nexthop objects and groups as messages: what is written is read back (`ip` judges it in tests/kernel)."""

from hypothesis import given
from hypothesis import strategies as st

from bgpnet.drivers.netlink import nexthops
from bgpnet.model.diff import AddNextHop, PutGroup
from bgpnet.model.kernel import NextHop, NextHopObject
from bgpnet.model.net import AGENT_PROTOCOL

INDEXES = {"eth1": 7, "eth2": 4_000_000}
NAMES = {index: name for name, index in INDEXES.items()}
IDS = st.integers(1, 2**32 - 1)
HOPS = st.builds(NextHop, gateway=st.none() | st.ip_addresses(), link=st.sampled_from(sorted(INDEXES)))


@given(hop=HOPS, number=IDS)
def test_an_object(hop: NextHop, number: int) -> None:
    body = memoryview(nexthops.add(AddNextHop(number, hop), INDEXES))
    assert nexthops.found(body, NAMES) == NextHopObject(number, AGENT_PROTOCOL, hop)


@given(members=st.lists(IDS, min_size=1, max_size=8).map(tuple), number=IDS)
def test_a_group(members: tuple[int, ...], number: int) -> None:
    body = memoryview(nexthops.put(PutGroup(number, members, replaces=False)))
    assert nexthops.found(body, NAMES) == NextHopObject(number, AGENT_PROTOCOL, None, members)


def test_a_group_with_an_unknown_member_leads_nowhere() -> None:
    hop = NextHop(None, "eth1")
    objects = [
        NextHopObject(1, 179, hop),
        NextHopObject(2, 179, None, (1,)),
        NextHopObject(3, 179, None, (1, 9)),
    ]
    assert nexthops.ways(objects) == {1: (hop,), 2: (hop,)}
