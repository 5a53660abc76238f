"""Writes what is generated from the models (`make generate`); with --check it compares (`make check`)."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from bgpnet.model.crd.meta import GROUP
from bgpnet.model.crd.served import SERVED
from bgpnet.render.crd import definition
from bgpnet.render.crdreference import reference

ROOT: Final = Path(__file__).resolve().parent

CHART: Final = ROOT.parent / "charts" / "bgpnet"

HEADER: Final = "# Generated from bgpnet/model/crd by `make generate`: change it there.\n"

_IN_VALUES: Final = ("BGPConfiguration", "BGPFilter", "BGPPeer", "IPPool")

_NAMESPACE: Final = "bgpnet-system"


class _WithoutAliases(yaml.SafeDumper):
    """Writes what stands twice twice: a reader of a manifest looks for no `*id001`."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def generated() -> Mapping[Path, str]:
    """Content by file."""
    crds = {
        f"{GROUP}_{served.plural}.yaml": HEADER
        + yaml.dump(
            definition(served), Dumper=_WithoutAliases, sort_keys=False, width=118, allow_unicode=True
        )
        for served in SERVED
    }
    found = {ROOT / "crd" / name: text for name, text in crds.items()}
    found[ROOT.parent / "docs" / "objects.md"] = reference(SERVED)
    found |= {CHART / "crds" / name: text for name, text in crds.items()}
    found |= {CHART / "templates" / f"{name}.yaml": _template(name) for name in ("admission", "agent-rights")}
    found[CHART / "values.schema.json"] = json.dumps(_values_schema(), indent=1, ensure_ascii=False) + "\n"
    return found


def _template(name: str) -> str:
    """A manifest of config/rbac for the namespace of the release, which Helm makes itself."""
    source = ROOT / "rbac" / f"{name.removesuffix('-rights')}.yaml"
    documents = source.read_text().split("---\n")
    kept = [text for text in documents if "\nkind: Namespace\n" not in text]
    text = "---\n".join(kept).replace(_NAMESPACE, "{{ .Release.Namespace }}")
    return f"# Generated from config/rbac/{source.name} by `make generate`: change it there.\n{text}"


def _values_schema() -> Any:  # noqa: ANN401 - a schema
    schema = yaml.safe_load((ROOT / "values.schema.yaml").read_text())
    for served in SERVED:
        name = served.model.__name__
        if name in _IN_VALUES:
            found = definition(served)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            schema["definitions"][name] = _closed(found["properties"]["spec"])
    return schema


def _closed(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """As JSON Schema, which refuses fields that the API server would drop. Rules in CEL stay its own."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "format"}
    if schema.get("x-kubernetes-int-or-string"):
        kept["type"] = ["integer", "string"]
    if isinstance(schema.get("properties"), dict):
        kept["properties"] = {key: _closed(value) for key, value in schema["properties"].items()}
        kept["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = _closed(kept[key])
    return kept


def main(arguments: list[str]) -> int:
    """Exit code: 1 when a file is not current."""
    files = generated()
    extra = {
        path for folder in (ROOT / "crd", CHART / "crds") for path in folder.glob("*.yaml")
    } - files.keys()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if arguments == ["--check"]:
        for path in sorted([*stale, *extra]):
            print(f"{path.relative_to(ROOT.parent)} is not current: run make generate", file=sys.stderr)
        return 1 if stale or extra else 0
    for path in extra:
        path.unlink()
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[path])
        print(f"wrote {path.relative_to(ROOT.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
