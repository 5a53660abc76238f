"""Network namespaces and veth pairs, many in one `ip` process."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.netlab import command, processes
from tests.netlab.topology import Link

NAMED = Path("/run/netns")
INTERFACES = Path("/sys/class/net")
FIRST_INDEX = 100
FIRST_INDEX_TOWARDS_ROOT = 1_000_000
"""Beyond what the root namespace counts up to by itself."""


def batch(lines: Iterable[str], *, namespace: str = "", force: bool = False) -> None:
    """Run lines of `ip` commands in one process, in a named namespace or in ours.

    The process dies with its caller, so that nothing is made after somebody has begun to clean up.

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
    options = [*where, *(["-force"] if force else []), "-batch", "-"]
    done = command.run(["setpriv", "--pdeathsig", "KILL", "ip", *options], stdin=text)
    if not force:
        done.checked(f"ip in {namespace or 'the root namespace'}")


def exists(namespace: str) -> bool:
    """Whether a namespace of this name is there."""
    return (NAMED / namespace).exists()


def has_interface(name: str) -> bool:
    """Whether our own namespace has an interface of this name."""
    return (INTERFACES / name).exists()


def is_bridge(name: str) -> bool:
    """Whether our own namespace has a bridge of this name."""
    return (INTERFACES / name / "bridge").exists()


def inhabitants(namespace: str) -> list[int]:
    """Processes whose network namespace is this one."""
    home = NAMED / namespace
    return processes.sharing("net", home) if home.exists() else []


def create_link(link: Link, namespaces: Sequence[str], number: int) -> str:
    """The `ip` line that makes a veth pair with each end straight in its namespace (empty: ours).

    The two ends get different interface indexes. With equal ones in two namespaces, which is what the kernel
    would count up to, it takes a change of carrier for a matter that can wait, up to a second
    (net/core/link_watch.c, linkwatch_urgent_event).

    Args:
        link: the pair.
        namespaces: of its two ends.
        number: of the link in its lab, from 0.

    """
    ends = list(zip(link.ends, namespaces, strict=True))
    if "" in namespaces:
        # The root namespace's indexes are in use: the kernel chooses there, and leaves the other end to us
        # only when that one is named first (drivers/net/veth.c, veth_newlink).
        ends.sort(key=lambda each: each[1] == "")
        indexes = [f" index {FIRST_INDEX_TOWARDS_ROOT + number}" if each[1] else "" for each in ends]
    else:
        indexes = [f" index {FIRST_INDEX + 2 * number + side}" for side in range(2)]
    parts = []
    for (end, namespace), index in zip(ends, indexes, strict=True):
        address = f" address {end.mac}" if end.mac else ""
        where = f" netns {namespace}" if namespace else ""
        parts.append(
            f"name {end.interface}{index}{address} mtu {link.mtu} numtxqueues 1 numrxqueues 1{where}"
        )
    return f"link add {parts[0]} type veth peer {parts[1]}"
