"""What routers say of a peer's paths, as they say it."""

import json

from tests.netlab import bgptable, routertable
from tests.netlab.routertable import Entry

WHOLE = Entry("10.0.1.11", (64512, 64512), 30, frozenset(["64512:100", "64512:1:2", "graceful-shutdown"]))
BARE = Entry("10.0.1.11", (64512,), None, frozenset())


def test_frr() -> None:
    path = {
        "aspath": {"string": "64512 64512"},
        "metric": 30,
        "community": {"string": "64512:100 graceful-shutdown"},
        "largeCommunity": {"string": "64512:1:2"},
        "nexthops": [{"ip": "10.0.1.11"}, {"ip": "fe80::1", "scope": "link-local"}],
        "peer": {"peerId": "10.0.1.11"},
    }
    told = json.dumps({"paths": [{**path, "peer": {"peerId": "10.0.1.12"}, "metric": 1}, path]})
    assert routertable.from_frr("10.9.0.0/24", "10.0.1.11", told) == {"10.9.0.0/24": WHOLE}
    assert routertable.from_frr("10.9.0.0/24", "10.0.1.13", told) == {}


BIRD = """\
BIRD 2.0.12 ready.
Table master4:
10.9.0.0/24          unicast [node1 19:00:00.000] * (100) [AS64512i]
	via 10.0.1.11 on eth1
	Type: BGP univ
	BGP.origin: IGP
	BGP.as_path: 64512 64512
	BGP.next_hop: 10.0.1.11
	BGP.med: 30
	BGP.local_pref: 100
	BGP.community: (64512,100) (65535,0)
	BGP.large_community: (64512, 1, 2)
10.9.1.0/24          unicast [node1 19:00:00.000] * (100) [AS64512i]
	via 10.0.1.11 on eth1
	Type: BGP univ
	BGP.as_path: 64512
	BGP.next_hop: 10.0.1.11
"""


def test_bird() -> None:
    assert routertable.from_bird(BIRD) == {"10.9.0.0/24": WHOLE, "10.9.1.0/24": BARE}


def test_openbgpd() -> None:
    path = {
        "prefix": "10.9.0.0/24",
        "aspath": "64512 64512",
        "exit_nexthop": "10.0.1.11",
        "metric": 30,
        "communities": ["64512:100", "GRACEFUL_SHUTDOWN"],
        "large_communities": ["64512:1:2"],
    }
    assert routertable.from_openbgpd(json.dumps({"rib": [path]})) == {"10.9.0.0/24": WHOLE}
    assert routertable.from_openbgpd("{}") == {}
    summary = {"neighbors": [{"remote_addr": "10.0.1.11", "state": "Established"}]}
    assert bgptable.from_openbgpd(json.dumps(summary)) == {"10.0.1.11": "Established"}


def test_gobgp() -> None:
    attributes = [
        {"type": 2, "as_paths": [{"segment_type": 2, "num": 2, "asns": [64512, 64512]}]},
        {"type": 3, "nexthop": "10.0.1.11"},
        {"type": 4, "metric": 30},
        {"type": 8, "communities": [(64512 << 16) + 100, 65535 << 16]},
        {"type": 32, "value": [{"ASN": 64512, "LocalData1": 1, "LocalData2": 2}]},
    ]
    told = {"10.9.0.0/24": [{"attrs": attributes}], "10.9.1.0/24": [{"attrs": [attributes[1]]}]}
    assert routertable.from_gobgp(json.dumps(told)) == {
        "10.9.0.0/24": WHOLE,
        "10.9.1.0/24": Entry("10.0.1.11", (), None, frozenset()),
    }
    states = [
        {"state": {"neighbor_address": "10.0.1.11", "session_state": 6}},
        {"state": {"neighbor_address": "10.0.1.12"}},
    ]
    assert bgptable.from_gobgp(json.dumps(states)) == {"10.0.1.11": "Established", "10.0.1.12": "Idle"}
