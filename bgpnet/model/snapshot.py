"""The facts: everything a plan is made from, immutable and typed.

`None` for a source means *not known yet*, which is not the same as empty (law 2).
Tuples are in no particular order; the planner sorts (law 1).
"""

from dataclasses import dataclass

from bgpnet.model.bfd import Bfd
from bgpnet.model.bgp import Speaker
from bgpnet.model.claims import Claimed
from bgpnet.model.declared import Declared
from bgpnet.model.drain import Drain
from bgpnet.model.kernel import Kernel
from bgpnet.model.probe import ProbeResult
from bgpnet.model.rejection import Rejection


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known at one moment. A part that is None is not known yet."""

    node_name: str
    declared: Declared | None
    kernel: Kernel | None
    speaker: Speaker | None
    unread: tuple[Rejection, ...] = ()
    """What keeps the source from being read, while `declared` is None."""
    probes: tuple[ProbeResult, ...] = ()
    """What became of the return-path probe."""
    bfd: Bfd | None = None
    claimed: Claimed | None = None
    """What became of claims to blocks; None where the source takes none, as a folder does."""
    drain: Drain | None = None
    """None: the node is in service."""
