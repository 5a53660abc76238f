"""Verbs about the routers at the other end: `bgpnet routers render | check | diff`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bgpnet.cli import flags, objects, show
from bgpnet.cli.exits import FINE, NO, UNREACHABLE, USAGE
from bgpnet.model.errors import BgpnetError, NotThereError, UsageError
from bgpnet.model.router import System

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bgpnet.model.rejection import Rejection
    from bgpnet.model.routercheck import FileCheck
    from bgpnet.planner.routers import RouterConfigs

SYSTEMS: Final = tuple(system.value for system in System)


def add(verbs: flags.Verbs) -> None:
    """Declare `routers` and its verbs."""
    group = verbs.group(
        "routers",
        "write, check and compare the configurations of the routers that the nodes peer with",
        """\
        examples:
          bgpnet routers render --source files:manifests -o out     a configuration for every router
          bgpnet routers check out/*.conf                           by the routers' own programs
          bgpnet routers diff --source files:manifests --router tor1 --running saved.conf

        Which router a BGPPeer belongs to, and what it runs, says its spec.router.
        """,
    )
    render = group.add(
        "render",
        _render,
        "write each router's half of the sessions: configuration, what to verify, the way back",
        """\
        examples:
          bgpnet routers render --source kubernetes -o out               by kubectl's kubeconfig
          bgpnet routers render --source files:manifests --router tor1     to the terminal
          bgpnet routers render --source files:manifests -o out            three files a router
          bgpnet routers render --source files:manifests --neighbors each    no dynamic range
          bgpnet routers render --source files:manifests --reveal -o out   with passwords, mode 0600

        exit codes: 0 every router has its configuration, 1 something was refused (the others are written),
        2 usage, 3 the API server cannot be read
        """,
    )
    _objects(render)
    render.add_argument("-o", "--output", metavar="DIR", help="folder to write into; left out, the terminal")
    render.add_argument(
        "--neighbors",
        choices=("range", "each"),
        help="one dynamic range, or each node a neighbour (default: spec.router.neighbors, else range)",
    )
    render.add_argument(
        "--type", choices=SYSTEMS, help="write for this system, whatever spec.router.type says"
    )
    render.add_argument("--reveal", action="store_true", help="write passwords, not placeholders")

    check = group.add(
        "check",
        _check,
        "check configurations: by the router's own program where it is installed, and by rules of our own",
        """\
        examples:
          bgpnet routers check out/tor1.conf out/tor2.conf
          bgpnet routers check --type frr saved.conf
          bgpnet routers check --source files:manifests      what `render` would write
          bgpnet routers check --source kubernetes:admin.conf --context lab
          bgpnet routers check -o json out/*.conf | jq '.files[] | {router, verdict, not_checked}'

        exit codes: 0 all fine, 1 something is wrong, 2 usage, 3 nothing wrong was found, but the program
        that reads it, or the API server, could not be asked
        """,
    )
    check.add_argument("files", nargs="*", metavar="FILE", help="configurations; `-` is standard input")
    check.add_argument("--type", choices=SYSTEMS, help="system of the files; left out, as their header says")
    objects.add(check, "instead of files, what `render` would write")
    check.add_argument("--router", metavar="NAME", help="with --source: this router only")
    group.format(check)

    diff = group.add(
        "diff",
        _diff,
        "compare what a router runs with what it should run, in the sections that are ours",
        """\
        examples:
          bgpnet routers diff --source files:manifests --router tor1 --running saved.conf
          ssh tor1 vtysh -c show\\ run | bgpnet routers diff manifests --router tor1 --running -
          bgpnet routers diff --source kubernetes --router tor1 --running saved.conf
          bgpnet routers diff --source files:manifests --router tor1 --running saved.conf --format commands

        What is not ours is never removed. Lines that end sessions are named with the reason.
        exit codes: 0 no difference, 1 there are differences, 2 trouble
        """,
    )
    _objects(diff)
    diff.add_argument(
        "--running", required=True, metavar="FILE", help="the router's configuration; `-`: standard input"
    )
    diff.add_argument(
        "--format",
        choices=("unified", "commands"),
        default="unified",
        help="to read, or to type into the router",
    )
    diff.add_argument("--neighbors", choices=("range", "each"), help="as for render")
    diff.add_argument("--type", choices=SYSTEMS, help="as for render")
    diff.add_argument(
        "--reveal", action="store_true", help="compare passwords, too, and write them into commands"
    )


def _objects(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("manifests", nargs="*", metavar="MANIFEST", help="manifests or folders of them")
    objects.add(sub, "the objects")
    sub.add_argument("--router", metavar="NAME", help="this router only")


def _configs(args: argparse.Namespace) -> "RouterConfigs":
    """The routers that were asked for, and everything that was refused."""
    from dataclasses import replace

    from bgpnet.model.router import Neighbors
    from bgpnet.planner.routergroup import Wishes
    from bgpnet.planner.routers import router_configs

    neighbors, system = getattr(args, "neighbors", None), args.type
    wishes = Wishes(
        Neighbors(neighbors) if neighbors else None,
        System(system) if system else None,
        reveal=getattr(args, "reveal", False),
    )
    told = router_configs(objects.declared(args), wishes)
    if args.router is None:
        return told
    only = tuple(router for router in told.routers if router.name == args.router)
    if not only:
        _complain(told.rejections)
        known = ", ".join(router.name for router in told.routers) or "none"
        raise NotThereError(f"no router {args.router} has a configuration here; there are: {known}")
    return replace(told, routers=only)


def _complain(rejections: "Iterable[Rejection]") -> bool:
    """Tell what was refused; whether anything was."""
    told = [f"bgpnet: {rejection}" for rejection in rejections]
    for line in told:
        print(line, file=sys.stderr)
    return bool(told)


def _render(args: argparse.Namespace) -> int:
    from bgpnet.drivers.routers.write import write
    from bgpnet.render.routers.rendered import rendered

    told = _configs(args)
    refused = _complain(told.rejections)
    for config in told.routers:
        made = rendered(config)
        refused = _complain(made.rejections) or refused
        if made.rejections:
            continue
        if args.output is None:
            show.line(made.configuration.rstrip("\n"))
        else:
            for path in write(Path(args.output), made):
                show.line(str(path))
    if not told.routers and not refused:
        raise NotThereError("no BGPPeer names a router; write spec.router into the BGPPeers")
    return NO if refused else FINE


def _check(args: argparse.Namespace) -> int:
    from bgpnet.model.routercheck import CheckReport, Verdict
    from bgpnet.render.routers.checktext import check_text

    if bool(args.files) == bool(args.source):
        raise UsageError("name configurations to check, or --source; not both")
    refused = False
    if args.source:
        refused, files = _checked_source(args)
    else:
        files = [_checked_file(name, args.type) for name in args.files]
    report = CheckReport(tuple(files))
    show.found(args, report, lambda: check_text(report))
    if refused or report.verdict is Verdict.WRONG:
        return NO
    return FINE if report.verdict is Verdict.OK else UNREACHABLE


def _checked_source(args: argparse.Namespace) -> "tuple[bool, list[FileCheck]]":
    from bgpnet.drivers.routers.check import checked
    from bgpnet.render.routers.rendered import rendered

    told = _configs(args)
    refused = _complain(told.rejections)
    files = []
    for config in told.routers:
        made = rendered(config)
        refused = _complain(made.rejections) or refused
        if not made.rejections:
            files.append(checked(f"{made.name}.{made.suffix}", made.system, made.name, made.configuration))
    return refused, files


def _checked_file(name: str, system: str | None) -> "FileCheck":
    from bgpnet.drivers.routers.check import checked, located
    from bgpnet.render.routers.rendered import header_of

    text = located(_text_of(name), Path(name).parent)
    header = header_of(text)
    if system is None and header is None:
        raise UsageError(f"{name} does not say in its header of which system it is; say it with --type")
    of = System(system) if system else header[1] if header else System.FRR
    return checked(name, of, header[0] if header else "", text)


def _text_of(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{name} cannot be read: {error}; name a text file, or - for standard input"
        ) from error


def _diff(args: argparse.Namespace) -> int:
    try:
        return _compared(args)
    except UsageError:
        raise
    except BgpnetError as error:
        raise UsageError(str(error)) from error  # exit code 2 is trouble, as for diff


def _compared(args: argparse.Namespace) -> int:
    from bgpnet.render.routers import difftext
    from bgpnet.render.routers.diff import compared
    from bgpnet.render.routers.rendered import rendered
    from bgpnet.render.routers.systems import TABLES

    told = _configs(args)
    if len(told.routers) != 1:
        _complain(told.rejections)
        names = ", ".join(router.name for router in told.routers) or "none"
        raise UsageError(f"--router is not given; name one of: {names}")
    config = told.routers[0]
    table = TABLES[config.system]
    made = rendered(config)
    if made.rejections:
        _complain(made.rejections)
        return USAGE
    diff = compared(config, table, made.configuration, _text_of(args.running))
    if diff.changes and diff.included:
        print(
            f"bgpnet: not looked into: {'; '.join(diff.included)}; where these have what is missing here, "
            "give them as well: cat FILE… | bgpnet routers diff … --running -",
            file=sys.stderr,
        )
    if args.format == "commands":
        if not table.running.no:
            advice = f"{table.commands.apply.format(file=f'{config.name}.{table.suffix}')}"
            raise UsageError(f"--format is 'commands'; {table.title} has none: {advice}")
        text = difftext.commands(diff.changes, table.running, table.grammar.language, table.comment)
    else:
        text = difftext.unified(diff)
    if text:
        show.line(text.rstrip("\n"))
    return NO if diff.changes else FINE
