"""GoBGP: gobgpd judges keys and types, but starts with policies and sets that are defined nowhere."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

_SET: Final = "policy-definitions {word} / statements {word} / conditions / "

GOBGP: Final = Grammar(
    language=Language.TOML,
    closed=False,
    patterns=tuple(
        map(
            Pattern,
            (
                "defined-sets / neighbor-sets {word} / neighbor-set-name = '{def:neighbor-set}'",
                "defined-sets / prefix-sets {word} / prefix-set-name = '{def:prefix-set}'",
                "defined-sets / prefix-sets {word} / prefix-list {text} / ip-prefix = '{prefix}'",
                "defined-sets / bgp-defined-sets / as-path-sets {word} / as-path-set-name = '{def:as-path-set}'",
                "defined-sets / bgp-defined-sets / community-sets {word} / community-set-name = '{def:community-set}'",
                "policy-definitions {word} / name = '{def:policy}'",
                "policy-definitions {word} / statements {word} / name = '{def:statement}'",
                _SET + "match-neighbor-set / neighbor-set = '{use:neighbor-set}'",
                _SET + "match-prefix-set / prefix-set = '{use:prefix-set}'",
                _SET + "bgp-conditions / match-as-path-set / as-path-set = '{use:as-path-set}'",
                _SET + "bgp-conditions / match-community-set / community-set = '{use:community-set}'",
                "peer-groups {text} / config / peer-group-name = '{def:group}'",
                "peer-groups {text} / config / peer-as = {asn}",
                "peer-groups {text} / timers / config / hold-time = {num:0-65535}",
                "dynamic-neighbors {text} / config / peer-group = '{use:group}'",
                "neighbors {text} / config / peer-group = '{use:group}'",
                "global / apply-policy / config / (import|export)-policy-list includes '{use:policy}'",
                "global / config / as = {asn}",
            ),
        )
    ),
    required=(
        ("group", r"peer-groups NAME.*/ config / peer-as = ", "AS number (peer-as)"),
        ("group", r"peer-groups NAME.*/ prefix-limit / config / max-prefixes", "limit of prefixes"),
        ("group", r"neighbors .*/ config / peer-group = 'NAME'$", "neighbour and no range"),
        ("group", r"import-policy-list includes 'NAME_IN'", "policy for what comes in"),
        ("group", r"export-policy-list includes 'NAME_OUT'", "policy for what goes out"),
        ("statement", r"statements NAME / conditions / match-neighbor-set / ", "neighbours that it is for"),
        ("statement", r"statements NAME / conditions / match-prefix-set / ", "prefixes that it is for"),
    ),
    refused=(
        (
            r"prefix-sets K8S_\w+_IN[46] / .*ip-prefix = '(0\.0\.0\.0|::)/0'",
            "nodes could announce a default route",
        ),
        (r"prefix-list (0\.0\.0\.0|::)/0 (?!0\.\.0)\S+ / masklength", "everything would be let in or out"),
        (r"dynamic-neighbors (0\.0\.0\.0|::)/0 ", "everybody could be a neighbour"),
        (r"default-(import|export)-policy = 'accept-route'", "what no policy refuses would be let in or out"),
        (
            r"as-path-sets K8S_\w+ / as-path-list includes (?!'\^(\d+)(\(_\1\)\*)?\$'$)",
            "paths through a node would be taken",
        ),
        (r"as-path-options / config / allow-own-as", "a path with this router's own AS would be taken"),
        (r"ebgp-multihop / config / enabled = True", "nodes are in the router's own subnet"),
    ),
    needed=(
        (r"default-import-policy = 'reject-route'", "refusal of what no import policy accepts"),
        (r"default-export-policy = 'reject-route'", "refusal of what no export policy accepts"),
    ),
)
