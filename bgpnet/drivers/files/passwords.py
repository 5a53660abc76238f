"""Passwords of peers: what a place says (its first line is the key of TCP MD5, RFC 2385), and who has it."""

from dataclasses import replace
from typing import Final

from bgpnet.drivers.files.contents import Content, Password, PasswordPlace, Unreadable
from bgpnet.model.declared import DeclaredPeer
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.model.secret import Secret

MAX_KEY_BYTES: Final = 80
"""TCP_MD5SIG_MAXKEYLEN (linux/tcp.h)."""


def password(content: Content, before: Password | None) -> Password:
    """The password in a file's content; the last good one, with the error, when there is none.

    Errors never repeat what is in the file.
    """
    kept = before.secret if before else None
    if isinstance(content, Unreadable):
        return Password(kept, content.why)
    line = content.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        return Password(kept, "its first line is empty: write the password there")
    if len(line) > MAX_KEY_BYTES:
        return Password(kept, f"its first line has {len(line)} bytes: TCP MD5 takes at most {MAX_KEY_BYTES}")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return Password(kept, "its first line is not UTF-8")
    if not text.isprintable():
        return Password(kept, "its first line has characters that cannot be printed: remove them")
    return Password(Secret(text))


def with_password(
    peer: DeclaredPeer, place: PasswordPlace, found: Password
) -> tuple[DeclaredPeer, tuple[Rejection, ...]]:
    """The peer with what was found at the place of its password; the last good one is told of as such."""
    if found.secret is None:
        return replace(peer, password_error=f"{place}: {found.error}"), ()
    told = replace(peer, password=found.secret, password_error="")
    if not found.error:
        return told, ()
    remedy = f"{found.error}; the last good password stays in force; put it back"
    return told, (Rejection(peer.ref, peer.password_field, str(place), Reason.PASSWORD_UNREADABLE, remedy),)
