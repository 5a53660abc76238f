"""A pod's link: a veth pair, made and taken away with netlink messages packed by hand.

::

    pod's namespace                                host's namespace
    eth0, 10.244.1.7/32, own MAC       =====       bgp3f09…, no address, HOST_MAC
    default via 169.254.1.1 and fe80::1            10.244.1.7/32 dev bgp3f09… proto 180 metric 178
    both at HOST_MAC, permanently                  10.244.1.7 at the pod's MAC, permanently

Nobody asks for a neighbour, so nobody waits for one, and the gateway addresses need to exist nowhere: no ARP,
no proxy ARP, no neighbour discovery, no duplicate address detection. The kernel is the database: the alias of
the host's end says whose the link and the addresses are (names.py).

Hand-packed because this is the hot path: message classes of a general library cost more than the kernel's
work.
"""
