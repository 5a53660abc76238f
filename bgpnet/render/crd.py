"""The models of the objects -> CustomResourceDefinitions, as the API server takes them."""

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any, Final, get_args

from pydantic import BaseModel

from bgpnet.model.crd.meta import GROUP, VERSION
from bgpnet.model.crd.served import RULES, Column, Served

Schema = dict[str, Any]

INT32_MOST: Final = 2**31 - 1

_KEPT: Final = frozenset(
    {
        "type", "format", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems",
        "maxItems", "maxProperties", "required",
    }
)  # fmt: skip
"""Words of a JSON schema that mean the same in a structural schema."""


def definition(served: Served) -> Schema:
    """The CustomResourceDefinition of a kind."""
    kind = served.model.__name__
    version: Schema = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root(served)},
        "additionalPrinterColumns": [_column(column) for column in served.columns],
    }
    if served.status is not None:
        version["subresources"] = {"status": {}}
    if served.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in served.selectable]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{served.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": served.plural,
                "singular": kind.lower(),
                "shortNames": [served.short_name] if served.short_name != kind.lower() else [],
                "categories": ["bgpnet"],
            },
            "versions": [version],
        },
    }


def _column(column: Column) -> Schema:
    told: Schema = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return told | ({"priority": 1} if column.wide else {})


def _root(served: Served) -> Schema:
    model, told = served.model, _Models(served.model)
    properties: Schema = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    required = []
    if "spec" in model.model_fields:
        properties["spec"] = told.field("spec")
        required = ["spec"]
    if served.status is not None:
        properties["status"] = _Models(served.status).field("status")
    root: Schema = {"type": "object", "description": _plain(model.__doc__ or ""), "properties": properties}
    if required:
        root["required"] = required
    return root | _rules(model)


class _Models:
    """A model's JSON schema, and the models that its definitions came from."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.schema = model.model_json_schema(by_alias=True, ref_template="{model}")
        self._definitions: Mapping[str, Schema] = self.schema.get("$defs", {})
        self._by_name = {found.__name__: found for found in _reached(model)}

    def field(self, name: str) -> Schema:
        return self._structural(self.schema["properties"][name])

    def _structural(self, schema: Schema, model: type[BaseModel] | None = None) -> Schema:
        """One schema without references, null and words that the API server does not know.

        Raises:
            ValueError: no structural schema says this.
        """
        if "$ref" in schema:
            name = schema["$ref"]
            return self._structural(self._definitions[name], self._by_name.get(name))
        extra = {word: value for word, value in schema.items() if word.startswith("x-")}
        options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
        if len(options) == 1:
            return self._structural(options[0]) | extra
        if options or "oneOf" in schema or "allOf" in schema:
            raise ValueError(f"no structural schema says {schema}: write it as one type, and rules")
        told = {word: value for word, value in schema.items() if word in _KEPT} | extra
        if "const" in schema:
            told["enum"] = [schema["const"]]
        if schema.get("type") == "integer":
            told["format"] = "int64" if schema.get("maximum", INT32_MOST + 1) > INT32_MOST else "int32"
        for word in ("items", "additionalProperties"):
            if isinstance(schema.get(word), dict):
                told[word] = self._structural(schema[word])
        if model is not None:
            told["description"] = _plain(model.__doc__ or "")
            told |= _rules(model)
            told["properties"] = self._properties(schema, model)
        return told

    def _properties(self, schema: Schema, model: type[BaseModel]) -> Schema:
        texts = _attribute_docstrings(model)
        names = {field.alias or name: name for name, field in model.model_fields.items()}
        properties = {}
        for alias, inner in schema.get("properties", {}).items():
            told = self._structural(inner)
            # Of lists, mappings and empty texts none: what the API server fills in is a field that was set.
            if isinstance(inner.get("default"), bool | int | str) and inner["default"] != "":
                told["default"] = inner["default"]
            if names[alias] in texts:
                told["description"] = texts[names[alias]]
            properties[alias] = told
        return properties


def _rules(model: type[BaseModel]) -> Schema:
    checks = [check for cls in model.__mro__ for check in RULES.get(cls, ())]
    return (
        {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in checks]}
        if checks
        else {}
    )


@cache
def _attribute_docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """The text that follows each field, of the class and those it stands on."""
    texts: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if not issubclass(cls, BaseModel) or cls is BaseModel:
            continue
        (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, after in pairwise(body):
            match field, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = _plain(text)
    return texts


def _plain(text: str) -> str:
    return " ".join(text.split())


def _reached(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The model, and all that its fields hold."""
    found: set[type[BaseModel]] = set()
    ahead: list[object] = [model]
    while ahead:
        each = ahead.pop()
        if isinstance(each, type) and issubclass(each, BaseModel) and each not in found:
            found.add(each)
            ahead += [field.annotation for field in each.model_fields.values()]
        ahead += get_args(each)
    return found
