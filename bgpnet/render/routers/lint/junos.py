"""Junos: all statements that we write, as its statement pages have them."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

_POLICY: Final = "set policy-options policy-statement "
_TERM: Final = _POLICY + "{def:policy} term (NODES4|NODES6|UPLINK) "
_GROUP: Final = "set protocols bgp group {use:group} "

JUNOS: Final = Grammar(
    language=Language.LINES,
    closed=True,
    patterns=tuple(
        map(
            Pattern,
            (
                "set policy-options as-path {def:as-path} {asn}[+]",
                "set policy-options community {def:community} invert-match",
                "set policy-options community {use:community} members {word}",
                _TERM + "from family (inet|inet6)",
                _TERM + "from as-path {use:as-path}",
                _TERM + "from route-filter {filter}",
                _TERM + "then community delete {use:community}",
                _TERM + "then accept",
                _POLICY + "{def:policy} then reject",
                "set routing-options [rib inet6.0 ]generate route {prefix} policy {use:policy}",
                "set routing-options [rib inet6.0 ]static route {prefix} discard",
                "set routing-options autonomous-system {asn}",
                "set routing-options router-id {addr}",
                "set routing-options graceful-restart",
                "set protocols bgp graceful-restart stale-routes-time {num:1-600}",
                "set protocols bgp defaults ebgp no-policy (receive|advertise) reject-always",
                "set protocols bgp group {def:group} type external",
                _GROUP + "local-address {addr}",
                _GROUP + "passive",
                _GROUP + "peer-as {asn}",
                _GROUP + "hold-time {num:0-65535}",
                _GROUP + "authentication-key {word}",
                _GROUP + "bfd-liveness-detection (minimum-interval|multiplier) {num:1-255000}",
                _GROUP + "as-override",
                _GROUP + "advertise-peer-as",
                _GROUP + "family (inet|inet6) unicast prefix-limit maximum {num:1-4294967295}",
                _GROUP
                + "family (inet|inet6) unicast prefix-limit teardown {num:1-100} idle-timeout {num:1-2400}",
                _GROUP + "(import|export) {use:policy}",
                _GROUP + "multipath multiple-as",
                _GROUP + "allow {prefix}",
                _GROUP + "neighbor {addr}",
            ),
        )
    ),
    required=(
        ("group", r"group NAME peer-as \d+$", "AS number (peer-as): any AS could join"),
        ("group", r"group NAME import ", "policy for what comes in"),
        ("group", r"group NAME export ", "policy for what goes out"),
        ("group", r"group NAME family \S+ unicast prefix-limit maximum ", "limit of prefixes"),
        (
            "group",
            r"group NAME family \S+ unicast prefix-limit teardown ",
            "end of a session that breaks the limit",
        ),
        ("group", r"group NAME (allow|neighbor) ", "neighbour and no range"),
        (
            "policy",
            r"policy-statement NAME then reject$",
            "last `then reject`: Junos accepts what no term decides",
        ),
    ),
    refused=(
        (r"policy-statement K8S_\S+_IN .*route-filter (0\.0\.0\.0|::)/0 ", "nodes could announce everything"),
        (
            r"policy-statement K8S_\S+_OUT .*route-filter (0\.0\.0\.0|::)/0 (?!exact)",
            "nodes would be told everything",
        ),
        (r"group K8S_\S+ allow (0\.0\.0\.0|::)/0", "everybody could be a neighbour"),
    ),
    needed=(
        (r"no-policy receive reject-always", "refusal of what no policy lets in (defaults ebgp no-policy)"),
        (
            r"no-policy advertise reject-always",
            "refusal of what no policy lets out (defaults ebgp no-policy)",
        ),
    ),
)
