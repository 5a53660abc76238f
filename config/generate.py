"""Writes what is generated from the models (`make generate`); with --check it compares (`make check`)."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from bgpnet.model.crd.meta import GROUP
from bgpnet.model.crd.served import SERVED
from bgpnet.render.crd import definition

ROOT: Final = Path(__file__).resolve().parent

HEADER: Final = "# Generated from bgpnet/model/crd by `make generate`: change it there.\n"


class _WithoutAliases(yaml.SafeDumper):
    """Writes what stands twice twice: a reader of a manifest looks for no `*id001`."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def generated() -> Mapping[Path, str]:
    """Content by file."""
    return {
        ROOT / "crd" / f"{GROUP}_{served.plural}.yaml": HEADER
        + yaml.dump(
            definition(served), Dumper=_WithoutAliases, sort_keys=False, width=118, allow_unicode=True
        )
        for served in SERVED
    }


def main(arguments: list[str]) -> int:
    """Exit code: 1 when a file is not current."""
    files = generated()
    folders = {path.parent for path in files}
    extra = {path for folder in folders for path in folder.glob("*.yaml")} - files.keys()
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
