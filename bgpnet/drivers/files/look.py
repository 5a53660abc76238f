"""One look at the files, and what two looks say together. Pure."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Final

from bgpnet.drivers.files.contents import Unreadable

Signature = tuple[int, ...]
"""Device, inode, size and times of a file: another signature, another content. One number: stat's errno."""

UNREAD: Final[Signature] = ()
"""Stands for a file that could not be read: no look shows it, so that the next one has it read again."""

Signatures = Mapping[str, Signature]


@dataclass(frozen=True, slots=True)
class Look:
    """Signatures by file name; of the manifests, or why the folder cannot be read, and of password files.

    `folder` is that of the folder itself, which changes when a name comes or goes.
    """

    manifests: Signatures | Unreadable = field(default_factory=dict)
    passwords: Signatures = field(default_factory=dict)
    folder: Signature = ()


def lacks(taken: Look, found: Look) -> bool:
    """Whether something is no longer there."""
    if isinstance(taken.manifests, Unreadable):
        return False
    return isinstance(found.manifests, Unreadable) or bool(taken.manifests.keys() - found.manifests.keys())


def settled(taken: Look, first: Look, second: Look, writing: Container[str] = ()) -> Look:
    """What two looks agree on; where they do not, what was taken in last: the next poll looks again.

    `writing` names files that are not written to their end: of those, too, what was taken in last. A file
    that neither shows is gone only if no name came or went between them: it may have been there, as one is
    that a program removes and writes again, over and over.
    """
    still = first.folder == second.folder
    manifests = second.manifests
    if isinstance(manifests, Unreadable):
        if not isinstance(first.manifests, Unreadable):
            manifests = taken.manifests
    elif isinstance(first.manifests, Unreadable):
        manifests = taken.manifests
    else:
        before = {} if isinstance(taken.manifests, Unreadable) else taken.manifests
        manifests = _agreed(before, first.manifests, manifests, writing)
        if not still:
            manifests = {name: old for name, old in before.items() if name not in manifests} | manifests
    passwords = _agreed(taken.passwords, first.passwords, second.passwords, writing)
    return Look(manifests, passwords, second.folder if still else taken.folder)


def changed(before: Signatures | Unreadable, now: Signatures) -> list[str]:
    """Names of the files to read, in order: all of them when the folder was not readable before."""
    old = {} if isinstance(before, Unreadable) else before
    return sorted(name for name, signature in now.items() if old.get(name) != signature)


def _agreed(
    taken: Signatures, first: Signatures, second: Signatures, writing: Container[str]
) -> dict[str, Signature]:
    agreed = {}
    for name in first.keys() | second.keys():
        agree = first.get(name) == second.get(name) and name not in writing
        signature = second.get(name) if agree else taken.get(name)
        if signature is not None:
            agreed[name] = signature
    return agreed
