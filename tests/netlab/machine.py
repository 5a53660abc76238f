"""What a check needs of a node, whichever runtime runs it."""

from typing import Protocol

from tests.netlab.command import Finished


class Machine(Protocol):
    """A node of a running lab."""

    @property
    def name(self) -> str:
        """Its name in the lab."""

    @property
    def image(self) -> str:
        """Its image, as the lab names it."""

    @property
    def python(self) -> str:
        """A Python interpreter that it can run."""

    def run(self, *argv: str, pod: str = "", timeout: float = 30.0, stdin: str = "") -> Finished:
        """Run a program to its end inside the node, or inside one of its pods."""
