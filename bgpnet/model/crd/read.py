"""From a decoded document to an object: the one way in for every source."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError

from bgpnet.model.crd.meta import GROUP, Manifest
from bgpnet.model.crd.refused import LineOf, Location, rejections, shorten
from bgpnet.model.crd.registry import KINDS
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

_NAME_LENGTH: Final = 253
"""Of a name or kind that a message repeats (the longest that Kubernetes allows)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a document.

    `object` with `rejections`: read but for the parts that the rejections name. Neither: a kind that is
    none of ours, to be passed over.
    """

    ref: ObjectRef
    object: Manifest | None = None
    rejections: tuple[Rejection, ...] = ()


def no_line(_location: Location) -> int:
    """The line of a field in a source that has none."""
    return 0


def read(value: object, file: str = "", line_of: LineOf = no_line) -> Reading:
    """Read one document as its apiVersion and kind ask.

    Args:
        value: the document as YAML or JSON decodes it.
        file: name of the file it stands in, empty when it stands in none.
        line_of: line of each field.
    """
    if not isinstance(value, Mapping):
        ref = ObjectRef("", "", file, line_of(()))
        remedy = "write an object with apiVersion, kind and metadata"
        return Reading(ref, None, (Rejection(ref, "", shorten(value), Reason.INVALID_FIELD, remedy),))
    ref = ObjectRef(_text(value.get("kind")), _name(value), file, line_of(()))
    for field in ("apiVersion", "kind"):
        if not _text(value.get(field)):
            found = shorten(value[field]) if field in value else "not set"
            missing = Rejection(
                ref, field, found, Reason.INVALID_FIELD, "name the object's kind, as every object does"
            )
            return Reading(ref, None, (missing,))
    api_version, kind = str(value["apiVersion"]), str(value["kind"])
    model = KINDS.get((api_version, kind))
    if model is not None:
        return _validate(model, value, ref, line_of)
    if api_version.partition("/")[0] == GROUP:
        return Reading(ref, None, (_unknown_kind(api_version, kind, ref),))
    return Reading(ref)


def _validate(model: type[Manifest], value: Mapping[str, Any], ref: ObjectRef, line_of: LineOf) -> Reading:
    try:
        return Reading(ref, model.model_validate(value))
    except ValidationError as error:
        refused = rejections(error, model, ref, line_of)
        rest = _without(value, model, [detail["loc"] for detail in error.errors()])
    if rest is None:
        return Reading(ref, None, refused)
    try:
        return Reading(ref, model.model_validate(rest), refused)
    except ValidationError:
        return Reading(ref, None, refused)


def _without(
    value: Mapping[str, Any], model: type[Manifest], bad: list[Location]
) -> Mapping[str, Any] | None:
    """The document without the separable parts that are bad; None when another part is bad, too."""
    parts = {_separable_part(model, location) for location in bad}
    if () in parts:
        return None
    rest = deepcopy(dict(value))
    # Last list item first: taking one out moves those behind it.
    for part in sorted(parts, key=lambda part: part[-1] if isinstance(part[-1], int) else 0, reverse=True):
        holder: Any = rest
        for step in part[:-1]:
            holder = holder[step]
        del holder[part[-1]]
    return rest


def _separable_part(model: type[Manifest], location: Location) -> Location:
    for path in model.separable:
        if location[: len(path)] == path:
            return location[: len(path) + 1]
    return ()


def _unknown_kind(api_version: str, kind: str, ref: ObjectRef) -> Rejection:
    ours = {known: version for version, known in KINDS if version.startswith(f"{GROUP}/")}
    if kind in ours:
        remedy = f"write apiVersion: {ours[kind]}"
        return Rejection(ref, "apiVersion", shorten(api_version), Reason.UNKNOWN_KIND, remedy)
    close = get_close_matches(kind, ours, n=1)
    advice = f"did you mean {close[0]}? " if close else ""
    remedy = f"{advice}kinds of this group: {', '.join(sorted(ours))}"
    return Rejection(ref, "kind", shorten(kind), Reason.UNKNOWN_KIND, remedy)


def _text(value: object) -> str:
    return value[:_NAME_LENGTH] if isinstance(value, str) else ""


def _name(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    return _text(metadata.get("name")) if isinstance(metadata, Mapping) else ""
