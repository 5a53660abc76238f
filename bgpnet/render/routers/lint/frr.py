"""FRR: what bgpd takes without a word. It judges the rest of the language itself."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

_BGP: Final = "router bgp {asn} / "
_AF: Final = _BGP + "address-family (ipv4|ipv6) unicast / "

FRR: Final = Grammar(
    language=Language.INDENT,
    closed=False,
    patterns=tuple(
        map(
            Pattern,
            (
                "ip prefix-list {def:prefix-list} seq {num:1-4294967295} (permit|deny) (any|{range:4})",
                "ipv6 prefix-list {def:prefix-list} seq {num:1-4294967295} (permit|deny) (any|{range:6})",
                "bgp as-path access-list {def:as-path} seq {num} (permit|deny) {text}",
                "bgp (community|large-community)-list expanded {def:community-list} seq {num} (permit|deny) {text}",
                "route-map {def:route-map} permit {num:1-65535}",
                "route-map {word} permit {num} / match as-path {use:as-path}",
                "route-map {word} permit {num} / match (ip|ipv6) address prefix-list {use:prefix-list}",
                "route-map {word} permit {num} / set (comm|large-comm)-list {use:community-list} delete",
                "bfd / profile {def:bfd-profile}",
                _BGP + "neighbor {use:group} bfd profile {use:bfd-profile}",
                _BGP + "neighbor {def:group} peer-group",
                _BGP + "neighbor {addr} peer-group {use:group}",
                _BGP + "neighbor {word} interface peer-group {use:group}",
                _BGP + "neighbor {use:group} capability extended-nexthop",
                _BGP + "bgp listen range {prefix} peer-group {use:group}",
                _BGP + "neighbor {use:group} remote-as {asn}",
                _BGP + "neighbor {use:group} timers {num:0-21845} {num:0-65535}",
                _AF + "neighbor {use:group} activate",
                _AF + "neighbor {use:group} route-map {use:route-map} (in|out)",
                _AF
                + "neighbor {use:group} maximum-prefix {num:1-4294967295} {num:1-100} restart {num:1-65535}",
                _AF + "neighbor {use:group} default-originate[ route-map {use:route-map}]",
            ),
        )
    ),
    required=(
        ("group", r"neighbor NAME remote-as [0-9]+$", "AS number (remote-as): any AS could join"),
        ("group", r"neighbor NAME route-map \S+ in$", "route-map for what comes in"),
        ("group", r"neighbor NAME route-map \S+ out$", "route-map for what goes out"),
        ("group", r"neighbor NAME maximum-prefix ", "limit of prefixes"),
        ("group", r"neighbor NAME activate$", "address family in which it is active"),
        ("group", r"peer-group NAME$", "neighbour and no range"),
    ),
    refused=(
        (r"prefix-list K8S_\S+_IN[46] .*permit (any|0\.0\.0\.0/0|::/0)", "nodes could announce everything"),
        (
            r"prefix-list K8S_\S+_OUT[46] .*permit (any|(0\.0\.0\.0|::)/0 (ge|le) )",
            "nodes would be told everything",
        ),
        (r"no bgp ebgp-requires-policy", "without a policy everything would be let in and out (RFC 8212)"),
        (r"neighbor K8S_\S+ allowas-in", "a path with this router's own AS would be taken"),
        (
            r"access-list K8S_\S+ seq \d+ permit (?!\^(\d+)(\(_\1\)\*)?\$$)",
            "paths through a node would be taken",
        ),
        (r"neighbor K8S_\S+ ebgp-multihop", "nodes are in the router's own subnet"),
    ),
)
