"""Filters of a peer: which rule decides about a prefix, and which filters are missing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bgpnet.model.community import Community
from bgpnet.model.declared import Declared, DeclaredFilter, DeclaredPeer, FilterRule
from bgpnet.model.net import Address, Prefix
from bgpnet.model.plan import Session
from bgpnet.model.prefixranges import PrefixRanges
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.planner.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Step:
    """A rule where it stands, with what is said of what it rejects."""

    rule: FilterRule
    communities: frozenset[Community]
    refusal: Refusal


class FilterChain:
    """The rules of one or more filters as one list.

    The first that matches decides; what none matches is refused.
    """

    __slots__ = ("_everywhere", "_ranges", "_steps", "unmatched")

    def __init__(
        self, direction: str, filters: Sequence[tuple[DeclaredFilter, tuple[FilterRule, ...]]]
    ) -> None:
        self._steps = [
            Step(rule, frozenset(rule.communities), _rejecting(made, direction, number))
            for made, rules in filters
            for number, rule in enumerate(rules, 1)
        ]
        self._everywhere = [at for at, step in enumerate(self._steps) if not step.rule.prefixes]
        self._ranges = PrefixRanges(
            (each, at) for at, step in enumerate(self._steps) for each in step.rule.prefixes
        )
        names = ", ".join(str(made.ref.name) for made, _ in filters)
        self.unmatched = Refusal(
            Reason.FILTERED,
            f"no rule of spec.{direction} of BGPFilter {names} matches it; add one if it is wanted",
            f"BGPFilter/{names.replace(', ', ', BGPFilter/')}, no rule",
        )

    @property
    def refuses_all(self) -> bool:
        """Whether no rule accepts anything."""
        return not any(step.rule.accept for step in self._steps)

    def decide(self, prefix: Prefix, communities: Sequence[Community] = ()) -> FilterRule | Refusal:
        """The rule that accepts, or why there is none."""
        for at in sorted({*self._ranges.holding(prefix), *self._everywhere}):
            step = self._steps[at]
            if step.communities.issubset(communities):
                return step.rule if step.rule.accept else step.refusal
        return self.unmatched


@dataclass(frozen=True, slots=True)
class Filters:
    """A peer's chains. None: no filter is named."""

    imports: FilterChain | None = None
    exports: FilterChain | None = None
    imports_known: bool = True
    """False: one of the import filters is missing, so what is learned stays as it is."""
    exports_known: bool = True
    """False: one of the export filters is missing, so what is announced stays as it is."""


def filters_of(
    sessions: Iterable[Session], declared: Declared
) -> tuple[dict[Address, Filters], tuple[Rejection, ...]]:
    """The filters of each session, by peer, and what is wrong with them."""
    table = _FilterTable(declared.filters)
    peers = {peer.ref: peer for peer in declared.peers}
    found = {session.peer: table.of(peers[session.ref]) for session in sessions}
    rejections = (rejection for _, wrong in found.values() for rejection in wrong)
    return {peer: filters for peer, (filters, _) in found.items()}, tuple(rejections)


class _FilterTable:
    """The declared filters. Peers that name the same ones share a chain."""

    def __init__(self, declared: Iterable[DeclaredFilter]) -> None:
        self._declared = {each.ref.name: each for each in declared}
        self._chains: dict[tuple[str, tuple[str, ...]], FilterChain] = {}

    def of(self, peer: DeclaredPeer) -> tuple[Filters, tuple[Rejection, ...]]:
        """The peer's filters, and what is wrong with them."""
        imports = self._chain("import", peer.import_filters)
        exports = self._chain("export", peer.export_filters)
        found = Filters(
            imports,
            exports,
            imports_known=imports is not None or not peer.import_filters,
            exports_known=exports is not None or not peer.export_filters,
        )
        wrong = (
            *self._wrong(peer, "import", peer.import_filters, imports),
            *self._wrong(peer, "export", peer.export_filters, exports),
        )
        return found, wrong

    def _chain(self, direction: str, names: tuple[str, ...]) -> FilterChain | None:
        if not names or not all(name in self._declared for name in names):
            return None
        known = self._chains.get((direction, names))
        if known is not None:
            return known
        chosen = [self._declared[name] for name in names]
        chain = FilterChain(
            direction, [(each, each.imports if direction == "import" else each.exports) for each in chosen]
        )
        self._chains[direction, names] = chain
        return chain

    def _wrong(
        self, peer: DeclaredPeer, direction: str, names: tuple[str, ...], chain: FilterChain | None
    ) -> Iterator[Rejection]:
        field, what = f"spec.filters.{direction}", _EFFECT[direction]
        if chain is None:
            for name in names:
                if name not in self._declared:
                    yield _missing(peer, field, name, what)
        elif chain.refuses_all:
            remedy = (
                f"no rule of spec.{direction} accepts anything, so nothing is {what} this peer; add a rule: "
                "`action: accept` alone, at the end, takes whatever is left"
            )
            yield Rejection(peer.ref, field, ", ".join(names), Reason.FILTERED, remedy)


_EFFECT: Final = {"import": "learned from", "export": "announced to"}


def _missing(peer: DeclaredPeer, field: str, name: str, what: str) -> Rejection:
    remedy = (
        f"there is no BGPFilter of this name; until there is one, what is {what} this peer stays as it is; "
        "write it, or correct the name"
    )
    return Rejection(peer.ref, field, name, Reason.NO_FILTER, remedy)


def _rejecting(made: DeclaredFilter, direction: str, number: int) -> Refusal:
    return Refusal(
        Reason.FILTERED,
        f"rule {number} of spec.{direction} of BGPFilter/{made.ref.name} rejects it",
        f"BGPFilter/{made.ref.name} rule {number}",
    )
