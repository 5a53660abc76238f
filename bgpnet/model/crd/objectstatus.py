"""`status` of the objects that users write: what became of them, in Kubernetes' own form."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from bgpnet.model.crd.fields import Extra
from bgpnet.model.crd.meta import Strict

ACCEPTED: Final = "Accepted"
"""The one condition: whether the object as a whole is in force."""

LONGEST_MESSAGE: Final = 1024
"""Characters."""

_BY_TYPE: Final[Extra] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class Condition(Strict):
    """One condition (meta/v1 Condition)."""

    type: Annotated[str, StringConstraints(max_length=316)]
    """What it is about: `Accepted`."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    """Why, in one word; the reasons of `bgpnet status`."""
    message: Annotated[str, StringConstraints(max_length=LONGEST_MESSAGE)]
    """Why, and what to do, in words."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """Since when."""
    observed_generation: Annotated[int, Field(ge=0, le=2**62)] | None = None
    """The `metadata.generation` that was judged."""


class ObjectStatus(Strict):
    """What the agents made of the object."""

    conditions: Annotated[tuple[Condition, ...], Field(max_length=8, json_schema_extra=_BY_TYPE)] = ()
    """`Accepted` is False where an agent refused the object, with the reason."""
