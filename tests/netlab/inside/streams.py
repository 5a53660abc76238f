"""TCP connections of one side of a probe: the client sends a tick every 10 ms on each, the server echoes.

One argument, JSON: `{"listen": [address, port]}`, or `{"source": address, "target": [address, port],
"count": n, "interval": seconds}`. The client obeys lines on standard input, each answered by one line of JSON
`{"longest_ms": longest time without an echo on one connection, "broken": [why a connection ended, …]}`:

    mark     forget the longest time so far
    report   where things stand
    (end of input)  quit
"""

import json
import os
import select
import socket
import sys
import time
from typing import Any

TICK = b"tick\n"


def serve(address: str, port: int) -> None:
    """Echo until the input ends."""
    listener = socket.create_server((address, port), backlog=64)
    poll = select.epoll()
    open_ones: dict[int, socket.socket] = {}
    poll.register(listener, select.EPOLLIN)
    poll.register(0, select.EPOLLIN | select.EPOLLHUP)
    print(json.dumps({"listening": port}), flush=True)
    while True:
        for handle, _ in poll.poll():
            if handle == 0:
                return
            if handle == listener.fileno():
                opened, _ = listener.accept()
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.settimeout(0)
                open_ones[opened.fileno()] = opened
                poll.register(opened, select.EPOLLIN)
            else:
                _echo(open_ones, handle)


def _echo(open_ones: dict[int, socket.socket], handle: int) -> None:
    try:
        heard = open_ones[handle].recv(65536)
        if heard:
            open_ones[handle].send(heard)
            return
    except OSError as error:
        print(f"echo: {error}", file=sys.stderr)
    open_ones.pop(handle).close()


class Client:
    """Connections to one server."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.interval = config["interval"]
        self.broken: list[str] = []
        self.longest = 0.0
        self.poll = select.epoll()
        self.open_ones: dict[int, tuple[socket.socket, list[float]]] = {}
        self.poll.register(0, select.EPOLLIN | select.EPOLLHUP)
        for _ in range(config["count"]):
            opened = socket.create_connection(tuple(config["target"]), 10, (config["source"], 0))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.settimeout(0)
            self.open_ones[opened.fileno()] = (opened, [time.monotonic()])
            self.poll.register(opened, select.EPOLLIN)

    def tick(self) -> None:
        """Send on every connection; a full buffer waits for the peer."""
        for handle, (opened, _) in list(self.open_ones.items()):
            try:
                opened.send(TICK)
            except BlockingIOError:
                continue
            except OSError as error:
                self.lose(handle, str(error))

    def hear(self, handle: int) -> None:
        """Note an echo."""
        opened, last = self.open_ones[handle]
        try:
            heard = opened.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self.lose(handle, str(error))
            return
        if not heard:
            self.lose(handle, "closed by the server")
            return
        now = time.monotonic()
        self.longest = max(self.longest, now - last[0])
        last[0] = now

    def lose(self, handle: int, why: str) -> None:
        """A connection has ended."""
        self.broken.append(why)
        self.open_ones.pop(handle)[0].close()

    def answer(self, word: str) -> None:
        """Obey a command."""
        now = time.monotonic()
        if word == "mark":
            self.longest = 0.0
            for _, last in self.open_ones.values():
                last[0] = now
        silent = max((now - last[0] for _, last in self.open_ones.values()), default=0.0)
        report = {"longest_ms": max(self.longest, silent) * 1000, "broken": self.broken}
        print(json.dumps(report), flush=True)

    def run(self) -> None:
        """Go on until the input ends."""
        self.answer("")
        due = time.monotonic()
        while True:
            if time.monotonic() >= due:
                due += self.interval
                self.tick()
            for handle, _ in self.poll.poll(max(0.0, due - time.monotonic())):
                if handle != 0:
                    if handle in self.open_ones:
                        self.hear(handle)
                    continue
                text = os.read(0, 4096)
                if not text:
                    return
                for word in text.decode().split():
                    self.answer(word)


def main() -> None:
    """Take the side that the argument says."""
    config = json.loads(sys.argv[1])
    if "listen" in config:
        serve(*config["listen"])
    else:
        Client(config).run()


if __name__ == "__main__":
    main()
