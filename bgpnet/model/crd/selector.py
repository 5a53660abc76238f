"""Kubernetes label selectors."""

from typing import Literal, Self

from pydantic import Field, model_validator

from bgpnet.model.crd.fields import LabelKey, LabelValue, refusal
from bgpnet.model.crd.meta import OrEmpty, Strict
from bgpnet.model.declared import LabelRequirement, Selector


class LabelExpression(Strict):
    """One term of a selector."""

    key: LabelKey
    """The label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How its value and `values` stand to each other; In and Exists want the label to be there."""
    values: tuple[LabelValue, ...] = Field(default=(), max_length=64)
    """Of In and NotIn."""

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        wants_values = self.operator in {"In", "NotIn"}
        if wants_values and not self.values:
            raise refusal(f"{self.operator} needs at least one of `values`")
        if not wants_values and self.values:
            raise refusal(f"{self.operator} takes no `values`: remove them")
        return self


class LabelSelector(Strict):
    """Selects by labels; all terms must hold, no term selects everything."""

    match_labels: OrEmpty[dict[LabelKey, LabelValue]] = Field(default_factory=dict, max_length=32)
    """Labels with exactly these values."""
    match_expressions: tuple[LabelExpression, ...] = Field(default=(), max_length=32)
    """Terms beyond equality."""

    def fact(self) -> Selector:
        """The selector with `matchLabels` written as the expressions they stand for."""
        labels = (LabelRequirement(key, "In", (value,)) for key, value in self.match_labels.items())
        terms = (LabelRequirement(term.key, term.operator, term.values) for term in self.match_expressions)
        return Selector((*labels, *terms))
