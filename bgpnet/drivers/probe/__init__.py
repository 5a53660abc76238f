"""The return-path probe: pings from an address of the node's own block.

::

    echo    ICMP echo messages, packed and read. Pure     pinger  one socket of the kernel's ping kind
    tally   what became of the probes. Pure               prober  the door the agent uses: when, and to whom
"""

from bgpnet.drivers.probe.prober import Prober

__all__ = ["Prober"]
