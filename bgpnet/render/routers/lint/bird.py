"""BIRD 2: `bird -p` judges the language and the names; these rules the policy."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

BIRD: Final = Grammar(
    language=Language.BRACES,
    closed=False,
    patterns=tuple(
        map(
            Pattern,
            (
                "filter {def:filter}",
                "template bgp {def:group}",
                "protocol bgp {def:protocol} from {use:group}",
                "template bgp {word} / local {addr} as {asn}",
                "template bgp {word} / local as {asn}",
                "template bgp {word} / (ipv4|ipv6) / (import|export) filter {use:filter}",
                "template bgp {word} / hold time {num:0-65535}",
                "protocol bgp {word} from {word} / neighbor range {prefix} as {asn}",
                "protocol bgp {word} from {word} / neighbor {addr} as {asn}",
                "protocol radv {def:protocol}",
            ),
        )
    ),
    required=(
        ("group", r"template bgp NAME / ipv[46] / import filter \S+$", "filter for what comes in"),
        ("group", r"template bgp NAME / ipv[46] / export filter \S+$", "filter for what goes out"),
        ("group", r"template bgp NAME / ipv[46] / receive limit \d+ action ", "limit of prefixes"),
        ("group", r"protocol bgp \S+ from NAME$", "neighbour and no range"),
        ("filter", r"filter NAME / (if .* then )?reject$", "reject: it lets everything pass"),
    ),
    refused=(
        (r"(import|export) all$", "everything would be let in or out"),
        (r"(import|export) where true$", "everything would be let in or out"),
        (r"filter k8s_\S+_in[46] / .*\b(0\.0\.0\.0|::)/0", "nodes could announce a default route"),
        (r"filter k8s_\S+_out[46] / .*\b(0\.0\.0\.0|::)/0[{+]", "nodes would be told everything"),
        (r"neighbor range (0\.0\.0\.0|::)/0 ", "everybody could be a neighbour"),
        (
            r"bgp k8s_\S+ .*/ neighbor (range )?\S+( external)?$",
            "a neighbour without AS number: any AS could join",
        ),
        (r"allow local as", "a path with this router's own AS would be taken"),
    ),
)
