"""What ExaBGP 5.0.15 does while a peer takes nothing, in its own process.

It tries again and again without a pause, with more than half of a processor, for as long as the peer's window
is closed. Here it does so in each turn of its loop, as with everything that has to wait: after 10 ms, or when
something comes in. A socket has room for much that goes out more slowly than that.
"""

from typing import Final

from exabgp.reactor.network.connection import Connection
from exabgp.reactor.peer import ACTION, Peer

_RUN: Final = Peer.run
_WRITING: Final = Connection.writing


def install() -> None:
    """Have ExaBGP use it in this process."""
    Connection.writing = writing
    Peer.run = run


def writing(connection: Connection) -> bool:
    """Whether there is room for a message; noted on the connection."""
    room: bool = _WRITING(connection)
    connection.is_full = not room
    return room


def run(session: Peer) -> int:
    """Give a session its turn; when it wants the next one."""
    action: int = _RUN(session)
    full = session.proto is not None and getattr(session.proto.connection, "is_full", False)
    return ACTION.LATER if full and action == ACTION.NOW else action
