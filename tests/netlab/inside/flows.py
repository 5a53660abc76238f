"""UDP flows of one side of a probe: sends and receives numbered packets inside a namespace.

One argument, JSON: `{"address": own address, "interval": seconds, "send": {flow: [own port, address, port]},
"receive": {flow: own port}}`. Commands come as lines on standard input, each answered by one line of JSON:

    mark     count from zero: packets from now on belong to a new period
    report   {"sent": {flow: n}, "received": {flow: […]}, …} of the current period
    stop     send nothing more; answered when the last packet is out
    (end of input)  quit

The kernel's receive time stamps (SO_TIMESTAMPNS) and large socket buffers keep a late scheduler out of the
result; what a full socket buffer still dropped is reported (SO_RXQ_OVFL), so that it is never taken for the
network's loss. Sockets are not connected: an ICMP error must not swallow the packet that is sent next.
"""

import errno
import json
import os
import select
import socket
import struct
import sys
import time
from typing import Any

SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
BUFFER = 8 << 20
PACKET = struct.Struct("!IIQ")
"""Period, sequence number, time sent (ns since the epoch)."""
BATCH = 64
"""Packets read from one socket before the next gets its turn."""


class Reception:
    """What arrived of one flow in one period."""

    __slots__ = ("count", "duplicates", "first", "gap", "gap_at", "last", "seen")

    def __init__(self) -> None:
        self.count = self.duplicates = self.first = self.last = self.gap = self.gap_at = 0
        self.seen = bytearray()

    def take(self, sequence: int, at: int) -> None:
        """Note a packet that the kernel received at `at` (ns)."""
        if sequence >= len(self.seen):
            self.seen.extend(bytes(sequence + 1000 - len(self.seen)))
        if self.seen[sequence]:
            self.duplicates += 1
            return
        self.seen[sequence] = 1
        self.count += 1
        if not self.first:
            self.first = at
        elif at - self.last > self.gap:
            self.gap, self.gap_at = at - self.last, self.last
        self.last = max(self.last, at)

    def report(self) -> list[int]:
        """Packets, duplicates, first and last arrival, longest gap and its beginning (ns)."""
        return [self.count, self.duplicates, self.first, self.last, self.gap, self.gap_at]


class Side:
    """All flows of this side."""

    def __init__(self, config: dict[str, Any]) -> None:
        address = config["address"]
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.interval = int(config["interval"] * 1e9)
        self.targets = []
        self.receiving = {}
        self.poll = select.epoll()
        for flow, (port, target, target_port) in config["send"].items():
            self.targets.append((flow, self._socket(address, port), (target, target_port)))
        for flow, port in config["receive"].items():
            opened = self._socket(address, port)
            self.receiving[opened.fileno()] = (flow, opened)
            self.poll.register(opened, select.EPOLLIN)
        self.poll.register(0, select.EPOLLIN | select.EPOLLHUP)
        self.period = 0
        self.early = self.fresh()
        self.overflowed = 0
        self.running = True
        self.commands = b""
        self.reset()

    def fresh(self) -> dict[str, Reception]:
        """Nothing received yet of any flow."""
        return {flow: Reception() for flow, _ in self.receiving.values()}

    def reset(self) -> None:
        """Begin a new period."""
        self.period += 1
        self.sequence = 0
        self.first_sent = self.last_sent = self.latest = 0
        self.unsendable: dict[str, int] = {}
        self.received, self.early = self.early, self.fresh()
        self.due = time.monotonic_ns()

    def _socket(self, address: str, port: int) -> socket.socket:
        opened = socket.socket(self.family, socket.SOCK_DGRAM)
        opened.settimeout(0)
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        opened.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        opened.bind((address, port))
        return opened

    def send(self) -> None:
        """Send one packet of each flow."""
        now = time.time_ns()
        packet = PACKET.pack(self.period, self.sequence, now)
        for _, opened, target in self.targets:
            try:
                opened.sendto(packet, target)
            except OSError as error:
                name = errno.errorcode.get(error.errno or 0, str(error))
                self.unsendable[name] = self.unsendable.get(name, 0) + 1
        self.sequence += 1
        self.first_sent = self.first_sent or now
        self.last_sent = now

    def drain(self, handle: int) -> None:
        """Read what a socket has."""
        flow, opened = self.receiving[handle]
        for _ in range(BATCH):
            try:
                packet, ancillary, _flags, _sender = opened.recvmsg(64, 128)
            except BlockingIOError:
                return
            at = time.time_ns()
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("@ll", value[:16])
                    at = seconds * 1_000_000_000 + nanoseconds
                elif level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                    self.overflowed = max(self.overflowed, struct.unpack("@I", value[:4])[0])
            if len(packet) >= PACKET.size:
                period, sequence, _sent = PACKET.unpack_from(packet)
                if period == self.period:
                    self.received[flow].take(sequence, at)
                elif period == self.period + 1:  # the other side heard of the new period first
                    self.early[flow].take(sequence, at)

    def obey(self) -> bool:
        """Read commands; False at the end of input."""
        text = os.read(0, 4096)
        if not text:
            return False
        self.commands += text
        *lines, self.commands = self.commands.split(b"\n")
        for line in lines:
            if line == b"mark":
                self.reset()
            elif line == b"stop":
                self.running = False
            self.answer()
        return True

    def answer(self) -> None:
        """Say where things stand."""
        report = {
            "period": self.period,
            "sent": {flow: self.sequence for flow, _, _ in self.targets},
            "first_sent": self.first_sent,
            "last_sent": self.last_sent,
            "late_ms": self.latest / 1e6,
            "unsendable": self.unsendable,
            "overflowed": self.overflowed,
            "received": {flow: reception.report() for flow, reception in self.received.items()},
        }
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()

    def run(self) -> None:
        """Send and receive until the input ends."""
        self.answer()
        while True:
            now = time.monotonic_ns()
            if self.running and now >= self.due:
                self.latest = max(self.latest, now - self.due)
                self.due += self.interval
                self.send()
            wait = max(0.0, (self.due - time.monotonic_ns()) / 1e9) if self.running else 1.0
            for handle, _ in self.poll.poll(wait):
                if handle != 0:
                    self.drain(handle)
                elif not self.obey():
                    return


if __name__ == "__main__":
    Side(json.loads(sys.argv[1])).run()
