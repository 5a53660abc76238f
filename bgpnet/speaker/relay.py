"""The relay: ExaBGP's only child, between its pipe and our unix socket.

ExaBGP's writes to its child block, and a child that stops reading freezes every session. So this process does
nothing but drain and pass on; whoever has opinions connects to it and may come and go. It is run by path,
with the standard library alone, so that it starts in milliseconds and stays small:

    python -ISE relay.py SOCKET

A client's first line tells its role. `agent` gets every event; a newer agent replaces the older one. `ask`
gets only answers. Each further line is a command of ExaBGP's API with a number of the client's choice:

    7 neighbor 10.0.1.1 announce route 10.244.0.0/26 next-hop 10.0.1.2

The relay sends lines of JSON:

    {"hello": {"speaker": "812-90211", "age": 1.2, "relay": 813, "gap": false}}      first of all
    {"event": {...}}                  an event as ExaBGP wrote it
    {"id": 7, "line": ...}            one line of the answer to command 7: JSON as it is, text as a string
    {"id": 7, "answer": "done"}       its end; or "error"

`speaker` names one life of the ExaBGP process, `age` is its age in seconds. `gap` true: events of this life
were lost before this line. Events are kept for the first agent of a life only; a later one missed
some in any case and has to read the state anew.

ExaBGP answers some commands at once and others when it has time, so answers are told apart by giving it
one command at a time. The answer to a command whose client is gone is thrown away.
"""

import contextlib
import errno
import os
import select
import socket
import sys
import time
from collections import deque

KEPT = 1 << 20
"""Bytes of events kept until the first agent comes."""

UNREAD = 8 << 20
"""Bytes a client may leave unread before it is dropped."""

QUEUED = 64
"""Commands that a client may have waiting."""

SPARE = 2
"""Descriptors kept for need: a question of the watchdog's that is not heard ends ExaBGP."""

DEAF = 1.0
"""Seconds without accepting anybody when not even these are left."""

LONGEST = 64 << 10
"""Bytes of a client's longest line."""

_EVENT = b'{ "exabgp"'
_ESCAPES = {**{code: f"\\u{code:04x}" for code in range(32)}, 34: '\\"', 92: "\\\\"}


class Client:
    """One connection. `out` is what it has not read yet; `dropped` asks for its end."""

    def __init__(self) -> None:
        self.role = ""
        self.out = bytearray()
        self.dropped = False

    def send(self, line: bytes) -> None:
        """Queue a line, unless the client reads too slowly: then it has to start anew."""
        if len(self.out) + len(line) > UNREAD:
            self.dropped = True
        if not self.dropped:
            self.out += line + b"\n"


class Relay:
    """Decides what goes where. Touches no descriptor: `to_exabgp` is what is to be written to it."""

    def __init__(self, speaker: str, born: float, respawned: bool) -> None:  # noqa: FBT001 - read from a file
        self.speaker = speaker
        self.born = born
        self.to_exabgp = bytearray()
        self._gap = respawned
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._agent: Client | None = None
        self._waiting: deque[tuple[Client, bytes, bytes]] = deque()
        self._current: tuple[Client, bytes] | None = None

    def client_said(self, client: Client, line: bytes, now: float) -> None:
        """A line from a client: its role, or a command."""
        if not client.role:
            self._greet(client, line, now)
            return
        number, _, command = line.partition(b" ")
        waiting = sum(1 for owner, _, _ in self._waiting if owner is client)
        if not number.isdigit() or not command.isascii() or not command.strip() or waiting >= QUEUED:
            client.dropped = True
            return
        self._waiting.append((client, number, command))
        self._next()

    def client_left(self, client: Client) -> None:
        """A client hung up: forget its commands, except the one that ExaBGP is already answering."""
        client.dropped = True
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not client)
        if client is self._agent:
            self._agent = None
            self._gap = True

    def exabgp_said(self, line: bytes) -> None:
        """A line from ExaBGP: an event, or a part of the answer to the command it has."""
        if line.startswith(_EVENT):
            self._event(b'{"event": ' + line + b"}")
        elif self._current is not None:
            client, number = self._current
            if line in (b"done", b"error"):
                client.send(b'{"id": %s, "answer": "%s"}' % (number, line))
                self._current = None
                self._next()
            else:
                client.send(b'{"id": %s, "line": %s}' % (number, _as_json(line)))

    def _greet(self, client: Client, role: bytes, now: float) -> None:
        if role not in (b"agent", b"ask"):
            client.dropped = True
            return
        client.role = role.decode()
        gap = b"true" if self._gap else b"false"
        fields = (self.speaker.encode(), now - self.born, os.getpid(), gap)
        client.send(b'{"hello": {"speaker": "%s", "age": %.3f, "relay": %d, "gap": %s}}' % fields)
        if client.role == "agent":
            if self._agent is not None:
                self.client_left(self._agent)
            self._agent = client
            for line in self._kept:
                client.send(line)
            self._kept, self._kept_bytes = [], 0

    def _event(self, line: bytes) -> None:
        if self._agent is not None:
            self._agent.send(line)
        elif not self._gap:
            self._kept.append(line)
            self._kept_bytes += len(line)
            if self._kept_bytes > KEPT:
                self._kept, self._kept_bytes, self._gap = [], 0, True

    def _next(self) -> None:
        if self._current is None and self._waiting:
            client, number, command = self._waiting.popleft()
            self._current = (client, number)
            self.to_exabgp += command + b"\n"


class Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The whole lines so far, without their ends."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return lines

    def __len__(self) -> int:
        """Bytes of the unfinished line."""
        return len(self._rest)


