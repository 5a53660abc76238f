"""The kernel's links, addresses and routes over rtnetlink.

::

    wire      messages and attributes, packed and unpacked       links, routes   messages ◄──► facts
    talk      one request socket: acknowledged changes, dumps     netlink        the door the agent uses

Packs its own messages: what it needs of rtnetlink is small, and a general library cost 13 MiB of a node's
memory and ten times the time for a route.
"""

from bgpnet.drivers.netlink.netlink import Netlink

__all__ = ["Netlink"]
