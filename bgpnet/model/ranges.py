"""What two ranges of prefixes have in common, and what is left of one without the other."""

from collections.abc import Iterator

from bgpnet.model.declared import AcceptRule
from bgpnet.model.net import Prefix, covers


def common(one: AcceptRule, other: AcceptRule) -> AcceptRule | None:
    """The prefixes that lie in both; None when there are none."""
    if covers(one.prefix, other.prefix):
        inner = other.prefix
    elif covers(other.prefix, one.prefix):
        inner = one.prefix
    else:
        return None
    least = max(one.min_length, other.min_length, inner.prefixlen)
    most = min(one.max_length, other.max_length)
    return AcceptRule(inner, least, most) if least <= most else None


def without(told: AcceptRule, taken: AcceptRule) -> tuple[AcceptRule, ...]:
    """The prefixes of `told` that do not lie in `taken`, as ranges that have none in common."""
    return tuple(each for each in _left(told, taken) if each.min_length <= each.max_length)


def _left(told: AcceptRule, taken: AcceptRule) -> Iterator[AcceptRule]:
    if common(told, taken) is None:
        yield told
        return
    inner, length = told.prefix, max(taken.prefix.prefixlen, told.prefix.prefixlen)
    if inner.prefixlen < taken.prefix.prefixlen:
        # What is shorter than `taken` is not inside of it, nor is what lies beside it.
        yield AcceptRule(inner, told.min_length, min(told.max_length, length - 1))
        for beside in _beside(inner, taken.prefix):
            yield AcceptRule(beside, max(told.min_length, length), told.max_length)
        inner = taken.prefix
    least = max(told.min_length, length)
    yield AcceptRule(inner, least, min(told.max_length, taken.min_length - 1))
    yield AcceptRule(inner, max(least, taken.max_length + 1), told.max_length)


def _beside(outer: Prefix, inner: Prefix) -> Iterator[Prefix]:
    """The largest prefixes of `outer` that together are all of it but `inner`."""
    while inner.prefixlen > outer.prefixlen:
        above = inner.supernet()
        yield from (half for half in above.subnets() if half != inner)
        inner = above
