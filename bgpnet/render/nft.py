"""Translations -> the text that `nft -f -` takes. It replaces the whole table in one transaction."""

from collections.abc import Iterable
from typing import Final

from bgpnet.model.nat import TABLE, Translation
from bgpnet.model.net import Family, Prefix

_PROTOCOL: Final = {Family.IPV4: "ip", Family.IPV6: "ip6"}


def nft_text(translations: Iterable[Translation]) -> str:
    """Our table with a rule for each; no table at all without any.

    `add` before `delete`, as deleting a table that is not there would fail. `fib saddr type != local`: what
    the node itself sends from an address of a block, the return-path probe, stays as it is. Only the first
    packet of a connection comes to a chain of type nat, so answers to whoever opened one to a pod never do.
    The counters are for people.
    """
    rules = "".join(f"    {_rule(each)}\n" for each in translations)
    gone = f"add table inet {TABLE}\ndelete table inet {TABLE}\n"
    if not rules:
        return gone
    return (
        f"{gone}table inet {TABLE} {{\n"
        "  chain postrouting {\n"
        "    type nat hook postrouting priority srcnat; policy accept;\n"
        f"{rules}"
        "  }\n"
        "}\n"
    )


def _rule(translation: Translation) -> str:
    ip = _PROTOCOL[translation.family]
    into = f"snat {ip} to {translation.source}" if translation.source else "masquerade"
    return (
        f"{ip} saddr {_set(translation.pods)} {ip} daddr != {_set(translation.kept)} "
        f"fib saddr type != local counter {into} fully-random"
    )


def _set(prefixes: Iterable[Prefix]) -> str:
    return "{ " + ", ".join(map(str, prefixes)) + " }"
