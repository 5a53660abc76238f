"""The API server's way to kubelets, for logs and exec: a proxy that connects from inside the fabric."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer

from tests.netns import Namespace

CONNECT_SECONDS = 5.0


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, namespace: Namespace) -> None:
        self.namespace = namespace
        super().__init__(str(path), _Connection)


class _Connection(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """One CONNECT (RFC 9110 section 9.3.6), until either side ends."""
        target = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        host, _, port = target.rpartition(":")
        try:
            with self.server.namespace.entered():  # of this thread alone
                there = socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
        except OSError as error:
            self.wfile.write(f"HTTP/1.1 502 {error}\r\n\r\n".encode())
            return
        with there:
            there.settimeout(None)
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
            back.start()
            _pump(self.connection, there)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def tunnel(path: Path, namespace: Namespace) -> Iterator[None]:
    """A proxy that listens on this unix socket."""
    with _Server(path, namespace) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
