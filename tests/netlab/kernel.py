"""Network namespaces and veth pairs, many in one `ip` process."""

from collections.abc import Iterable
from pathlib import Path

from tests.netlab import command, processes
from tests.netlab.topology import Link

NAMED = Path("/run/netns")


def batch(lines: Iterable[str], *, namespace: str = "", force: bool = False) -> None:
    """Run lines of `ip` commands in one process, in a named namespace or in ours.

    Args:
        lines: each an `ip` command without the word ip.
        namespace: name in /run/netns; empty: the caller's.
        force: go on after a line that fails.

    Raises:
        LabRunError: a line failed and `force` is not set.

    """
    text = "".join(f"{line}\n" for line in lines)
    if not text:
        return
    where = ["-n", namespace] if namespace else []
    done = command.run(["ip", *where, *(["-force"] if force else []), "-batch", "-"], stdin=text)
    if not force:
        done.checked(f"ip in {namespace or 'the root namespace'}")


def exists(namespace: str) -> bool:
    """Whether a namespace of this name is there."""
    return (NAMED / namespace).exists()


def inhabitants(namespace: str) -> list[int]:
    """Processes whose network namespace is this one."""
    home = NAMED / namespace
    return processes.sharing("net", home) if home.exists() else []


def create_link(link: Link, namespaces: tuple[str, str]) -> str:
    """The `ip` line that makes a veth pair with each end straight in its namespace (empty: ours)."""
    parts = []
    for end, namespace in zip(link.ends, namespaces, strict=True):
        address = f" address {end.mac}" if end.mac else ""
        where = f" netns {namespace}" if namespace else ""
        parts.append(f"name {end.interface}{address} mtu {link.mtu} numtxqueues 1 numrxqueues 1{where}")
    return f"link add {parts[0]} type veth peer {parts[1]}"
