"""One BFD session: state and event -> state (RFC 5880 §6). Pure: the clock and chance come as arguments.

Intervals are microseconds as on the wire; moments are monotonic seconds.

`failed` is what the session's client acts upon (RFC 5882 §3.2, §4.2): the session was Up and ended, neither
side having said that it was taken down on purpose. It holds until the session is Up again, or the other side
says that it is down on purpose, or nothing at all was heard of it for `FORGET`: then it has no BFD any more,
and whether the path is good is for BGP alone to say (§4.1).
"""

from dataclasses import dataclass, replace
from typing import Final

from bgpnet.bfd.packet import Diagnostic, Packet, Refusal, State

SLOW: Final = 1_000_000
"""Microseconds between packets while the session is not Up, at least (RFC 5880 §6.8.3)."""

FORGET: Final = 60.0
"""Seconds without any packet after which a failed session is none any more."""

LEAST, MOST, MOST_SINGLE = 0.75, 0.97, 0.88
"""Of the interval, packet by packet (RFC 5880 §6.8.7: 75 to 100 %, with a multiplier of 1 to 90 %). The rest
is for a timer that is late."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What this side asks for."""

    interval: int
    """Microseconds: Desired Min TX and Required Min RX."""
    multiplier: int


@dataclass(frozen=True, slots=True)
class Remote:
    """What the other side said last; before it said anything, RFC 5880 §6.8.1."""

    discriminator: int = 0
    state: State = State.DOWN
    diagnostic: int = 0
    min_tx: int = 0
    min_rx: int = 1
    multiplier: int = 0
    demand: bool = False
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """The state variables of RFC 5880 §6.8.1."""

    discriminator: int
    wanted: Parameters
    tx: int
    """Desired Min TX as it is in force; a longer one than before waits for the end of the Poll Sequence."""
    rx: int
    """Required Min RX as it is in force; a shorter one waits likewise."""
    state: State = State.DOWN
    diagnostic: int = Diagnostic.NONE
    polls: int = 0
    """Poll Sequences to be finished: what changes during one asks for one more."""
    remote: Remote = Remote()
    heard: float = 0.0
    """When a packet came last; 0: never."""
    failed: bool = False


def new(discriminator: int, wanted: Parameters) -> Session:
    """A session that has just begun. `discriminator`: not 0, and no other session's."""
    return Session(discriminator, wanted, max(SLOW, wanted.interval), wanted.interval)


# --- what happens ----------------------------------------------------------------------------------------


def refusal(session: Session, packet: Packet) -> Refusal | None:
    """Why a packet from the session's peer is not for this session (RFC 5880 §6.8.6, behind `decode`)."""
    if packet.your_discriminator:
        if packet.your_discriminator != session.discriminator:
            return Refusal.YOUR_DISCRIMINATOR
    elif packet.state > State.DOWN:
        return Refusal.STATE
    return Refusal.AUTHENTICATION if packet.authenticated else None


def received(session: Session, packet: Packet, now: float) -> tuple[Session, bool]:
    """A packet without `refusal` came. Also whether it has to be answered with Final, at once."""
    after = replace(
        session,
        heard=now,
        remote=Remote(
            packet.my_discriminator,
            packet.state,
            packet.diagnostic,
            packet.desired_min_tx,
            packet.required_min_rx,
            packet.multiplier,
            packet.demand,
            packet.independent,
        ),
    )
    if packet.final and after.polls:
        after = _poll_ended(after)
    if session.state is State.ADMIN_DOWN:
        return after, False
    if packet.state is State.ADMIN_DOWN:
        after = replace(_down(after, Diagnostic.NEIGHBOR_SIGNALED_DOWN), failed=False)
    elif session.state is State.DOWN:
        if packet.state is State.DOWN:
            after = _entered(after, State.INIT)
        elif packet.state is State.INIT:
            after = _entered(after, State.UP)
    elif session.state is State.INIT:
        if packet.state is not State.DOWN:
            after = _entered(after, State.UP)
    elif packet.state is State.DOWN:
        after = _down(after, Diagnostic.NEIGHBOR_SIGNALED_DOWN)
    return after, packet.poll


def expired(session: Session, now: float) -> Session:
    """The session's `deadline` has passed."""
    after = session
    if session.remote.discriminator:
        after = replace(after, remote=replace(session.remote, discriminator=0))
        if session.state in (State.INIT, State.UP):
            after = _down(after, Diagnostic.DETECTION_TIME_EXPIRED)
    return replace(after, failed=after.failed and now < _forgotten_at(session))


def configured(session: Session, wanted: Parameters) -> Session:
    """This side asks for something else; a session that is taken down stays so."""
    return _retimed(session, replace(session, wanted=wanted))


