"""Sessions -> the text of ExaBGP's configuration.

The text carries its own generation, a digest of everything else in it: as a comment in the first line and as
every neighbour's description. ExaBGP shows descriptions, and a changed one does not touch a session, so the
supervisor can see which text is in force without parsing the rest.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Final

from bgpnet.model.net import address_order, bare, family_of, link_of
from bgpnet.model.plan import Session
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.render.generation import advertising, header
from bgpnet.render.relayline import PLAIN_WORD, relay_line

MAX_MD5_KEY: Final = 80
"""Bytes; linux/tcp.h, TCP_MD5SIG_MAXKEYLEN."""

MAX_RESTART_TIME: Final = 4095
"""Seconds; RFC 4724 §3: 12 bits."""

MIN_HOLD_TIME: Final = 3
"""Seconds; RFC 4271 §4.2: zero, or at least three."""

AS_TRANS: Final = 23456
"""RFC 6793 §9: stands for any four-byte AS number, never is one."""

_GTSM_TTL: Final = 256
"""RFC 5082 §3: packets are sent with 255, and each hop takes one away."""

# Which messages ExaBGP reports, each as a line of JSON. `send update` is the evidence on which the driver's
# ordering rests: a command's `done` only means queued, this line means that TCP gets the UPDATE now.
_API: Final = (
    "api {",
    "    processes [ relay ];",
    "    neighbor-changes;",
    "    fsm;",
    "    receive { parsed; open; update; notification; refresh; }",
    "    send { parsed; update; }",
    "}",
)


def inexpressible(session: Session) -> Rejection | None:
    """What keeps ExaBGP's configuration from expressing this session, None when nothing does."""
    if session.password is not None:
        length = len(session.password.reveal().encode())
        if not 0 < length <= MAX_MD5_KEY:
            return _refused(
                session,
                "password",
                f"{length} bytes long",
                f"use 1 to {MAX_MD5_KEY} bytes: the kernel's limit for TCP MD5 keys",
            )
    if 0 < session.hold_time < MIN_HOLD_TIME:
        return _refused(
            session,
            "holdTime",
            str(session.hold_time),
            f"use 0 or at least {MIN_HOLD_TIME} s (RFC 4271 §4.2)",
        )
    if not 0 <= session.restart_time <= MAX_RESTART_TIME:
        return _refused(
            session, "restartTime", str(session.restart_time), f"use 0 to {MAX_RESTART_TIME} s (RFC 4724 §3)"
        )
    if session.local_asn == AS_TRANS:
        return _refused(
            session, "localASN", str(AS_TRANS), "use a real AS number: this one is AS_TRANS (RFC 6793)"
        )
    if family_of(session.peer) is not family_of(session.local_address):
        return _refused(
            session,
            "sourceAddress",
            str(session.local_address),
            f"use an address of the family of {session.peer}",
        )
    if session.peer.is_link_local and not PLAIN_WORD.fullmatch(link_of(session.peer)):
        return _refused(
            session,
            "link",
            session.link,
            "rename the link: letters, digits and _ . / : = @ + - can be expressed",
        )
    if not session.families:  # ExaBGP would take an empty list for every family it knows
        return _refused(session, "families", "empty", "name at least one address family")
    return None


def exabgp_conf(sessions: Iterable[Session], relay_argv: Sequence[str], advertise: Iterable[str] = ()) -> str:
    """The configuration for these sessions; `relay_argv` starts the relay.

    `advertise` names the links on which the supervisor, which reads that line alone, tells of the node.

    The same sessions in any order give the same bytes. Only sessions without `inexpressible` reason may be
    passed. ExaBGP has no keepalive option: it sends one every third of the hold time.

    Raises:
        ValueError: a session or a word of `relay_argv` cannot be expressed.
    """
    ordered = sorted(sessions, key=lambda session: address_order(session.peer))
    for session in ordered:
        if refusal := inexpressible(session):
            raise ValueError(str(refusal))
    links = sorted(set(advertise))
    generation = hashlib.sha256(_text(ordered, relay_argv, links, "").encode()).hexdigest()[:16]
    return _text(ordered, relay_argv, links, generation)


def _text(
    sessions: Sequence[Session], relay_argv: Sequence[str], advertise: Sequence[str], generation: str
) -> str:
    lines = [
        header(generation),
        *([advertising(advertise)] if advertise else []),
        "process relay {",
        relay_line(relay_argv),
        "    encoder json;",
        "    respawn true;",
        "}",
    ]
    for session in sessions:
        lines += _neighbor(session, generation)
    return "\n".join(lines) + "\n"


def _neighbor(session: Session, generation: str) -> list[str]:
    password = []
    if session.password is not None:
        # Base64 expresses every password; ExaBGP's tokeniser cannot: either quote ends the other.
        key = b64encode(session.password.reveal().encode()).decode()
        password = ["md5-base64 true;", f'md5-password "{key}";']
    body = [
        f'description "bgpnet-{generation}";',
        f"local-address {session.local_address};",
        f"router-id {session.router_id};",
        f"local-as {session.local_asn};",
        f"peer-as {session.peer_asn or 'auto'};",
        f"hold-time {session.hold_time};",
        *password,
        *([f"incoming-ttl {_GTSM_TTL - session.ttl_security};"] if session.ttl_security else []),
        *([f"outgoing-ttl {session.multihop};"] if session.multihop else []),
        *([f"source-interface {link_of(session.peer)};"] if session.peer.is_link_local else []),
        "passive false;",
        "auto-flush true;",
        "adj-rib-in false;",
        "adj-rib-out true;",
        "manual-eor true;",
        "capability {",
        "    asn4 enable;",
        "    route-refresh enable;",
        # ExaBGP puts a KEEPALIVE into the middle of an UPDATE that the socket took in part. One of 4,096
        # octets it takes whole, as it is asked first whether there is room.
        "    extended-message disable;",
        # A bare 0 would mean "the hold time" to ExaBGP.
        f"    graceful-restart {session.restart_time or 'disable'};",
        "}",
        *(["nexthop {", "    ipv4 unicast ipv6;", "}"] if session.extended_next_hop else []),
        "family {",
        *(f"    {family} unicast;" for family in sorted(set(session.families))),
        "}",
        *_API,
    ]
    return [f"neighbor {bare(session.peer)} {{", *(f"    {line}" for line in body), "}"]


def _refused(session: Session, field: str, found: str, remedy: str) -> Rejection:
    return Rejection(session.ref, field, found, Reason.SPEAKER_REFUSED, remedy)
