"""`status` of the objects that users write: what the nodes say of them. Written by one agent."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from bgpnet.model.crd.bgpnodestatus import Count, Moment, Sentence
from bgpnet.model.crd.meta import Strict

ACCEPTED: Final = "Accepted"
"""The condition, and its reason while it is true."""


class Condition(Strict):
    """One thing that holds, or does not (as metav1.Condition)."""

    type: Annotated[str, StringConstraints(max_length=316)]
    """Accepted: whether every node takes the whole object."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, StringConstraints(max_length=1024)]
    """Why, in one word; the reasons of `bgpnet status`."""
    message: Sentence
    """What is refused, by which nodes, and what to do."""
    observed_generation: Annotated[int, Field(ge=0, le=2**53)]
    """metadata.generation of the object that this is said of."""
    last_transition_time: Moment
    """Since when `status` is so."""


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=8,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]


class ObjectReport(Strict):
    """What the nodes say of the object. Written by the agents."""

    conditions: Conditions = ()
    """Whether every node takes the object, and if not, why."""


class PeerReport(ObjectReport):
    """What the nodes say of the object. Written by the agents."""

    sessions_up: Count = 0
    """Sessions of all nodes with it that are Established."""
    sessions_wanted: Count = 0
    """Sessions that all nodes together ought to have."""


class ReportedObject(Strict):
    """An object with such a status."""

    status: ObjectReport | None = None


class ReportedPeer(Strict):
    """A BGPPeer with its status."""

    status: PeerReport | None = None
