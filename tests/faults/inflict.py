"""The faults by name.

A fault is a block, from the fabric. It gives the milliseconds that something else than the
flows took, where that is what is measured, else 0.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Final

from tests.faults import nodefaults, pathfaults
from tests.faults.fabric import Fabric

Fault = Callable[[Fabric], AbstractContextManager[float]]

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        each.__name__.replace("_", "-"): each
        for each in (
            nodefaults.agent_killed,
            nodefaults.exabgp_killed,
            nodefaults.speaker_container_killed,
            nodefaults.agent_and_speaker_killed,
            nodefaults.bfd_killed,
            nodefaults.upgrade_agent_then_speaker,
            nodefaults.upgrade_speaker_then_agent,
            nodefaults.wrong_md5_key,
            nodefaults.max_prefix_hit,
            pathfaults.tor_daemon_restarted,
            pathfaults.tor_daemon_restarted_gracefully,
            pathfaults.uplink_of_tor_cut,
            pathfaults.link_of_node_cut,
            pathfaults.link_of_node_deaf,
            pathfaults.link_of_node_dumb,
            pathfaults.tor_off_with_carrier_loss,
            pathfaults.tor_off_in_silence,
            pathfaults.node_off,
        )
    }
)
