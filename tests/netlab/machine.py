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

    def run(self, *argv: str, pod: str = "", timeout: float = 30.0, stdin: str = "") -> Finished:
        """Run a program to its end inside the node, or inside one of its pods."""

    def run_in_network(self, *argv: str, pod: str = "", timeout: float = 30.0) -> Finished:
        """Run a program of this machine in the network of the node, or of one of its pods."""
