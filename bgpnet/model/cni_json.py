"""Careful access to JSON from outside: a value of the wrong kind is a `CniError` that names it. Pure.

The validators are written by hand: the CNI server stays thin.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError

_SHOWN: Final = 80


def object_in(parent: Mapping[str, Any], field: str, path: str = "") -> Mapping[str, Any]:
    """The object in a field, {} where there is none. `path` is the field's full name in errors.

    Raises:
        CniError: code 7; it is something else.
    """
    value = parent.get(field)
    if value is not None and not isinstance(value, dict):
        raise invalid(path or field, value, "an object")
    return value or {}


def list_in(parent: Mapping[str, Any], field: str, path: str = "") -> list[Any]:
    """The list in a field, [] where there is none.

    Raises:
        CniError: code 7; it is something else.
    """
    value = parent.get(field)
    if value is not None and not isinstance(value, list):
        raise invalid(path or field, value, "a list")
    return value or []


def text_in(parent: Mapping[str, Any], field: str, path: str = "") -> str:
    """The string in a field, '' where there is none.

    Raises:
        CniError: code 7; it is something else.
    """
    value = parent.get(field)
    if value is not None and not isinstance(value, str):
        raise invalid(path or field, value, "a string")
    return value or ""


def number_in(parent: Mapping[str, Any], field: str, path: str = "") -> int:
    """The whole number in a field, 0 where there is none.

    Raises:
        CniError: code 7; it is something else.
    """
    value = parent.get(field)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise invalid(path or field, value, "a whole number")
    return value or 0


def invalid(path: str, value: object, wanted: str) -> CniError:
    """The error for a value that is not what it ought to be."""
    return CniError(CniCode.INVALID_CONFIG, f"{path} is {show(value)}, not {wanted}")


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def show(value: object) -> str:
    """A value from outside, quoted and bounded."""
    if value is None:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
