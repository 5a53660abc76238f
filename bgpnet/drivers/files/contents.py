"""What reading a file can come to."""

from dataclasses import dataclass, field
from typing import Final

from bgpnet.model.crd.meta import Fact, Manifest
from bgpnet.model.rejection import ObjectRef, Rejection
from bgpnet.model.secret import Secret

MAX_BYTES: Final = 4 * 1024 * 1024
"""Size limit of a manifest."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that cannot be read: what it says is not known."""

    why: str
    remedy: str = "make it readable"


Content = bytes | Unreadable


@dataclass(frozen=True, slots=True)
class GoodObject:
    """An object that was read, where it stood, and since when it has been in this file."""

    ref: ObjectRef
    object: Manifest
    since: float
    """Seconds since the epoch. Of two objects that exclude each other the one that was there first counts."""
    fact: Fact = field(init=False, repr=False, compare=False)
    """What it says: made once, as an edit of one file changes nothing of the others'."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fact", self.object.fact(self.ref))


@dataclass(frozen=True, slots=True)
class FileState:
    """What holds of one file: its objects (the last good ones where it is bad now), and what was refused."""

    objects: tuple[GoodObject, ...] = ()
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Where a Secret has a password."""

    name: str
    key: str

    def __str__(self) -> str:
        return f"key {self.key} of Secret/{self.name}"


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """Where the first line of a file is a password. `name` is relative to the folder, or absolute."""

    name: str

    def __str__(self) -> str:
        return f"password file {self.name}"


PasswordPlace = PasswordFile | SecretKey


@dataclass(frozen=True, slots=True)
class Password:
    """What was found at such a place. Both set: it could be read once and cannot be now."""

    secret: Secret | None = None
    error: str = ""
