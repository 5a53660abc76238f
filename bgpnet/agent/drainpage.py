"""`/drain` on the agent's socket: how far the node's drain is, and the order to begin or to end it."""

import json
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs

from bgpnet.agent.drain import Draining
from bgpnet.agent.http import Answer
from bgpnet.agent.reconciler import Outcome
from bgpnet.model.drain import END_SESSIONS
from bgpnet.planner.drain import asked_by_label, wait_of
from bgpnet.planner.loopbacks import loopbacks

ORDERS = ("withdraw", END_SESSIONS, "undo")


class DrainPage:
    """Of one node. `last` gives the last outcome; `changed` is called when something was ordered."""

    def __init__(
        self, node: str, draining: Draining, last: Callable[[], Outcome | None], changed: Callable[[], None]
    ) -> None:
        self._node = node
        self._draining = draining
        self._last = last
        self._changed = changed

    def show(self, _query: str) -> Answer:
        """How far it is, what is still announced of the pods' prefixes, and seconds that a drain takes."""
        outcome = self._last()
        if outcome is None:
            return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", "the first step is not done\n"
        snapshot = outcome.snapshot
        declared = snapshot.declared
        links = snapshot.kernel.links if snapshot.kernel else ()
        own = frozenset(loopbacks(declared.configuration if declared else None, links).prefixes)
        sessions = snapshot.speaker.sessions if snapshot.speaker else ()
        told = {
            "drain": "" if snapshot.drain is None else str(snapshot.drain),
            "announced": sorted({str(each) for one in sessions for each in one.announced if each not in own}),
            "seconds": wait_of(declared),
        }
        return HTTPStatus.OK, "application/json", json.dumps(told) + "\n"

    def order(self, query: str) -> Answer:
        """Begin, or end."""
        asked = parse_qs(query)
        node, what = (asked.get(name, [""])[0] for name in ("node", "what"))
        if node != self._node:
            return HTTPStatus.CONFLICT, "text/plain", f"this is node {self._node}, not {node}\n"
        if what not in ORDERS:
            return HTTPStatus.BAD_REQUEST, "text/plain", f"what is {what!r}; give {', '.join(ORDERS)}\n"
        outcome = self._last()
        label = asked_by_label(outcome.snapshot.declared, node) if outcome else None
        if what == "undo" and label is not None:
            return HTTPStatus.CONFLICT, "text/plain", f"the Node's label asks for it ({label}): remove that\n"
        try:
            self._draining.undo() if what == "undo" else self._draining.ask(what)
        except OSError as error:
            return HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", f"not remembered: {error}\n"
        self._changed()
        return HTTPStatus.OK, "text/plain", "ordered\n"
