"""The door to nftables: our table, and no other.

::

    table    what is there, that another program touched it, and how it is replaced
    kernel   questions and events of the kernel (linux/netfilter/nf_tables.h)
    program  runs `nft`
"""

from bgpnet.drivers.nft.table import Nft, lacking, remove

__all__ = ["Nft", "lacking", "remove"]
