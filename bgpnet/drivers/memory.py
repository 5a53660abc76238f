"""Memory that was freed and that the C library keeps for later is given back to the system."""

import ctypes

_C_LIBRARY = ctypes.CDLL(None)


def give_back() -> None:
    """Give back what is free now (malloc_trim(3)); a C library other than glibc's has nothing of the kind."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)
