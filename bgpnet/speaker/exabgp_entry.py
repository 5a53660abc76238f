"""Where ExaBGP's process begins: before it is imported, name servers and OpenSSL are out of its reach.

ExaBGP looks its host's full name up as soon as it is imported, for a capability that we do not offer. A name
server that does not answer, as on a node whose routes BGP has yet to bring, kept it from starting for 5 to
20 s, and so for ever: the supervisor takes it for dead sooner.
"""

import socket

from bgpnet.drivers import openssl


def no_name_server() -> None:
    """Have the host's name taken as it is."""
    socket.getfqdn = lambda name="": name or socket.gethostname()


if __name__ == "__main__":
    no_name_server()
    with openssl.left_out():
        from bgpnet.speaker import exabgp_daemon

    exabgp_daemon.run()
