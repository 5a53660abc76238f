"""Exit codes of the `bgpnet` command."""

from typing import Final

FINE: Final = 0
NO: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
