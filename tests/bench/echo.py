"""Sends datagrams back to where they come from, until it is ended: `python -m tests.bench.echo PORT`."""

import socket
import sys

from bgpnet.model.errors import UsageError


def main(argv: list[str]) -> None:
    """Serve on every address."""
    if len(argv) != 1:
        raise UsageError("which port?")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("0.0.0.0", int(argv[0])))
        print("listening", flush=True)
        while True:
            datagram, sender = sock.recvfrom(2048)
            sock.sendto(datagram, sender)


main(sys.argv[1:])
