"""Password files: the first line is the key of TCP MD5 (RFC 2385)."""

from typing import Final

from bgpnet.drivers.files.contents import Content, Password, Unreadable
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
