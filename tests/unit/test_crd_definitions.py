"""The CustomResourceDefinitions that the models make."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from bgpnet.model.crd.meta import GROUP
from bgpnet.model.crd.registry import KINDS
from bgpnet.model.crd.served import SERVED, Served
from bgpnet.render.crd import definition
from bgpnet.render.crdreference import reference

GENERATE = Path(__file__).parents[2] / "config" / "generate.py"


def parts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in a schema, by its path."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from parts(inner, f"{path}.{name}")
    for word, step in (("items", "[]"), ("additionalProperties", "{}")):
        if word in schema:
            yield from parts(schema[word], path + step)


def schemas(served: Served) -> list[tuple[str, dict[str, Any]]]:
    (version,) = definition(served)["spec"]["versions"]
    return list(parts(version["schema"]["openAPIV3Schema"]))


each_kind = pytest.mark.parametrize("served", SERVED, ids=lambda served: served.plural)


def test_every_kind_of_the_group_is_served() -> None:
    ours = {kind for version, kind in KINDS if version.startswith(f"{GROUP}/")}
    assert {served.model.__name__ for served in SERVED} == ours | {"BGPNodeStatus"}


def test_the_files_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(GENERATE), "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@each_kind
def test_every_field_has_a_description(served: Served) -> None:
    ours = [
        path for path, _ in schemas(served) if path.startswith((".spec", ".status")) and path[-1] not in "]}"
    ]
    silent = [path for path, schema in schemas(served) if path in ours and not schema.get("description")]
    assert ours
    assert not silent


@each_kind
def test_every_list_mapping_and_text_is_bounded(served: Served) -> None:
    """The cost of a rule is reckoned from them; an open one is refused."""
    bounds = {"array": "maxItems", "string": "maxLength"}
    for path, schema in schemas(served):
        if path.startswith((".spec", ".status")) and not schema.get("enum") and "format" not in schema:
            bound = bounds.get(schema.get("type", ""))
            assert bound is None or bound in schema or "pattern" in schema, path
        if "additionalProperties" in schema:
            assert "maxProperties" in schema, path


@each_kind
def test_every_default_is_one_that_its_own_schema_takes(served: Served) -> None:
    for path, schema in schemas(served):
        default = schema.get("default", schema.get("enum", [None])[0])
        assert default in schema.get("enum", [default]), path
        assert (
            schema.get("minimum", default) is None
            or isinstance(default, bool | str | None)
            or (schema.get("minimum", default) <= default <= schema.get("maximum", default))
        ), path
        assert not isinstance(default, str) or re.search(schema.get("pattern", ""), default), path


@each_kind
def test_every_part_has_a_type(served: Served) -> None:
    for path, schema in schemas(served):
        assert "type" in schema or schema.get("x-kubernetes-int-or-string"), path


def test_a_field_of_two_types_is_refused_when_generated() -> None:
    class Spec(BaseModel):
        either: Annotated[int | str, Field()]

    class Odd(BaseModel):
        spec: Spec
        status: object = None

    with pytest.raises(ValueError, match="no structural schema says"):
        definition(Served(Odd, "odds", "odd", ()))


@each_kind
def test_the_reference_tells_of_every_field_and_every_rule(served: Served) -> None:
    page = reference([served])
    for path, schema in schemas(served):
        if path.startswith((".spec.", ".status.")) and path[-1] not in "]}":
            assert f"| `{path[1:]}` |" in page
        for rule in schema.get("x-kubernetes-validations", ()):
            assert rule["message"] in page
