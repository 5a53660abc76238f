"""Filters as lists of rules: which of them can never apply."""

from bgpnet.model.declared import FilterRule
from bgpnet.model.prefixranges import PrefixRanges


def first_shadowed(rules: tuple[FilterRule, ...]) -> tuple[int, int] | None:
    """A rule that one before it leaves nothing to match: their numbers, from 1, the earlier one first."""
    seen: PrefixRanges[int] = PrefixRanges()
    everywhere: set[int] = set()
    for number, rule in enumerate(rules, 1):
        over_each = [set(seen.covering(each)) for each in dict.fromkeys(rule.prefixes)]
        over_all = everywhere | (set.intersection(*over_each) if over_each else set())
        for earlier in sorted(over_all):
            if set(rules[earlier - 1].communities) <= set(rule.communities):
                return earlier, number
        if rule.prefixes:
            for each in dict.fromkeys(rule.prefixes):
                seen.add(each, number)
        else:
            everywhere.add(number)
    return None
