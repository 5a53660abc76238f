"""A node that is being drained: traffic is led away first, and only then are its prefixes withdrawn."""

from collections.abc import Iterable
from dataclasses import replace

from bgpnet.model.attributes import Attributes
from bgpnet.model.bgp import Speaker
from bgpnet.model.community import GRACEFUL_SHUTDOWN
from bgpnet.model.declared import Declared
from bgpnet.model.drain import DEFAULT_WAIT, DRAIN_LABEL, Drain
from bgpnet.model.net import Prefix
from bgpnet.model.plan import Announcement


def asked_by_label(declared: Declared | None, node_name: str) -> str | None:
    """What the Node's label asks for; None: nothing, or nobody knows."""
    nodes = declared.nodes if declared else ()
    labels = next((dict(node.labels) for node in nodes if node.name == node_name), {})
    value = labels.get(DRAIN_LABEL, "false")
    return None if value.lower() == "false" else value


def wait_of(declared: Declared | None) -> float:
    """Seconds that routers have to find other ways."""
    configuration = declared.configuration if declared else None
    return float(configuration.drain_wait if configuration else DEFAULT_WAIT)


def left(
    told: Iterable[Announcement],
    drain: Drain | None,
    speaker: Speaker | None,
    loopbacks: Iterable[Prefix],
) -> tuple[Announcement, ...]:
    """What is left of the announcements.

    Leaving: what a peer has already, with the community GRACEFUL_SHUTDOWN (RFC 8326 §4.2): it prefers every
    other way, while packets that come still arrive. Then nothing but the node's own loopback addresses, by
    which it is reached itself. A peer that has nothing gets nothing.
    """
    if drain is None:
        return tuple(told)
    own = frozenset(loopbacks)
    has = {each.peer: frozenset(each.announced) for each in speaker.sessions} if speaker else {}
    if drain.withdrawn:
        return () if drain.ended else tuple(each for each in told if each.prefix in own)
    return tuple(
        each if each.prefix in own else replace(each, attributes=_leaving(each.attributes))
        for each in told
        if each.prefix in own or each.prefix in has.get(each.peer, frozenset())
    )


def _leaving(attributes: Attributes) -> Attributes:
    return replace(attributes, communities=(*attributes.communities, GRACEFUL_SHUTDOWN))
