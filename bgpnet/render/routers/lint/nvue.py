"""NVUE: all statements that we write, as its model has them."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

_POLICY: Final = "nv set router policy "
_BGP: Final = "nv set vrf default router bgp "
_GROUP: Final = _BGP + "peer-group {use:group} "
_AF: Final = _GROUP + "address-family (ipv4|ipv6)-unicast "
_STATE: Final = "(state enabled|enable on)"
_ON: Final = "(enabled|on)"

NVUE: Final = Grammar(
    language=Language.LINES,
    closed=True,
    patterns=tuple(
        map(
            Pattern,
            (
                _POLICY + "prefix-list {def:prefix-list} type (ipv4|ipv6)",
                _POLICY + "prefix-list {use:prefix-list} rule {num:1-65535} action (permit|deny)",
                _POLICY + "prefix-list {use:prefix-list} rule {num:1-65535} match {prefix}",
                _POLICY
                + "prefix-list {use:prefix-list} rule {num:1-65535} match {prefix} (min|max)-prefix-len {num:0-128}",
                _POLICY + "as-path-list {def:as-path-list} rule {num:1-65535} action permit",
                _POLICY + "as-path-list {use:as-path-list} rule {num:1-65535} aspath-exp {word}",
                _POLICY + "route-map {def:route-map} rule {num:1-65535} action permit",
                _POLICY + "route-map {use:route-map} rule {num:1-65535} match type (ipv4|ipv6)",
                _POLICY
                + "route-map {use:route-map} rule {num:1-65535} match ip-prefix-list {use:prefix-list}",
                _POLICY
                + "route-map {use:route-map} rule {num:1-65535} match as-path-list {use:as-path-list}",
                "nv set vrf default router static {prefix} address-family (ipv4|ipv6)-unicast",
                "nv set vrf default router static {prefix} via blackhole",
                "nv set router bgp graceful-restart mode (helper-only|full)",
                "nv set router bgp graceful-restart stale-routes-time {num:1-3600}",
                _BGP + "autonomous-system {asn}",
                _BGP + "router-id {addr}",
                _BGP + "address-family (ipv4|ipv6)-unicast " + _STATE,
                _BGP + "address-family (ipv4|ipv6)-unicast multipaths ebgp {num:1-256}",
                _BGP + "address-family (ipv4|ipv6)-unicast network {prefix}",
                _BGP + "path-selection multipath aspath-ignore " + _ON,
                _BGP + "dynamic-neighbor limit {num:1-5000}",
                _BGP + "dynamic-neighbor listen-range {prefix} peer-group {use:group}",
                _BGP + "neighbor {addr} type numbered",
                _BGP + "neighbor {addr} peer-group {use:group}",
                _BGP + "neighbor {word} type unnumbered",
                _BGP + "neighbor {word} peer-group {use:group}",
                _BGP + "peer-group {def:group} remote-as {asn}",
                _GROUP + "passive-mode " + _ON,
                _GROUP + "timers (keepalive|hold) (none|{num:0-65535})",
                _GROUP + "password {word}",
                _GROUP + "capabilities extended-nexthop " + _ON,
                _GROUP + "ttl-security " + _STATE,
                _GROUP + "ttl-security hops {num:1-1}",
                _AF + _STATE,
                _AF + "aspath replace-peer-as " + _ON,
                _AF + "policy (inbound|outbound) route-map {use:route-map}",
                _AF + "default-route-origination " + _STATE,
                _AF + "default-route-origination policy {use:route-map}",
                _AF + "prefix-limits inbound maximum {num:1-4294967295}",
                _AF + "prefix-limits inbound warning-threshold {num:1-100}",
                _AF + "prefix-limits inbound reestablish-wait {num:1-65535}",
            ),
        )
    ),
    required=(
        ("group", r"peer-group NAME address-family \S+ policy inbound ", "policy for what comes in"),
        ("group", r"peer-group NAME address-family \S+ policy outbound ", "policy for what goes out"),
        ("group", r"peer-group NAME address-family \S+ prefix-limits inbound maximum ", "limit of prefixes"),
        ("group", r"(listen-range|neighbor) \S+ peer-group NAME$", "neighbour and no range"),
        ("prefix-list", r"prefix-list NAME rule \d+ match ", "match: it would match everything"),
        ("route-map", r"route-map NAME rule \d+ match ip-prefix-list ", "match: it would match everything"),
        ("as-path-list", r"as-path-list NAME rule \d+ aspath-exp ", "expression: it would match everything"),
    ),
    refused=(
        (
            r"prefix-list K8S_\S+_IN[46] rule \d+ match (0\.0\.0\.0|::)/0 min",
            "nodes could announce everything",
        ),
        (
            r"prefix-list K8S_\S+_OUT[46] rule \d+ match (0\.0\.0\.0|::)/0 min",
            "nodes would be told everything",
        ),
        (
            r"prefix-list K8S_\S+_(IN|OUT)[46] rule (?!65000 |10 )\d+ match (0\.0\.0\.0|::)/0 max",
            "everything would be let in or out",
        ),
        (
            r"as-path-list K8S_\S+ rule \d+ aspath-exp (?!\^(\d+)(\(_\1\)\*)?\$$)",
            "paths through a node would be taken",
        ),
        (r"listen-range (0\.0\.0\.0|::)/0", "everybody could be a neighbour"),
    ),
    needed=((r"bgp autonomous-system ", "AS number of the router"),),
)
