"""What the nodes take from a router: what it is to send them."""

from collections.abc import Iterable
from typing import Final

from bgpnet.model.declared import AcceptRule, Declared, DeclaredPeer, FilterRule
from bgpnet.model.net import Family, default_prefix, prefix_order
from bgpnet.model.ranges import common, without
from bgpnet.model.rejection import Reason, Rejection

_EVERYTHING: Final = tuple(
    AcceptRule(prefix, 0, prefix.max_prefixlen) for prefix in map(default_prefix, Family)
)


def asked_for(peer: DeclaredPeer, declared: Declared) -> tuple[AcceptRule, ...] | Rejection:
    """`accept`, or what the import filters accept, or with both what both do.

    Filters are read as the nodes read them: their rules in order, the first that matches decides. A rule
    about communities may match or not, so it refuses nothing here.
    """
    known = {each.ref.name: each.imports for each in declared.filters}
    missing = [name for name in peer.import_filters if name not in known]
    if missing and not peer.accept:
        remedy = "there is no BGPFilter of this name, so what nodes take is not known; write it, or accept"
        return Rejection(peer.ref, "spec.filters.import", missing[0], Reason.NO_FILTER, remedy)
    told = set(peer.accept)
    if peer.import_filters and not missing:
        passed = _accepted(rule for name in peer.import_filters for rule in known[name])
        both = {common(one, other) for one in peer.accept for other in passed}
        told = {each for each in both if each} if peer.accept else passed
    for each in sorted(told, key=rule_order):
        if each.prefix.prefixlen == 0 and each.max_length > 0:
            field = "spec.accept" if peer.accept else "spec.filters.import"
            found = f"{each.prefix} with lengths {each.min_length} to {each.max_length}"
            remedy = (
                "a router that sends this tells nodes all that it knows; name under accept the prefixes "
                f"that nodes need ({each.prefix} alone is the default route)"
            )
            return Rejection(peer.ref, field, found, Reason.NOT_EXPRESSIBLE, remedy)
    return tuple(sorted(told, key=rule_order))


def rule_order(rule: AcceptRule) -> tuple[int, int, int, int, int]:
    """Sort key of ranges."""
    return (*prefix_order(rule.prefix), rule.min_length, rule.max_length)


def _accepted(rules: Iterable[FilterRule]) -> set[AcceptRule]:
    accepted: set[AcceptRule] = set()
    refused: list[AcceptRule] = []
    for rule in rules:
        ranges = rule.prefixes or _EVERYTHING
        if rule.accept:
            accepted |= {part for each in ranges for part in _without_all(each, refused)}
        elif not rule.communities:
            refused += ranges
    return accepted


def _without_all(told: AcceptRule, refused: Iterable[AcceptRule]) -> list[AcceptRule]:
    left = [told]
    for each in refused:
        left = [part for whole in left for part in without(whole, each)]
    return left
