"""The models of the objects -> their reference for people, in Markdown."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bgpnet.model.crd.meta import API_VERSION
from bgpnet.model.crd.served import Served
from bgpnet.render.crd import definition

HEAD: Final = """\
<!-- Generated from bgpnet/model/crd by `make generate`: change it there. -->
# The objects

Group and version `{version}`, all of them without a namespace. `kubectl explain KIND --recursive` shows
the same, `kubectl get bgpnet` lists them all; [config/samples](../config/samples) has samples with comments.
The API server refuses what is bad with the words below. What it cannot know (a filter's rule that never
applies, a Secret that is not there, two pools that overlap) an agent refuses, alone: `status.conditions`
and Events say so. The files source takes the same objects. A field that is not listed is refused. People
write the first four; the agents write IPBlock and BGPNodeStatus.
"""

Schema = dict[str, Any]


def reference(kinds: Iterable[Served]) -> str:
    """One page about all kinds."""
    return HEAD.format(version=API_VERSION) + "".join(f"\n{_kind(served)}" for served in kinds)


def _kind(served: Served) -> str:
    told = definition(served)["spec"]
    schema: Schema = told["versions"][0]["schema"]["openAPIV3Schema"]
    names = ", ".join(f"`{name}`" for name in (told["names"]["plural"], *told["names"]["shortNames"]))
    lines = [f"## {told['names']['kind']}", "", f"{schema['description']} For kubectl: {names}.", ""]
    for part in ("spec", "status"):
        inner = schema["properties"].get(part)
        if inner is not None:
            lines += ["| field | value | default | meaning |", "|---|---|---|---|", *_rows(inner, part), ""]
    rules = list(_rules(schema, ""))
    if rules:
        lines += ["Refused besides, with these words:", "", *rules, ""]
    return "\n".join(lines)


def _rows(schema: Schema, path: str) -> Iterator[str]:
    needed = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        default = inner.get("default", "required" if name in needed else "")
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        yield f"| `{path}.{name}` | {_value(inner)} | {shown} | {_cell(inner.get('description', ''))} |"
        step, within = _inside(inner)
        yield from _rows(within, f"{path}.{name}{step}")


def _inside(schema: Schema) -> tuple[str, Schema]:
    """What is in a field: how a path goes on, and the schema there."""
    if "items" in schema:
        return "[]", schema["items"]
    if "additionalProperties" in schema:
        return "{}", schema["additionalProperties"]
    return "", schema


def _value(schema: Schema) -> str:
    """Type and bounds in a few words."""
    if "items" in schema:
        return f"list of {_value(schema['items'])}, {schema['maxItems']} at most"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return "number or text"
    kind = schema.get("type", "")
    if "additionalProperties" in schema:
        return "names and values"
    if kind == "object":
        return "object"
    if kind == "string":
        return "date and time" if schema.get("format") == "date-time" else "text"
    if kind == "integer":
        return f"{schema.get('minimum', '')} to {schema.get('maximum', '')}"
    return {"boolean": "true or false"}.get(kind, str(kind))


def _rules(schema: Schema, path: str) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"- {f'`{path}`: ' if path else ''}{rule['message']}"
    for name, inner in schema.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        step, within = _inside(inner)
        if step:
            yield from (
                f"- `{below}`: {rule['message']}" for rule in inner.get("x-kubernetes-validations", ())
            )
        yield from _rules(within, below + step)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
