"""Pydantic's verdicts as complaints that name file, line, field, value and remedy."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tests.netlab.errors import Complaint, LabFileError
from tests.netlab.yamlfile import Document, Path

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], document: Document, outside: frozenset[str] = frozenset()) -> M:
    """The document as a `model`.

    Args:
        model: the shape.
        document: what was read.
        outside: keys that the format knows and this runner does not: they get a remedy of their own.

    Raises:
        LabFileError: with every complaint at once.

    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        known = frozenset(_property_names(model.model_json_schema()))
        verdicts = [dict(each) for each in error.errors(include_url=False)]
        raise LabFileError(
            tuple(sorted({_complaint(document, each, known, outside) for each in verdicts}))
        ) from None


def _complaint(
    document: Document, error: dict[str, Any], known: frozenset[str], outside: frozenset[str]
) -> Complaint:
    path, beyond = _split(document.data, error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return document.complaint(path, None, _unknown(str(path[-1]), known, outside))
        case "missing":
            return document.complaint((*path, *beyond[-1:]), None, "is missing: add it")
        case "union_tag_invalid":
            expected = str(error["ctx"]["expected_tags"]).replace("'brief', ", "").replace(", ", " or ")
            return document.complaint(
                (*path, "type"), error["ctx"]["tag"], f"outside the subset: use {expected}"
            )
        case _:
            return document.complaint(path, error["input"], _sentence(error))


def _unknown(key: str, known: frozenset[str], outside: frozenset[str]) -> str:
    if key in outside:
        return (
            "containerlab has this field, the runner on network namespaces has not: remove it"
            " (containerlab/README.md lists the fields and what to use instead)"
        )
    near = get_close_matches(key, sorted(known), n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return f"unknown field{meant}: remove it, or keep data of your own in labels, env or a second file"


def _sentence(error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            return f"must be one of {context['expected']}"
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}"
        case "string_type":
            return "must be text: put it into quotes"
        case "list_type":
            return "must be a list: write each entry on a line of its own after '- '"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "must be a mapping: 'key: value' lines"
        case "value_error":
            return str(context.get("error", error["msg"]))
        case _:
            return str(error["msg"]).replace("Input should be", "must be")


def _split(document: object, location: tuple[str | int, ...]) -> tuple[Path, Path]:
    """What of pydantic's location exists in the data, and the rest: its tags of unions do not exist there."""
    value: Any = document
    path: list[str | int] = []
    beyond: list[str | int] = []
    for part in location:
        try:
            value = value[part]
            path.append(part)
        except (KeyError, IndexError, TypeError):
            if part != "[key]":
                beyond.append(part)
    return tuple(path), tuple(beyond)


def _property_names(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in schema.values():
            yield from _property_names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _property_names(value)
