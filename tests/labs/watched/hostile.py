"""What somebody on the link may send to a node's BFD port: hostile.py SOURCE DESTINATION.

Prints the number of packets and the rate as JSON.
"""

import json
import random
import socket
import struct
import sys
import time

SECONDS = 1.5

source, destination = sys.argv[1:]


def packet(flags: int, yours: int, length: int = 24, version: int = 1) -> bytes:
    head = struct.pack("!BBBBIIIII", version << 5, flags, 3, length, 1, yours, 50000, 50000, 0)
    return head + b"\x01\x02"


DOWN, INIT, UP, AUTHENTICATED = 0x40, 0x80, 0xC0, 0x04
chance = random.Random(1)
straight = [
    packet(UP, 0xDEADBEEF),
    packet(DOWN, 0xDEADBEEF),
    packet(UP, 0),
    packet(INIT, 0),
    packet(DOWN | AUTHENTICATED, 0, 26),
    packet(DOWN, 0, 200),
    packet(DOWN, 0, version=2),
    *(chance.randbytes(chance.randint(0, 60)) for _ in range(20)),
]
routed = [packet(DOWN, 0), packet(0x00, 0)]
"""What would end the session if it came straight from the link: Down and AdminDown."""


def sender(ttl: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    made.bind((source, 0))
    made.connect((destination, 3784))
    return made


straight_on, from_afar = sender(255), sender(254)
begun = time.monotonic()
count = 0
while (passed := time.monotonic() - begun) < SECONDS:
    for payload in straight:
        straight_on.send(payload)
    for payload in routed:
        from_afar.send(payload)
    count += len(straight) + len(routed)
    if count > 12_000 * passed:
        time.sleep(0.002)
print(json.dumps({"packets": count, "rate": count / SECONDS}))
