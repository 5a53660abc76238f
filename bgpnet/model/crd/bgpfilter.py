"""BGPFilter: ordered rules for what is learned and what is announced."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bgpnet.model.crd.fields import Communities, not_empty, refusal
from bgpnet.model.crd.meta import Manifest, Strict, Unread
from bgpnet.model.crd.prefixrange import PrefixRange
from bgpnet.model.declared import Changes, DeclaredFilter, FilterRule
from bgpnet.model.filter import first_shadowed
from bgpnet.model.rejection import ObjectRef

Number = Annotated[int, Field(strict=True, ge=0, le=0xFFFF_FFFF)]
"""A 32-bit attribute."""

MAX_RULES = 64
"""Of one list, and prefixes of one rule."""


class ExportMatch(Strict):
    """Which prefixes; every field that is set must hold, and nothing set matches everything."""

    prefixes: Annotated[tuple[PrefixRange, ...], Field(max_length=MAX_RULES), AfterValidator(not_empty)] = ()
    """One of them holds the prefix."""


class ImportMatch(ExportMatch):
    """Which paths."""

    communities: Annotated[Communities, AfterValidator(not_empty)] = ()
    """The path has all of them."""


class CommunitiesChange(Strict):
    """What becomes of the communities: some are added, or all are replaced."""

    add: Annotated[Communities, AfterValidator(not_empty)] = ()
    """Besides those that are there."""
    replace: Communities | None = None
    """Instead of those that are there."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.add) == (self.replace is not None):
            raise refusal("write either `add` or `replace`; `replace: []` removes all")
        return self


class ImportSet(Strict):
    """What a path is given before the best one is chosen."""

    local_preference: Number | None = None
    """Higher wins (RFC 4271 §9.1.1); 100 where nothing sets it."""
    med: Number | None = None
    """Lower wins, among paths of one neighbouring AS."""


class ExportSet(Strict):
    """What an announcement is given."""

    communities: CommunitiesChange | None = None
    """What becomes of its communities."""
    med: Number | None = None
    """Lower wins, where the neighbour compares it."""
    prepend: Annotated[int, Field(strict=True, ge=1, le=16)] | None = None
    """Times that our AS stands in the AS_PATH besides the first, towards external peers."""
    local_preference: Number | None = None
    """Higher wins, at internal peers, which alone are told (RFC 4271 §5.1.5); 100 where nothing sets it."""


class ImportRule(Strict):
    """One rule for what is learned."""

    match: ImportMatch = ImportMatch()
    """Which paths; left out, every one."""
    action: Literal["accept", "reject"]
    """What becomes of them."""
    set: ImportSet = ImportSet()
    """What an accepted path is given."""

    @model_validator(mode="after")
    def _a_rejected_path_is_given_nothing(self) -> Self:
        _nothing_set_where_rejected(self)
        return self

    def fact(self) -> FilterRule:
        """The rule."""
        return FilterRule(
            prefixes=tuple(each.fact() for each in self.match.prefixes),
            communities=self.match.communities,
            accept=self.action == "accept",
            changes=Changes(med=self.set.med, local_preference=self.set.local_preference),
        )


class ExportRule(Strict):
    """One rule for what is announced."""

    match: ExportMatch = ExportMatch()
    """Which prefixes; left out, every one."""
    action: Literal["accept", "reject"]
    """What becomes of them."""
    set: ExportSet = ExportSet()
    """What an accepted prefix is given."""

    @model_validator(mode="after")
    def _a_rejected_prefix_is_given_nothing(self) -> Self:
        _nothing_set_where_rejected(self)
        return self

    def fact(self) -> FilterRule:
        """The rule."""
        communities = self.set.communities
        return FilterRule(
            prefixes=tuple(each.fact() for each in self.match.prefixes),
            communities=(),
            accept=self.action == "accept",
            changes=Changes(
                add_communities=communities.add if communities else (),
                replace_communities=communities.replace if communities else None,
                med=self.set.med,
                prepend=self.set.prepend or 0,
                local_preference=self.set.local_preference,
            ),
        )


Rule = ImportRule | ExportRule


def _nothing_set_where_rejected(rule: Rule) -> None:
    if rule.action == "reject" and rule.set.model_fields_set:
        raise refusal("remove `set`, or write `action: accept`: what is rejected is given nothing")


def _every_rule_may_apply(rules: Sequence[Rule]) -> Sequence[Rule]:
    found = first_shadowed(tuple(rule.fact() for rule in rules))
    if found is not None:
        earlier, later = found
        contrary = "" if rules[earlier - 1].action == rules[later - 1].action else ", and does the contrary"
        raise refusal(
            f"rule {later} never applies: rule {earlier} before it matches all that it matches{contrary}; "
            "remove one, or move the narrower one up"
        )
    return rules


class BGPFilterSpec(Strict):
    """Rules in order: the first that matches decides. What none matches is refused."""

    imports: Annotated[
        tuple[ImportRule, ...], Field(max_length=MAX_RULES), AfterValidator(_every_rule_may_apply)
    ] = Field(default=(), alias="import")
    """For what is learned."""
    exports: Annotated[
        tuple[ExportRule, ...], Field(max_length=MAX_RULES), AfterValidator(_every_rule_may_apply)
    ] = Field(default=(), alias="export")
    """For what is announced."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.imports and not self.exports:
            raise refusal("write rules into `import` or `export`; a filter without any refuses everything")
        return self


class BGPFilter(Manifest):
    """A policy that BGPPeers name in `spec.filters`."""

    api_version: Literal["bgpnet.io/v1alpha1"]
    kind: Literal["BGPFilter"]
    spec: BGPFilterSpec
    status: Unread = None

    def fact(self, ref: ObjectRef) -> DeclaredFilter:
        """What this object says, as the planner knows it."""
        return DeclaredFilter(
            ref=ref,
            imports=tuple(rule.fact() for rule in self.spec.imports),
            exports=tuple(rule.fact() for rule in self.spec.exports),
        )
