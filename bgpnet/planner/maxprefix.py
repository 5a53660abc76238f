"""Peers that announce too much, by their own limit: told of in time, then without a session for a while."""

from collections.abc import Iterator

from bgpnet.model.bgp import Speaker, Stopped
from bgpnet.model.plan import Session
from bgpnet.model.rejection import Reason, Rejection


def allowed(
    sessions: tuple[Session, ...], speaker: Speaker | None
) -> tuple[tuple[Session, ...], tuple[Rejection, ...]]:
    """The sessions without those of stopped peers, and what is to be said of the limits.

    A peer that was stopped under another limit than it has now comes back at once.
    """
    if speaker is None:
        return sessions, ()
    stopped = {each.peer: each for each in speaker.stopped}
    left: list[Session] = []
    rejections: list[Rejection] = []
    for session in sessions:
        stop = stopped.get(session.peer)
        if stop is not None and stop.under == session.max_prefix:
            rejections.append(_reached(session, stop))
        else:
            left.append(session)
    rejections += _near(tuple(left), speaker)
    return tuple(left), tuple(rejections)


def _reached(session: Session, stop: Stopped) -> Rejection:
    remedy = (
        f"the peer announced more than {stop.under.limit} {stop.family} prefixes, so its session is stopped "
        f"and tried again {stop.under.idle_time} s later; mend the router's export policy, or raise the limit"
    )
    return Rejection(session.ref, "spec.maxPrefix", str(stop.under.limit), Reason.MAX_PREFIX_REACHED, remedy)


def _near(sessions: tuple[Session, ...], speaker: Speaker) -> Iterator[Rejection]:
    received = {session.peer: session.received for session in speaker.sessions}
    for session in sessions:
        for family, count in received.get(session.peer, ()):
            if session.max_prefix is not None and count > session.max_prefix.near:
                remedy = (
                    f"the peer announces more than {session.max_prefix.near} {family} prefixes; beyond the "
                    "limit its session is stopped; mend the router's export policy, or raise the limit"
                )
                found = str(session.max_prefix.limit)
                yield Rejection(session.ref, "spec.maxPrefix", found, Reason.MAX_PREFIX_NEAR, remedy)
