"""The outcome of one look at a lab."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it holds now, and what was seen, in words."""

    holds: bool
    seen: str