class Loop:
    """The descriptors: stdin and stdout are ExaBGP's, the rest clients. Nothing here ever blocks but poll."""

    def __init__(self, relay: Relay, path: str) -> None:
        self._relay = relay
        self._path = path
        self._poll = select.epoll()  # poll(2) fails when it has more descriptors than the limit allows
        self._listener: socket.socket | None = None
        self._clients: dict[int, tuple[socket.socket, Client, Lines]] = {}
        self._from_exabgp = Lines()
        self._spare: list[int] = []
        self._deaf_until = 0.0
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self._poll.register(0, select.EPOLLIN)
        self._poll.register(1, 0)
        self._put_aside()

    def run(self) -> None:
        """Work until ExaBGP closes its end."""
        while True:
            if self._listener is None:
                self._listen()
            if self._listener and self._deaf_until and time.monotonic() >= self._deaf_until:
                self._deaf_until = 0.0
                self._poll.modify(self._listener, select.EPOLLIN)
            for descriptor, _ in self._poll.poll(1.0 if self._listener is None or self._deaf_until else None):
                if descriptor == 0:
                    if not self._drain():
                        return
                elif self._listener is not None and descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor in self._clients:
                    self._read(descriptor)
            self._flush()

    def _listen(self) -> None:
        """Bind under another name and rename: a stale socket is replaced in one step."""
        fresh = f"{self._path}.{os.getpid()}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.umask(0o177)
            listener.bind(fresh)
            listener.listen(8)
            os.rename(fresh, self._path)  # noqa: PTH104 - pathlib would cost a megabyte
        except OSError as error:  # ExaBGP needs a child that drains more than we need to be reachable
            listener.close()
            sys.stderr.write(f"relay: cannot listen path={self._path} error={error.strerror}\n")
            return
        listener.settimeout(0)
        self._listener = listener
        self._poll.register(listener, select.EPOLLIN)

    def _drain(self) -> bool:
        """Read what ExaBGP wrote; false when it is gone."""
        while True:
            try:
                piece = os.read(0, 1 << 16)
            except BlockingIOError:
                return True
            if not piece:
                return False
            for line in self._from_exabgp.feed(piece):
                self._relay.exabgp_said(line.strip())
            if len(piece) < 1 << 16:
                return True

    def _accept(self) -> None:
        assert self._listener is not None  # noqa: S101 - only called for its descriptor
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                return
            if self._spare:
                os.close(self._spare.pop())
                self._accept()
            else:  # who waits would have us spin
                self._deaf_until = time.monotonic() + DEAF
                self._poll.modify(self._listener, 0)
            return
        connection.settimeout(0)
        self._clients[connection.fileno()] = (connection, Client(), Lines())
        self._poll.register(connection, select.EPOLLIN)

    def _put_aside(self) -> None:
        """Take the descriptors that are kept for need."""
        with contextlib.suppress(OSError):
            while len(self._spare) < SPARE:
                self._spare.append(os.dup(0))

    def _read(self, descriptor: int) -> None:
        connection, client, lines = self._clients[descriptor]
        try:
            piece = connection.recv(1 << 16)
        except BlockingIOError:
            return  # writable, not readable
        except OSError:
            piece = b""
        if not piece:
            client.dropped = True
        for line in lines.feed(piece):
            if not client.dropped:
                self._relay.client_said(client, line.strip(), time.monotonic())
        if len(lines) > LONGEST:
            client.dropped = True

    def _flush(self) -> None:
        relay = self._relay
        for descriptor, (connection, client, _) in list(self._clients.items()):
            if client.out and not client.dropped:
                try:
                    del client.out[: connection.send(client.out)]
                except BlockingIOError:
                    pass
                except OSError:
                    client.dropped = True
            if client.dropped:
                relay.client_left(client)
                self._poll.unregister(descriptor)
                connection.close()
                del self._clients[descriptor]
                self._put_aside()
            else:
                self._poll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if client.out else 0))
        if relay.to_exabgp:
            try:
                del relay.to_exabgp[: os.write(1, relay.to_exabgp)]
            except BlockingIOError:
                pass
            except BrokenPipeError:  # its death shows on stdin
                relay.to_exabgp.clear()
            self._poll.modify(1, select.EPOLLOUT if relay.to_exabgp else 0)


def life_of(pid: int) -> str:
    """Names one life of a process: its number and its start time in clock ticks (proc(5), stat field 22)."""
    with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - likewise
        return f"{pid}-{int(stat.read().rpartition(b')')[2].split()[19])}"


def _age(life: str) -> float:
    """Seconds since that life began."""
    with open("/proc/uptime", "rb") as uptime:  # noqa: PTH123 - likewise
        return float(uptime.read().split()[0]) - int(life.partition("-")[2]) / os.sysconf("SC_CLK_TCK")


def _respawned(path: str, life: str) -> bool:
    """Whether a relay served this life of ExaBGP before; leaves word for the next, and for the supervisor."""
    before = ""
    with contextlib.suppress(OSError), open(path) as word:  # noqa: PTH123 - likewise
        before = word.read().partition(" ")[0]
    with contextlib.suppress(OSError), open(path, "w") as word:  # noqa: PTH123 - likewise
        word.write(f"{life} {os.getpid()}\n")
    return before == life


def _as_json(line: bytes) -> bytes:
    """A line of an answer: JSON as it is, text as a JSON string."""
    if line[:1] in (b"{", b"["):
        return line
    return b'"' + line.decode("ascii", "replace").translate(_ESCAPES).encode("ascii", "replace") + b'"'


def main(path: str) -> None:
    """Serve the ExaBGP that started us, until it ends."""
    os.umask(0o177)
    life = life_of(os.getppid())
    relay = Relay(life, time.monotonic() - _age(life), _respawned(path + ".life", life))
    Loop(relay, path).run()


if __name__ == "__main__":
    main(sys.argv[1])
