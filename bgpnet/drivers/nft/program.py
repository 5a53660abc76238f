"""Runs `nft`, the program of nftables: what it makes of a text no message of ours would make better."""

import asyncio
import errno
from typing import Final

from bgpnet.model.errors import KernelError
from bgpnet.model.nat import TABLE

_PATIENCE: Final = 5.0
"""Seconds for its answer: it waits while another program's transaction is carried out."""

NEEDS: Final = "nf_tables with nft_chain_nat, nft_masq and nft_fib_inet"
"""Of the kernel."""


async def listing() -> str:
    """Our table as `nft` spells it, without counters.

    Raises:
        KernelError: it cannot be read, or there is none.
    """
    code, out, words = await _nft("-s", "list", "table", "inet", TABLE)
    if code:
        raise KernelError(f"table inet {TABLE} cannot be read: {words}")
    return out


async def carry_out(text: str) -> None:
    """Carry out a text in one transaction.

    Raises:
        KernelError: the kernel refused; nothing is changed.
    """
    code, _, words = await _nft("-f", "-", text=text)
    if code:
        raise KernelError(f"table inet {TABLE} refused: {words}; the kernel needs {NEEDS}")


async def _nft(*arguments: str, text: str = "") -> tuple[int, str, str]:
    """Exit code, output, and the first line of what it complains of."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            "nft", *arguments, stdin=pipe, stdout=pipe, stderr=pipe
        )
    except FileNotFoundError:
        raise KernelError("no program `nft`: install nftables", errno.ENOENT) from None
    try:
        async with asyncio.timeout(_PATIENCE):
            out, told = await process.communicate(text.encode("ascii"))
    except TimeoutError:
        raise KernelError(f"`nft` did not end within {_PATIENCE:g} s", errno.ETIMEDOUT) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    words = told.decode(errors="replace").strip().splitlines()
    return process.returncode or 0, out.decode(errors="replace"), words[0] if words else ""
