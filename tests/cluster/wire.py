"""The wire between an agent and the API server, which a test can cut or silence. Works across namespaces."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

CHUNK: Final = 65536


class Wire:
    """Forwards TCP to a port of loopback."""

    def __init__(self, listener: socket.socket, target: int) -> None:
        self.port = int(listener.getsockname()[1])
        self._target = target
        self._listener = listener
        self._whole = True
        self._silent = False
        self._links: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._do(asyncio.start_server(self._serve, sock=listener))

    def cut(self) -> None:
        """Every connection is reset, and so is every new one."""
        self._whole = False
        self._do(self._reset())

    def silence(self) -> None:
        """Connections stay, and nothing passes any more; new ones are taken and hear nothing."""
        self._silent = True

    def mend(self) -> None:
        """As before; what was silenced is reset."""
        self._do(self._reset())
        self._whole, self._silent = True, False

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._listener.close()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut():
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        if self._is_cut():
            writer.transport.abort()
            back.transport.abort()
            return
        self._links |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._links -= {writer, back}
            writer.transport.abort()
            back.transport.abort()

    def _is_cut(self) -> bool:
        return not self._whole

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                if not self._silent:
                    sink.write(chunk)
                    await sink.drain()
        sink.close()

    async def _end(self) -> None:
        """Until nothing is left, also of what was just being taken as the listener closed."""
        self._whole = False
        self._server.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await self._reset()
            await asyncio.wait(others, timeout=0.1)
        await asyncio.sleep(0)  # the transports' own last callbacks

    async def _reset(self) -> None:
        for each in list(self._links):
            each.transport.abort()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it gives
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@contextmanager
def wire(target: int, listener: socket.socket | None = None) -> Iterator[Wire]:
    """A wire from a port of loopback, or from a listener of another namespace, to `target`."""
    made = Wire(listener or socket.create_server(("127.0.0.1", 0)), target)
    try:
        yield made
    finally:
        made.close()
