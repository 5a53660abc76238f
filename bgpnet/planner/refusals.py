"""What policy leaves out, prefix by prefix, as rejections of bounded number."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from bgpnet.model.net import Address, Prefix, address_order, prefix_order
from bgpnet.model.plan import Tally
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

Text = TypeVar("Text", bound=str)

SHOWN_PER_PEER: Final = 10
"""Prefixes reported one by one for each peer, reason and rule; the rest are counted."""


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Why, and what to do about it."""

    reason: Reason
    remedy: str
    rule: str = ""
    """The filter and its rule, where one decided."""


Refused = tuple[Address, Prefix, Refusal]
"""A peer, a prefix, and why the one is not told of the other, or not believed."""


def tallies(taken: Iterable[Address], refused: Iterable[Refused]) -> tuple[Tally, ...]:
    """What became of each peer's prefixes, by number: `taken` names a peer once for each that was taken."""
    accepted = Counter(taken)
    by_peer: defaultdict[Address, Counter[Refusal]] = defaultdict(Counter)
    for (peer, why), count in Counter((peer, why) for peer, _, why in refused).items():
        by_peer[peer][why] += count
    return tuple(
        Tally(
            peer,
            accepted[peer],
            _counted((why.reason, count) for why, count in by_peer[peer].items()),
            _counted((why.rule, count) for why, count in by_peer[peer].items() if why.rule),
        )
        for peer in sorted(accepted.keys() | by_peer.keys(), key=address_order)
    )


def _counted(found: Iterable[tuple[Text, int]]) -> tuple[tuple[Text, int], ...]:
    counts: Counter[Text] = Counter()
    for what, count in found:
        counts[what] += count
    return tuple(sorted(counts.items()))


def refused(direction: str, found: Iterable[Refused]) -> tuple[Rejection, ...]:
    """The first prefixes by name for each peer and refusal, then their number.

    Args:
        direction: `Path from` or `Announcement to` a peer.
        found: peer, prefix, and why.
    """
    groups: defaultdict[tuple[Address, Refusal], list[Prefix]] = defaultdict(list)
    for peer, prefix, why in found:
        groups[peer, why].append(prefix)
    kind, _, word = direction.partition(" ")
    rejections: list[Rejection] = []
    for (peer, why), prefixes in sorted(
        groups.items(), key=lambda item: (address_order(item[0][0]), item[0][1])
    ):
        ref = ObjectRef(kind, f"{word} {peer}")
        prefixes.sort(key=prefix_order)
        shown = [str(prefix) for prefix in prefixes[:SHOWN_PER_PEER]]
        more = len(prefixes) - SHOWN_PER_PEER
        shown += [f"{more} more"] if more > 0 else []
        rejections.extend(Rejection(ref, "prefix", text, why.reason, why.remedy) for text in shown)
    return tuple(rejections)
