"""Decides what holds: pure functions from file contents and the last good state to what is declared."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from bgpnet.drivers.files.contents import (
    Content,
    FileState,
    GoodObject,
    Password,
    PasswordFile,
    PasswordPlace,
    SecretKey,
    Unreadable,
)
from bgpnet.drivers.files.passwords import with_password
from bgpnet.drivers.files.yamltext import Broken, Document, each_decoded
from bgpnet.model.crd.bgppeer import BGPPeer
from bgpnet.model.crd.declare import declare
from bgpnet.model.crd.meta import Fact
from bgpnet.model.crd.read import Reading, read
from bgpnet.model.crd.secret import Secret
from bgpnet.model.declared import Declared, DeclaredPeer, DeclaredSecret
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

_NO_TEXT: Final = Unreadable("it is no text: put it in quotes, under `data` in Base64")

MAX_REJECTIONS: Final = 1000
"""Of one file."""


def judge(file: str, content: Content, before: tuple[GoodObject, ...], now: float) -> FileState:
    """What holds of a file now.

    A file that cannot be read or parsed keeps all its last good objects, and so does one in which nothing
    stands: empty, as a full disk or a power cut leaves it, or nothing but comments. An empty List is an
    order. An object that is refused keeps its own last good state. While a file holds a refused object that
    it did not hold before, objects that are no longer in it are kept too: the refused one may be one of them,
    with its name or kind mistyped.

    Args:
        file: the file's name.
        content: what is in it.
        before: its last good objects.
        now: seconds since the epoch, not before any of `before`.
    """
    kept = "its last good state stays in force" if before else "nothing of it is in force"
    if isinstance(content, Unreadable):
        remedy = f"{kept}; {content.remedy}"
        return _as_before(before, ObjectRef("", "", file), content.why, Reason.UNREADABLE_FILE, remedy)
    readings = each_decoded(content, lambda document: [_read(file, item) for item in document.items()])
    if isinstance(readings, Broken):
        place = ObjectRef("", "", file, readings.line)
        remedy = f"{kept}; correct the file"
        return _as_before(before, place, readings.problem, Reason.BROKEN_FILE, remedy)
    if before and not readings:
        found = "nothing but comments" if content.strip() else "empty"
        remedy = f"{kept}; write its objects again, or delete the file to delete them"
        return _as_before(before, ObjectRef("", "", file), found, Reason.BROKEN_FILE, remedy)
    return _weigh(list(chain.from_iterable(readings)), before, now)


def merge(
    files: Mapping[str, FileState],
    passwords: Mapping[PasswordPlace, Password],
    more: Iterable[Rejection] = (),
) -> Declared:
    """All files together. Of two objects of one kind and name the older counts, then that of the first file.

    So a copy never takes the place of what is in force, whatever its file or its peer is called.

    Args:
        files: state by file name.
        passwords: what was found where peers say that their password is.
        more: rejections that are of no file.
    """
    first: dict[tuple[str, str], ObjectRef] = {}
    facts: list[Fact] = []
    rejections = list(more)
    for _, state in sorted(files.items()):
        rejections += state.rejections
    for good in _oldest_first(files):
        if _key(good.ref) in first:
            rejections.append(_duplicate(good.ref, first[_key(good.ref)]))
            continue
        first[_key(good.ref)] = good.ref
        fact, refused = _with_password(good, passwords)
        facts.append(fact)
        rejections += refused
    return declare(facts, rejections)


def password_places(files: Mapping[str, FileState]) -> frozenset[PasswordPlace]:
    """Where the objects say that passwords are."""
    objects = (good.object for state in files.values() for good in state.objects)
    named = (_place(peer) for peer in objects if isinstance(peer, BGPPeer))
    return frozenset(place for place in named if place is not None)


def secret_values(files: Mapping[str, FileState]) -> dict[SecretKey, Content]:
    """What the Secrets say; of two with one name the older counts."""
    found: dict[SecretKey, Content] = {}
    seen: set[str] = set()
    for good in _oldest_first(files):
        if not isinstance(good.object, Secret) or good.ref.name in seen:
            continue
        seen.add(good.ref.name)
        assert isinstance(good.fact, DeclaredSecret)  # noqa: S101 - a Secret says nothing else
        for key, value in good.fact.values:
            place = SecretKey(good.ref.name, key)
            found[place] = _NO_TEXT if value is None else value.reveal().encode("latin-1")
    return found


def _place(peer: BGPPeer) -> PasswordPlace | None:
    if peer.spec.password_secret is not None:
        return SecretKey(peer.spec.password_secret.name, peer.spec.password_secret.key)
    return None if peer.spec.password_file is None else PasswordFile(peer.spec.password_file)


def _oldest_first(files: Mapping[str, FileState]) -> list[GoodObject]:
    every = [(good.since, name, good) for name, state in files.items() for good in state.objects]
    return [good for _, _, good in sorted(every, key=lambda entry: entry[:2])]


def _as_before(
    before: tuple[GoodObject, ...], place: ObjectRef, found: str, reason: Reason, remedy: str
) -> FileState:
    return FileState(before, (Rejection(place, "", found, reason, remedy),))


def _read(file: str, document: Document) -> Reading:
    return read(document.value, file, document.line_of)


def _weigh(readings: list[Reading], before: tuple[GoodObject, ...], now: float) -> FileState:
    last_good = {_key(good.ref): good for good in before}
    objects: list[GoodObject] = []
    rejections: list[Rejection] = []
    strangers = False
    for reading in readings:
        rejections += reading.rejections
        earlier = last_good.get(_key(reading.ref))
        strangers = strangers or (bool(reading.rejections) and earlier is None)
        if earlier is not None and reading.rejections:
            objects.append(earlier)
        elif reading.object is not None:
            since = now if earlier is None else earlier.since
            objects.append(GoodObject(reading.ref, reading.object, since))
    if strangers:
        there = {_key(good.ref) for good in objects}
        objects += [good for good in before if _key(good.ref) not in there]
    return FileState(tuple(objects), tuple(rejections[:MAX_REJECTIONS]))


def _key(ref: ObjectRef) -> tuple[str, str]:
    return (ref.kind, ref.name)


def _duplicate(ref: ObjectRef, first: ObjectRef) -> Rejection:
    remedy = f"{first} is in force; remove one of the two"
    return Rejection(ref, "metadata.name", f'"{ref.name}"', Reason.DUPLICATE_OBJECT, remedy)


def _with_password(
    good: GoodObject, passwords: Mapping[PasswordPlace, Password]
) -> tuple[Fact, tuple[Rejection, ...]]:
    fact = good.fact
    if not isinstance(fact, DeclaredPeer) or not isinstance(good.object, BGPPeer):
        return fact, ()
    fact = replace(fact, created=fact.created or datetime.fromtimestamp(good.since, UTC).isoformat())
    place = _place(good.object)
    if place is None:
        return fact, ()
    return with_password(fact, place, passwords.get(place, Password(error="it was not read yet")))
