"""Names that a router has for what an object asks of it."""

import re
from hashlib import sha256
from typing import Final

_PLAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?")
"""Names that stay themselves in capitals, with `_` for `-`: no two of them become one."""

_AMBIGUOUS: Final = re.compile(
    r".*(--|-(in[46]|out[46]|track[46]|range|origin|links|other|default[46])$|(-[0-9]+){4}$|-[0-9a-f]{32}$|-link-)"
)
"""Names that end as what is made from the names of others: BIRD has one space of names for all."""

_KEPT: Final = 9


def label(name: str) -> str:
    """`K8S_` and the object's name in `[A-Z0-9_]`, at most 20 characters.

    Suffixes of up to 11 characters make names of at most 31, which every system takes. A name that cannot
    stay itself gets a digest of itself, and so does not depend on what other objects are called.
    """
    plain = name.upper().replace("-", "_")
    if _PLAIN.fullmatch(name) and not _AMBIGUOUS.match(name):
        return f"K8S_{plain}"
    kept = re.sub(r"[^A-Z0-9]", "_", plain)[:_KEPT]
    return f"K8S_{kept}_{sha256(name.encode()).hexdigest()[:6].upper()}"
