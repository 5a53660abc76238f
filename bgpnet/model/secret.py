"""A value that must not be seen: not in logs, status, exceptions or dumps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A secret text. Compares by value; shows itself as `***`. Only the renderer calls `reveal`."""

    _value: str

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__
