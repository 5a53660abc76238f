"""What each peer may be told of a prefix, and with which attributes."""

from collections.abc import Mapping

from bgpnet.model.attributes import Attributes
from bgpnet.model.declared import Changes
from bgpnet.model.net import Address, Prefix
from bgpnet.model.plan import Session
from bgpnet.planner.filters import Filters
from bgpnet.planner.refusals import Refusal


class Export:
    """The export policy of one node.

    It is asked about the node's own prefixes alone: no rule can let out anything else.
    """

    def __init__(self, filters: Mapping[Address, Filters], attributes: Attributes) -> None:
        self._filters = filters
        self._attributes = attributes

    def judged(self, prefix: Prefix, session: Session) -> Attributes | Refusal | None:
        """What an announcement carries, or why there is none; None where that is not known."""
        filters = self._filters.get(session.peer, Filters())
        if not filters.exports_known:
            return None
        if filters.exports is None:
            return self._attributes
        rule = filters.exports.decide(prefix)
        return rule if isinstance(rule, Refusal) else _changed(self._attributes, session, rule.changes)


def _changed(attributes: Attributes, session: Session, changes: Changes) -> Attributes:
    kept = attributes.communities if changes.replace_communities is None else changes.replace_communities
    prepended = changes.prepend and not session.internal
    return Attributes(
        communities=(*kept, *changes.add_communities),
        med=attributes.med if changes.med is None else changes.med,
        # RFC 4271 §5.1.2: towards an internal peer a path of our own has no AS number
        as_path=(session.local_asn,) * (changes.prepend + 1) if prepended else (),
        local_preference=changes.local_preference if session.internal else None,
    )
