"""The whole command line, and how its errors become exit codes."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import bgpnet
from bgpnet.cli import cluster, drain, host, plan, preflight, processes, routers, show, views
from bgpnet.cli.exits import FINE, NO, UNREACHABLE, USAGE
from bgpnet.cli.flags import HelpFormatter, Verb, Verbs
from bgpnet.model.errors import BgpnetError, UnreachableError, UsageError

_VERSION: Final = f"bgpnet {bgpnet.__version__}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    args = parser(os.environ).parse_args(argv)
    verb: Verb = args.verb
    try:
        return verb(args)
    except UsageError as error:
        print(f"bgpnet: {error}", file=sys.stderr)
        return USAGE
    except UnreachableError as error:
        print(f"bgpnet: {error}", file=sys.stderr)
        return UNREACHABLE
    except BgpnetError as error:
        print(f"bgpnet: {error}", file=sys.stderr)
        return NO


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; defaults come from BGPNET_… in `environment`."""
    top = argparse.ArgumentParser(
        prog="bgpnet",
        description="Pod networking in routing mode: BGP from every node to its Top-of-Rack routers.",
        epilog="Every flag can also be given in the environment: --run-dir as BGPNET_RUN_DIR.",
        formatter_class=HelpFormatter,
    )
    top.add_argument(
        "--version", action="version", version=_VERSION, help="print the version, as the verb does"
    )
    verbs = Verbs(top.add_subparsers(title="verbs", required=True, metavar="VERB"), environment)
    processes.add(verbs)
    views.add(verbs)
    drain.add(verbs)
    plan.add(verbs)
    preflight.add(verbs)
    host.add(verbs)
    routers.add(verbs)
    cluster.add(verbs)
    completion = verbs.add(
        "completion",
        _completion,
        "print a shell completion script",
        """\
        examples:
          . <(bgpnet completion bash)                          in this shell
          bgpnet completion bash >/etc/bash_completion.d/bgpnet
          bgpnet completion zsh >/usr/local/share/zsh/site-functions/_bgpnet
        """,
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    verbs.add("version", _version, "print the version")
    return top


def _completion(args: argparse.Namespace) -> int:
    import shtab

    show.line(shtab.complete(parser({}), shell=args.shell))
    return FINE


def _version(_args: argparse.Namespace) -> int:
    show.line(_VERSION)
    return FINE
