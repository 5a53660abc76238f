"""Which flows crossed a router, by the router's own kernel: counters in a set of nftables."""

import json
from collections.abc import Iterable

from tests.netlab.node import RunningNode
from tests.netlab.probes import Flow

TABLE = "bgpnet_lab_crossing"

_RULES = f"""
table inet {TABLE} {{
  set flows {{
    type inet_service . inet_service
    size 4096
    flags dynamic
    counter
  }}
  chain forward {{
    type filter hook forward priority 0
    meta l4proto udp update @flows {{ udp sport . udp dport counter }}
  }}
}}
"""

Counts = dict[tuple[int, int], int]
"""(source port, target port) -> packets forwarded."""


def watch(router: RunningNode) -> None:
    """Count forwarded UDP packets by port pair from now on, from zero."""
    router.run("nft", "-f", "-", stdin=f"table inet {TABLE}\ndelete table inet {TABLE}\n{_RULES}").checked(
        f"{router.name}: nft"
    )


def counts(router: RunningNode) -> Counts:
    """What the router has forwarded since `watch`."""
    done = router.run("nft", "-j", "list", "set", "inet", TABLE, "flows").checked(f"{router.name}: nft")
    listed = [item["set"] for item in json.loads(done.stdout)["nftables"] if "set" in item]
    found: Counts = {}
    for element in (element for each in listed for element in each.get("elem", [])):
        entry = element["elem"]
        source, target = entry["val"]["concat"]
        found[(source, target)] = entry["counter"]["packets"]
    return found


def crossed(flows: Iterable[Flow], before: Counts, after: Counts) -> list[Flow]:
    """The flows of which the router forwarded something between two counts."""
    pairs = {pair for pair, packets in after.items() if packets > before.get(pair, 0)}
    return [flow for flow in flows if (flow.source_port, flow.target_port) in pairs]