def disabled(session: Session) -> Session:
    """Taken down on purpose (RFC 5880 §6.8.16): the other side shall not take it for a failure."""
    if session.state is State.ADMIN_DOWN:
        return session
    down = replace(session, state=State.ADMIN_DOWN, diagnostic=Diagnostic.ADMINISTRATIVELY_DOWN, failed=False)
    return _retimed(session, down)


def enabled(session: Session) -> Session:
    """No longer taken down."""
    if session.state is not State.ADMIN_DOWN:
        return session
    return replace(session, state=State.DOWN, diagnostic=Diagnostic.NONE)


# --- what follows ----------------------------------------------------------------------------------------


def packet_of(session: Session, *, final: bool) -> Packet:
    """What is to be sent (RFC 5880 §6.8.7). `final`: it answers a Poll, and so is none itself.

    The C bit is set: this process shares its fate neither with the agent nor with ExaBGP, and the kernel
    forwards without any of the three. So a BFD failure during a graceful restart of the node's BGP means that
    the node no longer forwards (RFC 5882 §4.3.1).
    """
    return Packet(
        state=session.state,
        multiplier=session.wanted.multiplier,
        my_discriminator=session.discriminator,
        your_discriminator=session.remote.discriminator,
        desired_min_tx=desired_min_tx(session),
        required_min_rx=session.wanted.interval,
        diagnostic=session.diagnostic,
        poll=session.polls > 0 and not final,
        final=final,
        independent=True,
    )


def desired_min_tx(session: Session) -> int:
    """As the packets say it: microseconds."""
    interval = session.wanted.interval
    return interval if session.state is State.UP else max(SLOW, interval)


def transmit_interval(session: Session) -> int | None:
    """Microseconds between two packets, before chance; None: none is sent unasked."""
    remote = session.remote
    if remote.min_rx == 0:
        return None
    both_up = session.state is State.UP and remote.state is State.UP
    if remote.demand and both_up and not session.polls:
        return None
    return max(session.tx, remote.min_rx)


def pause(session: Session, chance: float) -> float | None:
    """Seconds from a packet to the next; None: none. `chance`: from 0 to 1, for each packet anew."""
    interval = transmit_interval(session)
    if interval is None:
        return None
    most = MOST_SINGLE if session.wanted.multiplier == 1 else MOST
    return interval / 1e6 * (LEAST + (most - LEAST) * chance)


def urgent(before: Session, after: Session) -> bool:
    """Whether a packet is due at once: it says something new, or the pace is quicker (§6.8.3, §6.8.7)."""
    if _said(before) != _said(after):
        return True
    was, now = transmit_interval(before), transmit_interval(after)
    return now is not None and (was is None or now < was)


def detection_time(session: Session) -> float:
    """Seconds without a packet after which the path has failed (RFC 5880 §6.8.4); 0: not known yet."""
    remote = session.remote
    return remote.multiplier * max(session.rx, remote.min_tx) / 1e6


def remote_detection_time(session: Session) -> float:
    """Seconds of our silence after which the other side takes the path for failed."""
    return session.wanted.multiplier * max(desired_min_tx(session), session.remote.min_rx) / 1e6


def deadline(session: Session) -> float | None:
    """When the session is `expired` unless a packet comes before; None: never."""
    if session.remote.discriminator:
        return session.heard + detection_time(session)
    return _forgotten_at(session) if session.failed else None


# --- inside ----------------------------------------------------------------------------------------------


def _said(session: Session) -> tuple[object, ...]:
    """What a packet says, but for Poll and Final."""
    return (session.state, session.diagnostic, session.wanted, session.remote.discriminator)


def _forgotten_at(session: Session) -> float:
    return session.heard + detection_time(session) + FORGET


def _down(session: Session, diagnostic: Diagnostic) -> Session:
    if session.state is State.DOWN:
        return session
    down = replace(
        session,
        state=State.DOWN,
        diagnostic=diagnostic,
        failed=session.failed or session.state is State.UP,
    )
    return _retimed(session, down)


def _entered(session: Session, state: State) -> Session:
    up = state is State.UP
    entered = replace(
        session,
        state=state,
        diagnostic=Diagnostic.NONE if up else session.diagnostic,
        failed=session.failed and not up,
    )
    return _retimed(session, entered)


def _retimed(before: Session, after: Session) -> Session:
    """What changes is polled for; what the other side has to know first waits for its answer (§6.8.3)."""
    asked, asks = (
        (desired_min_tx(before), before.wanted.interval),
        (desired_min_tx(after), after.wanted.interval),
    )
    was_up = before.state is State.UP and after.state is State.UP
    return replace(
        after,
        polls=before.polls if asked == asks else min(2, before.polls + 1),
        tx=min(before.tx, asks[0]) if was_up else asks[0],
        rx=max(before.rx, asks[1]) if was_up else asks[1],
    )


def _poll_ended(session: Session) -> Session:
    if session.polls > 1:
        return replace(session, polls=session.polls - 1)
    return replace(session, polls=0, tx=desired_min_tx(session), rx=session.wanted.interval)
