"""Prints those lines of an EOS configuration (standard input) that pyavd does not write for the same intent.

The intent is that of docs/examples/routers, tor1, as Arista's structured configuration has it; pyavd refuses
keys that its schema does not know, and writes the lines that it thinks EOS takes.
"""

import sys

import pyavd

_ORIGIN = {"type": "permit", "match": "^64512$", "origin": "any"}

GROUPS = (("K8S_TOR1", "10.0.1.0/24", 4), ("K8S_TOR1_V6", "fd00:1::/64", 6))

LINKS = "K8S_LINKS"
"""Over links without addresses; not in the example."""


def main() -> int:
    """0 when pyavd writes every line."""
    told = pyavd.validate_structured_config(intent()).validation_result
    if told.violations:
        print(*(f"{each.path}: {each.message}" for each in told.violations), sep="\n")
        return 1
    written = {line.strip() for line in pyavd.get_device_config(intent()).splitlines()}
    ours = (line.strip() for line in sys.stdin)
    left = [line for line in ours if line and not line.startswith("!") and line not in written]
    print(*left, sep="\n")
    return 1 if left else 0


def intent() -> dict[str, object]:
    """Two families, a dynamic range each."""
    return {
        "hostname": "tor1",
        "prefix_lists": [
            _list("K8S_TOR1_IN4", {10: "permit 10.244.0.0/16 ge 26 le 26"}),
            _list(
                "K8S_TOR1_OUT4",
                {5: "permit 0.0.0.0/0", 10: "permit 192.0.2.0/24", 65000: "deny 0.0.0.0/0 le 32"},
            ),
        ],
        "ipv6_prefix_lists": [
            _list("K8S_TOR1_V6_IN6", {10: "permit fd00:10::/64 ge 122 le 122"}),
            _list("K8S_TOR1_V6_OUT6", {5: "permit ::/0", 65000: "deny ::/0 le 128"}),
        ],
        "as_path": {
            "access_lists": [
                {
                    "name": f"{name}_ORIGIN",
                    "entries": [{"type": "permit", "match": "^64512$", "origin": "any"}],
                }
                for name, _, _ in GROUPS
            ]
        },
        "ip_community_lists": [
            {"name": f"{name}_GSHUT", "entries": [{"action": "permit", "communities": ["GSHUT"]}]}
            for name, _, _ in GROUPS
        ],
        "route_maps": [each for name, _, version in GROUPS for each in _maps(name, version)],
        "ip_routing_ipv6_interfaces": True,
        "ipv6_unicast_routing": True,
        "ethernet_interfaces": [{"name": "Ethernet1", "ipv6_enable": True}],
        "router_bgp": {
            "neighbor_interfaces": [{"name": "Ethernet1", "peer_group": LINKS, "remote_as": "64512"}],
            "as": "65001",
            "router_id": "10.0.1.1",
            "bgp": {"default": {"ipv4_unicast": False}},
            "maximum_paths": {"paths": 32, "ecmp": 32},
            "graceful_restart_helper": {"enabled": True},
            "bgp_defaults": [
                "bgp missing-policy direction in action deny",
                "bgp missing-policy direction out action deny",
            ],
            "listen_ranges": [
                {"prefix": prefix, "peer_group": name, "remote_as": "64512"} for name, prefix, _ in GROUPS
            ],
            "peer_groups": [
                {
                    "name": name,
                    "passive": True,
                    "timers": "3 9",
                    "ttl_maximum_hops": 1,
                    "maximum_routes": 100,
                    "maximum_routes_warning_limit": "80 percent",
                }
                for name, _, _ in GROUPS
            ],
            **{
                f"address_family_ipv{version}": {
                    "peer_groups": [
                        {
                            "name": name,
                            "activate": True,
                            "route_map_in": f"{name}_IN{version}",
                            "route_map_out": f"{name}_OUT{version}",
                        },
                        *(
                            [
                                {
                                    "name": LINKS,
                                    "next_hop": {"address_family_ipv6": {"enabled": True, "originate": True}},
                                }
                            ]
                            if version == 4
                            else []
                        ),
                    ]
                }
                for name, _, version in GROUPS
            },
        },
    }


def _list(name: str, entries: dict[int, str]) -> dict[str, object]:
    numbers = [{"sequence": number, "action": action} for number, action in entries.items()]
    return {"name": name, "sequence_numbers": numbers}


def _maps(name: str, version: int) -> list[dict[str, object]]:
    cause = "BGPPeer/" + name.removeprefix("K8S_").lower().replace("_", "-")
    ip = "ip" if version == 4 else "ipv6"
    taken = [f"as-path {name}_ORIGIN", f"{ip} address prefix-list {name}_IN{version}"]
    drained = {
        "sequence": 10,
        "type": "permit",
        "description": f"{cause} drained",
        "match": [*taken, f"community {name}_GSHUT"],
        "set": ["local-preference 0"],
    }
    usual = {"sequence": 20, "type": "permit", "description": cause, "match": taken}
    told = {
        "sequence": 10,
        "type": "permit",
        "description": cause,
        "match": [f"{ip} address prefix-list {name}_OUT{version}"],
    }
    return [
        {"name": f"{name}_IN{version}", "sequence_numbers": [drained, usual]},
        {"name": f"{name}_OUT{version}", "sequence_numbers": [told]},
    ]


if __name__ == "__main__":
    sys.exit(main())
