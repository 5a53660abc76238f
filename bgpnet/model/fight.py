"""How often what another program undoes is put back: at once, then ever more seldom.

Put back at once, for ever, ours and the other's would keep two processors busy.
"""

from typing import Final

AT_ONCE: Final = 4
"""Times in a row that something is put back without delay."""

LONGEST: Final = 32.0
"""Seconds between tries, at most; the first delay is a second, and each doubles."""

FORGOTTEN: Final = 10.0
"""Seconds for which something of ours has to be left alone, beyond the delay, to be no longer contested."""

_DOUBLED: Final = 5
"""Times until the delay is the longest: beyond, a power of two is no number any more after half a day."""


def delay(again: int) -> float:
    """Seconds to wait before something is put back that was put back so many times in a row already."""
    return 0.0 if again < AT_ONCE else min(2.0 ** min(again - AT_ONCE, _DOUBLED), LONGEST)
