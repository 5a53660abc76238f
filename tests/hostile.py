"""A BGP speaker that does what it should not: plain TCP, messages of its own making (RFC 4271 §4).

It listens where a router would, answers an OPEN, keeps the session alive, and sends whatever a test gives it.
"""

import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, ip_network
from typing import Final

from tests.netns import Namespace

MARKER: Final = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
TRANSITIVE, OPTIONAL, LONG = 0x40, 0x80, 0x10
ORIGIN, AS_PATH, NEXT_HOP, MED, COMMUNITIES = 1, 2, 3, 4, 8
HOLD_TIME: Final = 9


def message(kind: int, body: bytes = b"", *, length: int | None = None, marker: bytes = MARKER) -> bytes:
    """A message, with another length or marker than its own where asked."""
    return marker + struct.pack("!HB", 19 + len(body) if length is None else length, kind) + body


def attribute(kind: int, value: bytes, flags: int = TRANSITIVE) -> bytes:
    """A path attribute; its length takes two bytes where it has to."""
    if len(value) > 255:
        return struct.pack("!BBH", flags | LONG, kind, len(value)) + value
    return struct.pack("!BBB", flags, kind, len(value)) + value


def as_path(*numbers: int) -> bytes:
    """AS_PATH of four-byte numbers, in segments of 255 at most."""
    segments = [numbers[at : at + 255] for at in range(0, len(numbers), 255)]
    packed = (struct.pack(f"!BB{len(each)}I", 2, len(each), *each) for each in segments)
    return attribute(AS_PATH, b"".join(packed))


def nlri(prefix: str) -> bytes:
    """A prefix as UPDATEs have it."""
    network = ip_network(prefix)
    return bytes([network.prefixlen]) + network.network_address.packed[: (network.prefixlen + 7) // 8]


def update(
    *prefixes: str,
    hop: str = "10.0.9.1",
    path: bytes = b"",
    more: bytes = b"",
    withdrawn: tuple[str, ...] = (),
) -> bytes:
    """An UPDATE. `path` is the whole AS_PATH attribute, `more` other attributes."""
    gone = b"".join(map(nlri, withdrawn))
    attributes = b""
    if prefixes:
        hops = attribute(NEXT_HOP, IPv4Address(hop).packed)
        attributes = attribute(ORIGIN, b"\0") + (path or as_path(65009)) + hops + more
    body = struct.pack("!H", len(gone)) + gone + struct.pack("!H", len(attributes)) + attributes
    return message(UPDATE, body + b"".join(map(nlri, prefixes)))


class Hostile:
    """The speaker, on a thread of its own. `greeting` is sent as soon as a session is up."""

    def __init__(self, space: Namespace, address: str, asn: int) -> None:
        self.greeting: Callable[[], bytes] = lambda: b""
        self.sessions = 0
        """Times that a session came up."""
        self.connections = 0
        """Connections that were taken."""
        self.deaf = False
        """Whether it ends each connection before a word is said."""
        self.notified: list[tuple[int, int]] = []
        """NOTIFICATIONs that came: code and subcode."""
        self.graceful_restart: bytes | None = None
        """Value of the capability (RFC 4724 §3): promises End-of-RIB, which it never sends."""
        self.hold_time = HOLD_TIME
        """Seconds that its OPEN says, of which it sends a KEEPALIVE in each third; 0: none."""
        self.router_id = IPv4Address(address)
        """Its BGP identifier."""
        self.says_asn = asn
        """AS number of its OPEN."""
        self.reading = threading.Event()
        """Clear: it reads nothing, so that its window closes; it goes on talking."""
        self.reading.set()
        self._space = space
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._peer: socket.socket | None = None
        with space.entered():
            self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, 179))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Send to the node, if there is a session."""
        with self._lock, suppress(OSError):
            if self._peer is not None:
                self._peer.sendall(data)

    def knock(self, address: str) -> None:
        """Open a connection to the node's BGP port, and end it.

        Raises:
            OSError: nobody takes it.
        """
        with self._space.entered(), socket.create_connection((address, 179), timeout=5):
            pass

    def take_at_most(self, size: int) -> None:
        """Have room for so many bytes that are not read yet, in connections from now on."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def hang_up(self) -> None:
        """Reset the connection."""
        with self._lock, suppress(OSError):
            if self._peer is not None:
                self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._peer.shutdown(socket.SHUT_RDWR)

    def gone(self) -> bytes:
        """Hang up in place of a greeting."""
        self.hang_up()
        return b""

    def close(self) -> None:
        """End."""
        self._ended.set()
        self.hang_up()
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        self._listener.settimeout(0.2)
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            with connection, suppress(OSError):
                if not self.deaf:
                    self._speak(connection)
            with self._lock:
                self._peer = None

    def _speak(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        rest, told = b"", time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            while not self._ended.is_set():
                if self.reading.is_set() and selector.select(0.5):
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    rest = self._read(connection, rest + piece)
                self.reading.wait(0.5)
                if self.hold_time and time.monotonic() > told + self.hold_time / 3:
                    told = time.monotonic()
                    self.send(message(KEEPALIVE))

    def _read(self, connection: socket.socket, data: bytes) -> bytes:
        while len(data) >= 19 and len(data) >= (length := struct.unpack_from("!H", data, 16)[0]):
            kind, body, data = data[18], data[19:length], data[length:]
            if kind == OPEN:
                connection.sendall(self._open() + message(KEEPALIVE))
            elif kind == NOTIFICATION:
                self.notified.append((body[0], body[1]))
            elif kind == KEEPALIVE and self._peer is None:
                with self._lock:
                    self._peer = connection
                self.sessions += 1
                self.send(self.greeting())
        return data

    def _open(self) -> bytes:
        capabilities = b"\x01\x04\x00\x01\x00\x01" + b"\x41\x04" + struct.pack("!I", self.says_asn)
        capabilities += b"\x02\x00"  # route refresh
        if self.graceful_restart is not None:
            capabilities += bytes([64, len(self.graceful_restart)]) + self.graceful_restart
        options = bytes([2, len(capabilities)]) + capabilities
        head = struct.pack("!BHH", 4, self.says_asn, self.hold_time) + self.router_id.packed
        return message(OPEN, head + bytes([len(options)]) + options)


@contextmanager
def hostile(space: Namespace, address: str = "10.0.9.1", asn: int = 65009) -> Iterator[Hostile]:
    """The speaker while the block runs."""
    speaker = Hostile(space, address, asn)
    try:
        yield speaker
    finally:
        speaker.close()
