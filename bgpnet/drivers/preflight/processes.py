"""Who runs, and who listens on BGP's port, from /proc."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from bgpnet.model.hostfacts import Listener

_PORT: Final = 179
_LISTEN: Final = "0A"  # TCP_LISTEN, net/tcp_states.h
_WORDS: Final = 8  # hexadecimal digits of one 32-bit word of an address


def running(root: Path) -> frozenset[str]:
    """Names of all processes."""
    return frozenset(name for name in (_read(process / "comm") for process in _processes(root)) if name)


def listeners(root: Path) -> tuple[Listener, ...]:
    """Who listens on port 179, in the host's network namespace."""
    net = root / "proc" / ("thread-self" if root == Path("/") else "1") / "net"
    found = [each for name in ("tcp", "tcp6") for each in _listening(_read(net / name))]
    owners = _owners(root, {inode for _, inode in found}) if found else {}
    made = {Listener(*owners.get(inode, ("", 0)), address) for address, inode in found}
    return tuple(sorted(made, key=lambda each: (each.program, each.pid, each.address)))


def _listening(table: str) -> Iterator[tuple[str, str]]:
    """Address and inode of each socket."""
    for line in table.splitlines()[1:]:
        words = line.split()
        address, _, port = words[1].partition(":")
        if words[3] == _LISTEN and int(port, 16) == _PORT:
            yield _address(address), words[9]


def _address(digits: str) -> str:
    """The kernel prints each word of an address as a number of its own byte order, little-endian."""
    words = (digits[at : at + _WORDS] for at in range(0, len(digits), _WORDS))
    packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
    return str(IPv4Address(packed) if len(digits) == _WORDS else IPv6Address(packed))


def _owners(root: Path, inodes: set[str]) -> dict[str, tuple[str, int]]:
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    owners: dict[str, tuple[str, int]] = {}
    for process in _processes(root):
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            inode = wanted.get(_link(descriptor))
            if inode is not None:
                owners.setdefault(inode, (_read(process / "comm"), int(process.name)))
    return owners


def _processes(root: Path) -> Iterator[Path]:
    return (path for path in (root / "proc").iterdir() if path.name.isdigit())


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").rstrip("\n")
    except OSError:
        return ""
