"""OpenBGPD: `bgpd -n` judges the language and names, but takes a range without AS number, and no rules at all."""

from typing import Final

from bgpnet.render.routers.lint.grammar import Grammar
from bgpnet.render.routers.lint.pattern import Pattern
from bgpnet.render.routers.statements import Language

OPENBGPD: Final = Grammar(
    language=Language.BRACED_LINES,
    closed=False,
    before_use=True,
    patterns=tuple(
        map(
            Pattern,
            (
                'prefix-set "{def:prefix-set}"',
                'group "{def:group}"',
                "group {word} / remote-as {asn}",
                "group {word} / holdtime {num:0-65535}",
                "group {word} / neighbor {prefix}",
                "group {word} / neighbor {addr}",
                '(deny|allow) (from|to) group "{use:group}"',
                'match (from|to) group "{use:group}" community {text}',
                'allow (from|to) group "{use:group}" prefix-set "{use:prefix-set}"',
                'deny from group "{use:group}" AS != {asn}',
            ),
        )
    ),
    required=(
        ("group", r'group "NAME" / remote-as \d+$', "AS number (remote-as): any AS could join"),
        ("group", r'group "NAME" / max-prefix \d+', "limit of prefixes"),
        ("group", r'group "NAME" / neighbor ', "neighbour and no range"),
        ("group", r'^deny from group "NAME"$', "rule that refuses what is not allowed in"),
        ("group", r'^deny from group "NAME" AS != \d+$', "rule that refuses paths through a node"),
        ("group", r'^deny to group "NAME"$', "rule that refuses what is not allowed out"),
        ("group", r'^match from group "NAME" community GRACEFUL_SHUTDOWN', "rule for graceful-shutdown"),
    ),
    refused=(
        (r'^allow (from|to) (any|group "k8s_\w+"|ebgp)$', "everything would be let in or out"),
        (r"^allow from .*max-as-len", "max-as-len matches longer paths: it belongs to deny"),
        (r'^allow .*"k8s_\w+".* prefix ', "prefixes stand in a prefix-set"),
        (r'^prefix-set "k8s_\w+_in[46]" / .*\b(0\.0\.0\.0|::)/0', "nodes could announce a default route"),
        (r'^prefix-set "k8s_\w+_out[46]" / .*\b(0\.0\.0\.0|::)/0 ', "nodes would be told everything"),
        (r"/ neighbor (0\.0\.0\.0|::)/0", "everybody could be a neighbour"),
        (r'group "k8s_\w+" / multihop', "nodes are in the router's own subnet"),
        (r'group "k8s_\w+" / enforce neighbor-as no', "a node could hide its AS"),
    ),
    needed=((r"^AS \d+$", "AS number of the router (AS)"),),
)
