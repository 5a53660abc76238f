"""Rewrites what is generated in this repository, or says what is not current: `make generate`, `make check`.

The examples of docs/examples/routers, which are also the goldens of the router templates; the table of
docs/faults.md, from docs/faults.json; and the routers of the labs: `configs/ROUTER/frr.base.conf`, written by
hand, with what `bgpnet routers render` makes of the lab's manifests below it, is `configs/ROUTER/frr.conf`.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bgpnet.drivers.files.once import read_once
from bgpnet.model.declared import DeclaredPeer
from bgpnet.model.router import Neighbors, System
from bgpnet.planner.routergroup import Wishes
from bgpnet.planner.routers import router_configs
from bgpnet.render.routers.rendered import Rendered, rendered
from bgpnet.render.routers.systems import TABLES
from bgpnet.render.routers.table import Ability
from tests.faults import results, table

REPOSITORY: Final = Path(__file__).resolve().parents[1]
FAULTS: Final = REPOSITORY / "docs" / "faults.md"
EXAMPLES: Final = REPOSITORY / "docs" / "examples" / "routers"

_BASES: Final[Mapping[System, str]] = {
    System.FRR: "frr.base.conf",
    System.BIRD: "bird.base.conf",
    System.OPENBGPD: "bgpd.base.conf",
    System.GOBGP: "gobgpd.base.toml",
}


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file and what it should be."""
    for system in TABLES:
        for made in _routers(EXAMPLES / "manifests", system):
            folder = EXAMPLES / system
            yield folder / f"{made.name}.{made.suffix}", made.configuration
            yield folder / f"{made.name}.verify.txt", made.verification
            yield folder / f"{made.name}.rollback.txt", made.rollback
    yield FAULTS, table.page(FAULTS, results.published())
    labs = [*REPOSITORY.glob("containerlab/*"), REPOSITORY / "tests" / "cluster" / "rig" / "fabric"]
    for manifests in sorted(lab / "configs" / "manifests" for lab in labs):
        if any(manifests.parent.glob("*/*.base.*")):
            yield from routers_of_lab(manifests)


def routers_of_lab(manifests: Path) -> Iterator[tuple[Path, str]]:
    """The configurations of a lab's routers, from its manifests and what is written by hand beside them."""
    for made in _routers(manifests, None):
        base = manifests.parent / made.name / _BASES[made.system]
        mark = TABLES[made.system].comment
        told = f"Above: {base.name}, written by hand. Below: generated, `make generate` rewrites it."
        yield (
            base.with_name(base.name.replace(".base", "")),
            f"{base.read_text(encoding='utf-8')}{mark}\n{mark} {told}\n{mark}\n{made.configuration}",
        )


def _routers(manifests: Path, system: System | None) -> Iterator[Rendered]:
    declared = read_once([manifests])
    if system is not None:
        declared = replace(declared, peers=tuple(_fit(peer, system) for peer in declared.peers))
    told = router_configs(declared, Wishes(system=system))
    for config in told.routers:
        made = rendered(config)
        for rejection in made.rejections:
            raise SystemExit(f"{manifests}: {rejection}")
        yield made
    for rejection in told.rejections:
        raise SystemExit(f"{manifests}: {rejection}")


def _fit(peer: DeclaredPeer, system: System) -> DeclaredPeer:
    """The example as one would write it for this system: with its version, without what it cannot do."""
    cannot = TABLES[system].cannot
    router = replace(peer.router, version="5.16" if system is System.NVUE else "") if peer.router else None
    if router is not None and Ability.PASSWORD_ON_RANGE in cannot:
        router = replace(router, neighbors=Neighbors.EACH)
    return replace(
        peer, router=router, ttl_security=0 if Ability.TTL_SECURITY in cannot else peer.ttl_security
    )


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
