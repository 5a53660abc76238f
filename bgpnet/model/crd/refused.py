"""Pydantic's errors as `Rejection`s: the field as YAML spells it, what was found, what to do."""

import json
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bgpnet.model.crd.meta import Manifest
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.text import printable

Location = tuple[int | str, ...]
"""Way to a field: keys of mappings and positions in lists, from the object's root."""

LineOf = Callable[[Location], int]
"""Line of the file (from 1) on which a field stands; 0 when unknown."""

MAX_REJECTIONS: Final = 16
"""Of one object: who wrote a thousand errors reads the first few."""

_FOUND_LENGTH: Final = 60

_KINDS: Final[Mapping[type, str]] = {
    str: "a text",
    bool: "a truth value",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
    object: "empty",
}

_REMEDIES: Final[Mapping[str, str]] = {
    "missing": "set this field",
    "int_type": "write a whole number, without quotes",
    "string_type": "write a text; put it in quotes if it looks like a number or a truth value",
    "string_too_short": "write at least {min_length} characters",
    "string_too_long": "write at most {max_length} characters",
    "string_pattern_mismatch": "write letters, digits, '-', '.' and '_', with a letter or digit at both ends",
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
    "literal_error": "write {expected}",
    "enum": "write {expected}",
    "bool_type": "write true or false, without quotes",
    "too_long": "write at most {max_length} entries",
    "tuple_type": "write a list",
    "dict_type": "write a mapping of names to values",
    "model_type": "write a mapping of fields to values",
    "model_attributes_type": "write a mapping of fields to values",
}


def rejections(
    error: ValidationError, model: type[Manifest], ref: ObjectRef, line_of: LineOf
) -> tuple[Rejection, ...]:
    """One Rejection for each thing that the model refused, at most MAX_REJECTIONS."""
    details = error.errors(include_url=False)[:MAX_REJECTIONS]
    return tuple(_rejection(detail, model, ref, line_of) for detail in details)


def spell(location: Location) -> str:
    """The field as YAML spells it: `spec.accept[0].prefix`."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif "." in step or "/" in step:
            text += f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return printable(text)


def shorten(value: object) -> str:
    """A found value for a message, as JSON and so as YAML spells it: one line, at most 60 characters."""
    text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _FOUND_LENGTH else f"{text[: _FOUND_LENGTH - 1]}…"


def _rejection(detail: ErrorDetails, model: type[Manifest], ref: ObjectRef, line_of: LineOf) -> Rejection:
    location = detail["loc"]
    if location and location[-1] == "[key]":  # pydantic's mark for the key of a mapping
        location = location[:-1]
    reason, remedy = _explain(detail, model, location)
    place = ObjectRef(ref.kind, ref.name, ref.file, line_of(location) or ref.line)
    found = _kind_of(detail["input"]) if model.confidential else _found(detail, reason)
    return Rejection(place, spell(location), found, reason, remedy)


def _found(detail: ErrorDetails, reason: Reason) -> str:
    value = detail["input"]
    if detail["type"] == "missing":
        return "not set"
    if reason is Reason.UNKNOWN_FIELD:  # its value may be a password in the wrong place
        return _kind_of(value)
    return shorten(value)


def _kind_of(value: object) -> str:
    return next(words for kind, words in _KINDS.items() if isinstance(value, kind))


def _explain(detail: ErrorDetails, model: type[Manifest], location: Location) -> tuple[Reason, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return Reason.UNKNOWN_FIELD, _name_known_fields(model, location)
    if kind in _REMEDIES:
        return Reason.INVALID_FIELD, _REMEDIES[kind].format(**context)
    if kind in set(Reason):
        return Reason(kind), str(context["remedy"])
    return Reason.INVALID_FIELD, detail["msg"]


def _name_known_fields(model: type[BaseModel], location: Location) -> str:
    for step in location[:-1]:
        inner = (
            part
            for field in model.model_fields.values()
            if field.alias == step
            for part in _models_in(field.annotation)
        )
        model = model if isinstance(step, int) else next(inner, model)
    instead = getattr(model, "elsewhere", {}).get(location[-1])
    if instead is not None:
        return str(instead)
    known = sorted(field.alias or name for name, field in model.model_fields.items())
    close = get_close_matches(str(location[-1]), known, n=1)
    advice = f"did you mean {close[0]}? " if close else "remove it; "
    return f"{advice}known here: {', '.join(known)}"


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
