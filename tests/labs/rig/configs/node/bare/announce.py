#!/usr/bin/env python3
"""Child of the rig's ExaBGP: announces the node's block to each peer that is up, End-of-RIB 0.3 s later."""

import json
import os
import select
import sys
import time

BLOCK = "10.244.0.0/26"
DELAY = float(os.environ.get("RIG_EOR_DELAY", "0.3"))
"""Seconds from the announcement to End-of-RIB; negative: never send it."""


def say(line: str) -> None:
    """Give ExaBGP a command."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read ExaBGP's events, always; send what is due."""
    due: dict[str, float] = {}
    buffered = b""
    while True:
        now = time.monotonic()
        for peer in [peer for peer, at in due.items() if at <= now]:
            del due[peer]
            say(f"neighbor {peer} announce eor ipv4 unicast")
        wait = min(due.values(), default=now + 60) - now
        if select.select([0], [], [], max(0, wait))[0]:
            text = os.read(0, 65536)
            if not text:
                return
            *lines, buffered = (buffered + text).split(b"\n")
            for line in lines:
                up = came_up(line)
                if up:
                    peer, local = up
                    if "RIG_SILENT" not in os.environ:
                        say(f"neighbor {peer} announce route {BLOCK} next-hop {local}")
                    if DELAY >= 0:
                        due[peer] = time.monotonic() + DELAY


def came_up(line: bytes) -> tuple[str, str] | None:
    """Peer and own address when the line says that a session is up."""
    try:
        event = json.loads(line)
    except ValueError:
        return None  # an acknowledgement
    if not isinstance(event, dict) or event.get("type") != "state" or event["neighbor"].get("state") != "up":
        return None
    address = event["neighbor"]["address"]
    return address["peer"], address["local"]


main()
