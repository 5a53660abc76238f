"""NX-OS: all statements that we write, as its manual has them."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

_BGP: Final = "router bgp {asn}"
_PEER: Final = _BGP + " / template peer {use:group}"
_AF: Final = _PEER + " / address-family (ipv4|ipv6) unicast"

NXOS: Final = Grammar(
    language=Language.INDENT,
    closed=True,
    patterns=tuple(
        map(
            Pattern,
            (
                "feature (bgp|bfd)",
                "ip prefix-list {def:prefix-list} seq {num:1-4294967294} (permit|deny) {range:4}",
                "ipv6 prefix-list {def:prefix-list} seq {num:1-4294967294} (permit|deny) {range:6}",
                "ip as-path access-list {def:as-path} seq {num:1-4294967294} permit {word}",
                "route-map {def:route-map} permit {num:1-65535}",
                "route-map {word} permit {num} / match as-path {use:as-path}",
                "route-map {word} permit {num} / match (ip|ipv6) address prefix-list {use:prefix-list}",
                "(ip|ipv6) route {prefix} Null0",
                _BGP,
                _BGP + " / router-id {addr}",
                _BGP + " / graceful-restart[-helper]",
                _BGP + " / graceful-restart stalepath-time {num:1-3600}",
                _BGP + " / disable-peer-as-check",
                _BGP + " / address-family (ipv4|ipv6) unicast",
                _BGP + " / address-family (ipv4|ipv6) unicast / maximum-paths {num:1-64}",
                _BGP + " / address-family (ipv4|ipv6) unicast / network {prefix}",
                _BGP + " / template peer {def:group}",
                _PEER + " / remote-as {asn}",
                _PEER + " / transport connection-mode passive",
                _PEER + " / timers {num:0-3600} {num:0-3600}",
                _PEER + " / bfd",
                _PEER + " / ttl-security hops {num:1-1}",
                _PEER + " / password {word}",
                _AF,
                _AF + " / route-map {use:route-map} (in|out)",
                _AF + " / maximum-prefix {num:1-300000} {num:1-100} restart {num:1-65535}",
                _AF + " / as-override",
                _AF + " / default-originate[ route-map {use:route-map}]",
                _BGP + " / neighbor ({addr}|{prefix})",
                _BGP + " / neighbor ({word}) / inherit peer {use:group}",
                _BGP + " / neighbor ({word}) / maximum-peers {num:1-1000}",
                _BGP + " / neighbor ({word}) / description {text}",
            ),
        )
    ),
    required=(
        ("group", r"template peer NAME / remote-as \d+$", "AS number (remote-as): any AS could join"),
        (
            "group",
            r"template peer NAME / address-family \S+ unicast / route-map \S+ in$",
            "route-map for what comes in",
        ),
        (
            "group",
            r"template peer NAME / address-family \S+ unicast / route-map \S+ out$",
            "route-map for what goes out",
        ),
        ("group", r"template peer NAME / address-family \S+ unicast / maximum-prefix ", "limit of prefixes"),
        ("group", r"inherit peer NAME$", "neighbour and no range"),
    ),
    refused=(
        (r"prefix-list K8S_\S+_IN[46] .*permit 0[.:0]*/0", "nodes could announce everything"),
        (r"prefix-list K8S_\S+_OUT[46] .*permit 0[.:0]*/0 (ge|le|eq) ", "nodes would be told everything"),
        (
            r"access-list K8S_\S+ seq \d+ permit (?!\"\^(\d+)(\(_\1\)\*)?\$\"$)",
            "paths through a node would be taken",
        ),
        (r"neighbor (0\.0\.0\.0|0?::)/0$", "everybody could be a neighbour"),
    ),
    needed=(
        (r"^feature bgp$", "`feature bgp`"),
        (r"graceful-restart-helper$|graceful-restart$", "graceful restart"),
    ),
)
