"""BGPNodeStatus: what an agent tells of its node. Written by the agents, read by people and programs."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from bgpnet.model.crd.meta import Strict

MAX_SESSIONS: Final = 128
MAX_PREFIXES: Final = 1024
MAX_REJECTIONS: Final = 100

Short = Annotated[str, StringConstraints(max_length=253)]
Sentence = Annotated[str, StringConstraints(max_length=1024)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class SessionReport(Strict):
    """One BGP session of the node."""

    peer: Short
    """The peer's address."""
    object: Short
    """The BGPPeer that asks for it."""
    peer_asn: Annotated[int, Field(ge=0, le=2**32 - 1)] = Field(alias="peerASN")
    """The peer's AS number."""
    state: Short
    """RFC 4271 §8.2.2, or Unknown."""
    since: Moment | None = None
    """When it entered the state."""
    reason: Sentence = ""
    """Why it is not up; empty when it is."""
    announced: Count
    """Prefixes told to the peer."""
    received: Count
    """Prefixes heard from it."""


class RejectionReport(Strict):
    """One thing that the node refused."""

    object: Sentence
    """What was refused."""
    field: Sentence = ""
    """Where in it."""
    found: Sentence = ""
    """What stands there."""
    reason: Short
    """Why, in one word; the reasons of `bgpnet status`."""
    remedy: Sentence
    """What to do."""
    since: Moment
    """Since when it is refused."""


class NodeReport(Strict):
    """The state of the node as its agent sees it."""

    ready: bool
    """Whether pods of this node can be reached."""
    not_ready_because: Annotated[tuple[Sentence, ...], Field(max_length=16)] = ()
    """What is missing for that."""
    version: Short
    """Of the agent."""
    sessions_up: Count
    """Sessions that are Established."""
    sessions_wanted: Count
    """Sessions that the BGPPeers ask for."""
    sessions: Annotated[tuple[SessionReport, ...], Field(max_length=MAX_SESSIONS)] = ()
    """All of them."""
    prefixes: Annotated[tuple[Short, ...], Field(max_length=MAX_PREFIXES)] = ()
    """The node's own."""
    refused: Count
    """How many things the node refused."""
    rejections: Annotated[tuple[RejectionReport, ...], Field(max_length=MAX_REJECTIONS)] = ()
    """The first of them."""


class BGPNodeStatus(Strict):
    """What a node's agent tells: its sessions, its prefixes, and what it refused. Its name is the node's."""

    status: NodeReport | None = None
