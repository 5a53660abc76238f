"""Whether `bgpnet cni` answers its callers."""

import asyncio
import socket
from pathlib import PurePosixPath
from typing import Final

_PATIENCE: Final = 2.0  # seconds


async def answers(path: PurePosixPath) -> bool:
    """Whether somebody accepts calls at this socket and sees to them: who asks nothing is hung up on."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as call:
        try:
            async with asyncio.timeout(_PATIENCE):
                await loop.sock_connect(call, str(path))
                await loop.sock_sendall(call, b"nothing")
                return not await loop.sock_recv(call, 1)
        except (OSError, TimeoutError):
            return False
