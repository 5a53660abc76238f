"""EOS: all statements that we write, as the manual and its own structured-configuration tools have them."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

_BGP: Final = "router bgp {asn} / "
_AF: Final = _BGP + "address-family (ipv4|ipv6)"
_MAP: Final = "route-map {word} permit {num:1-16777215} / "

EOS: Final = Grammar(
    language=Language.INDENT,
    closed=True,
    patterns=tuple(
        map(
            Pattern,
            (
                "ip prefix-list {def:prefix-list}",
                "ipv6 prefix-list {def:prefix-list}",
                "ip prefix-list {word} / seq {num:0-65535} (permit|deny) {range:4}",
                "ipv6 prefix-list {word} / seq {num:0-65535} (permit|deny) {range:6}",
                "ip as-path access-list {def:as-path} permit {word} any",
                "ip community-list {def:community-list} permit GSHUT",
                "route-map {def:route-map} permit {num:1-16777215}",
                _MAP + "description {text}",
                _MAP + "match as-path {use:as-path}",
                _MAP + "match (ip|ipv6) address prefix-list {use:prefix-list}",
                _MAP + "match community {use:community-list}",
                _MAP + "set local-preference {num:0-4294967295}",
                "(ip|ipv6) route {prefix} Null0",
                "router bgp {asn}",
                _BGP + "router-id {addr}",
                _BGP + "no bgp default ipv4-unicast",
                _BGP + "maximum-paths {num:1-600} ecmp {num:1-600}",
                _BGP + "graceful-restart restart-time {num:1-3600}",
                _BGP + "graceful-restart[-helper]",
                _BGP + "bgp missing-policy direction (in|out) action deny",
                _BGP + "bgp listen range {prefix} peer-group {use:group} remote-as {asn}",
                _BGP + "neighbor {def:group} peer group",
                "ip routing ipv6 interfaces",
                "ipv6 unicast-routing",
                "interface {word}",
                "interface {word} / ipv6 enable",
                _BGP + "neighbor {addr} peer group {use:group}",
                _BGP + "neighbor interface {word} peer-group {use:group} remote-as {asn}",
                _BGP + "neighbor {addr} description {text}",
                _BGP + "neighbor {use:group} remote-as {asn}",
                _BGP + "neighbor {use:group} as-path remote-as replace out",
                _BGP
                + "neighbor {use:group} bfd[ interval {num:50-60000} min-rx {num:50-60000} multiplier {num:3-50}]",
                _BGP + "neighbor {use:group} passive",
                _BGP + "neighbor {use:group} timers {num:0-3600} {num:0-7200}",
                _BGP + "neighbor {use:group} ttl maximum-hops {num:1-1}",
                _BGP + "neighbor {use:group} password 0 {word}",
                _BGP
                + "neighbor {use:group} maximum-routes {num:1-4294967294} warning-limit {num:1-100} percent",
                _AF,
                _AF + " / neighbor {use:group} activate",
                _AF + " / neighbor {use:group} route-map {use:route-map} (in|out)",
                _AF + " / neighbor {use:group} next-hop address-family ipv6 originate",
                _AF + " / neighbor {use:group} default-originate always",
                _AF + " / network {prefix}",
            ),
        )
    ),
    required=(
        ("group", r"(neighbor NAME remote-as \d+|peer-group NAME remote-as \d+)$", "AS number (remote-as)"),
        ("group", r"neighbor NAME route-map \S+ in$", "route-map for what comes in"),
        ("group", r"neighbor NAME route-map \S+ out$", "route-map for what goes out"),
        ("group", r"neighbor NAME maximum-routes ", "limit of prefixes"),
        ("group", r"neighbor NAME activate$", "address family in which it is active"),
        ("group", r"(peer-group NAME remote-as|neighbor \S+ peer group NAME$)", "neighbour and no range"),
        ("prefix-list", r"prefix-list NAME / seq ", "entry: it would match everything"),
    ),
    refused=(
        (r"prefix-list K8S_\S+_IN[46] .*permit (0\.0\.0\.0|::)/0", "nodes could announce everything"),
        (
            r"prefix-list K8S_\S+_OUT[46] .*permit (0\.0\.0\.0|::)/0 (ge|le) ",
            "nodes would be told everything",
        ),
        (r"action permit", "what has no policy would be let in or out"),
        (r"access-list K8S_\S+ permit (?!\^(\d+)(\(_\1\)\*)?\$ )", "paths through a node would be taken"),
        (r"listen range (0\.0\.0\.0|::)/0", "everybody could be a neighbour"),
    ),
    needed=(
        (
            r"missing-policy direction in action deny",
            "refusal of what no policy lets in (bgp missing-policy)",
        ),
        (
            r"missing-policy direction out action deny",
            "refusal of what no policy lets out (bgp missing-policy)",
        ),
        (
            r"no bgp default ipv4-unicast",
            "`no bgp default ipv4-unicast`: neighbours would be active by themselves",
        ),
    ),
)
