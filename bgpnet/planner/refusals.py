"""What policy leaves out, prefix by prefix, as rejections of bounded number."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bgpnet.model.net import Address, Prefix, address_order, prefix_order
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

SHOWN_PER_PEER: Final = 10
"""Prefixes reported one by one for each peer, reason and rule; the rest are counted."""


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Why, and what to do about it; a filter's rule is named in `remedy`."""

    reason: Reason
    remedy: str


def refused(direction: str, found: Iterable[tuple[Address, Prefix, Refusal]]) -> tuple[Rejection, ...]:
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
