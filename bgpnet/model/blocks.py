"""What the agent hands the CNI server: apart from the plan, so that the server need not know all of that."""

from dataclasses import dataclass

from bgpnet.model.net import Prefix


@dataclass(frozen=True, slots=True)
class Blocks:
    """The prefixes to give addresses from, and the pods' MTU in bytes."""

    prefixes: tuple[Prefix, ...]
    mtu: int
