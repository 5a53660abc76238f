"""The client of the API server: its sockets."""

import socket

from bgpnet.drivers.kube.client import kept_alive


def test_a_connection_that_is_forgotten_on_the_way_is_noticed_within_half_a_minute() -> None:
    """Else a watch would be deaf until bookmarks have been missing for long."""
    with kept_alive((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 443))) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        idle, between, count = (made.getsockopt(socket.IPPROTO_TCP, name) for name in names)
    assert idle + between * count <= 30
