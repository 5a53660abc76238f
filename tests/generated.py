"""Rewrites what is generated in this repository, or says what is not current: `make generate`, `make check`.

The examples of docs/examples/routers, which are also the goldens of the router templates, and the routers of
the labs: `configs/ROUTER/frr.base.conf`, written by hand, with what `bgpnet routers render` makes of the
lab's manifests below it, is `configs/ROUTER/frr.conf`.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bgpnet.drivers.files.once import read_once
from bgpnet.model.router import System
from bgpnet.planner.routergroup import Wishes
from bgpnet.planner.routers import router_configs
from bgpnet.render.routers.rendered import Rendered, rendered
from bgpnet.render.routers.systems import TABLES

REPOSITORY: Final = Path(__file__).resolve().parents[1]
EXAMPLES: Final = REPOSITORY / "docs" / "examples" / "routers"

_BASES: Final[Mapping[str, System]] = {
    "frr.base.conf": System.FRR,
    "bird.base.conf": System.BIRD,
    "bgpd.base.conf": System.OPENBGPD,
    "gobgpd.base.toml": System.GOBGP,
}


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file and what it should be."""
    for system in TABLES:
        for made in _routers(EXAMPLES / "manifests", system):
            folder = EXAMPLES / system
            yield folder / f"{made.name}.{made.suffix}", made.configuration
            yield folder / f"{made.name}.verify.txt", made.verification
            yield folder / f"{made.name}.rollback.txt", made.rollback
    for manifests in sorted(REPOSITORY.glob("containerlab/*/configs/manifests")):
        yield from _lab(manifests)


def _lab(manifests: Path) -> Iterator[tuple[Path, str]]:
    for name, system in _BASES.items():
        bases = sorted(manifests.parent.glob(f"*/{name}"))
        made = {each.name: each for each in _routers(manifests, system)} if bases else {}
        for base in bases:
            router = base.parent.name
            if router not in made:
                raise SystemExit(f"{base}: no router {router} of this system in {manifests}")
            mark = TABLES[system].comment
            told = f"Above: {name}, written by hand. Below: generated, `make generate` rewrites it."
            joint = f"{mark}\n{mark} {told}\n{mark}\n"
            yield (
                base.with_name(name.replace(".base", "")),
                base.read_text(encoding="utf-8") + joint + made[router].configuration,
            )


def _routers(manifests: Path, system: System) -> Iterator[Rendered]:
    told = router_configs(read_once([manifests]), Wishes(system=system))
    for config in told.routers:
        made = rendered(config)
        for rejection in made.rejections:
            raise SystemExit(f"{manifests}: {rejection}")
        yield made
    for rejection in told.rejections:
        raise SystemExit(f"{manifests}: {rejection}")


def main(argv: list[str]) -> int:
    """Rewrite, or with --check only compare."""
    stale = [
        (path, text)
        for path, text in generated()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if "--check" in argv:
            print(f"{path.relative_to(REPOSITORY)} is not current; run: make generate", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(REPOSITORY))
    return 1 if stale and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
