"""The `bgpnet` command: verbs only, no logic.

Exit codes: 0 fine, 1 the answer is no, 2 usage, 3 cannot reach the agent.
Every flag can also be given in the environment: `--run-dir` as BGPNET_RUN_DIR.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from textwrap import dedent
from typing import TYPE_CHECKING, TypeVar

import bgpnet
from bgpnet.model.errors import BgpnetError, NotThereError, UnreachableError, UsageError
from bgpnet.model.rundir import RunDir

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Status = TypeVar("_Status")

DEFAULT_RUN_DIR = "/run/bgpnet"

FINE, NO, USAGE, UNREACHABLE = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    args = parser(os.environ).parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = args.verb
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
    )
    verbs = top.add_subparsers(title="verbs", required=True, metavar="VERB")

    def add(
        name: str, verb: Callable[[argparse.Namespace], int], text: str, more: str = ""
    ) -> argparse.ArgumentParser:
        sub = verbs.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=dedent(more),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(verb=verb)
        return sub

    def run_dir(sub: argparse.ArgumentParser) -> None:
        _flag(sub, environment, "--run-dir", DEFAULT_RUN_DIR, "directory where a node's processes meet")

    def output(sub: argparse.ArgumentParser) -> None:
        run_dir(sub)
        sub.add_argument(
            "-o", "--output", choices=("text", "json", "yaml"), default="text", help="output format"
        )

    def process(sub: argparse.ArgumentParser) -> None:
        run_dir(sub)
        _flag(sub, environment, "--log-level", "info", "debug, info, warning or error")

    def node(sub: argparse.ArgumentParser) -> None:
        process(sub)
        _flag(sub, environment, "--node", None, "name of this node's Node object")
        _flag(sub, environment, "--source", None, "where the objects come from: files:DIR")
        _flag(sub, environment, "--metrics-listen", "", "ADDR:PORT for /metrics besides the agent's socket")

    node(add("agent", _agent, "plan and program this node's routes and tell the speaker what to announce"))
    process(add("cni", _cni, "answer the CNI shim: pods' links and addresses"))
    process(add("speaker", _speaker, "supervise ExaBGP"))
    node(add("node", _node, "run agent, cni and speaker together, for a node without Kubernetes"))

    output(add("status", _status, "show prefixes, sessions, routes and what was rejected on this node"))

    peers = add(
        "peers",
        _peers,
        "show this node's BGP sessions, and why one is not up",
        """        examples:
          bgpnet peers                    every peer in one line, and why one is not up
          bgpnet peers tor1               everything about BGPPeer tor1; its address does as well
          bgpnet peers -o json | jq '.peers[] | {peer, state, received, refused}'

        exit codes: 0 every session is up and nothing of a peer was rejected, 1 not so, or no such peer,
        2 usage, 3 the agent cannot be reached
        """,
    )
    output(peers)
    peers.add_argument("peer", nargs="?", metavar="ADDRESS|NAME", help="one peer only, with all details")

    routes = add(
        "routes",
        _routes,
        "show this node's routes: every path, which is best, and why not the others",
        """\
        examples:
          bgpnet routes                   every prefix with all its paths
          bgpnet routes 192.0.2.0/24      one prefix
          bgpnet routes 192.0.2.10        the most specific prefix that holds the address
          bgpnet routes -o json | jq -r '.routes[] | select(.state != "installed") | .prefix'

        paths: * best, = used with it (equal-cost multipath); of each other path the step of the decision
        process (RFC 4271 section 9.1) that decided against it, or the reason for which it was refused

        exit codes: 0 what is taken is in the kernel and nothing hides it, 1 not so, or no such prefix,
        2 usage, 3 the agent cannot be reached
        """,
    )
    output(routes)
    routes.add_argument("prefix", nargs="?", metavar="PREFIX|ADDRESS", help="this prefix only")

    restore = add("restore", _restore, "put the host back: delete our learned routes, restore sysctls")
    run_dir(restore)

    completion = add("completion", _completion, "print a shell completion script")
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))

    add("version", _version, "print the version")
    return top


def _flag(
    sub: argparse.ArgumentParser, environment: Mapping[str, str], flag: str, default: str | None, text: str
) -> None:
    variable = "BGPNET_" + flag.removeprefix("--").replace("-", "_").upper()
    value = environment.get(variable) or default
    shown = f"; default {value}" if value else ""
    sub.add_argument(
        flag, default=value, required=value is None, metavar="VALUE", help=f"{text} ({variable}{shown})"
    )


def _run_dir(args: argparse.Namespace) -> RunDir:
    root = PurePosixPath(args.run_dir)
    if not root.is_absolute():
        raise UsageError(f"--run-dir is {args.run_dir!r}; give an absolute path")
    return RunDir(root)


def _begin(process: str, args: argparse.Namespace) -> RunDir:
    """What each long-running process starts with: its logs and its run directory."""
    from bgpnet.drivers import logs, rundirectory

    run_dir = _run_dir(args)
    logs.setup(process, args.log_level)
    rundirectory.prepare(run_dir)
    return run_dir


def _print(text: str) -> None:
    """Print it. A reader that has gone (`| head`) does not change the exit code."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        # What is left in the buffer would raise once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _agent(args: argparse.Namespace) -> int:
    from bgpnet.agent import app
    from bgpnet.agent.settings import Settings, manifest_folder, node_name, tcp_address

    name, folder = node_name(args.node), manifest_folder(args.source)
    metrics = tcp_address("--metrics-listen", args.metrics_listen)
    return app.run(Settings(name, folder, _begin("agent", args), metrics))


def _cni(args: argparse.Namespace) -> int:
    from bgpnet.cni import server

    return server.serve(_begin("cni", args))


def _speaker(args: argparse.Namespace) -> int:
    from bgpnet.speaker import supervisor

    return supervisor.run(_begin("speaker", args))


def _node(args: argparse.Namespace) -> int:
    from bgpnet.agent.settings import manifest_folder, node_name, tcp_address
    from bgpnet.node import supervisor

    node_name(args.node)
    manifest_folder(args.source)
    tcp_address("--metrics-listen", args.metrics_listen)
    common = ["--run-dir", str(_begin("node", args).root), "--log-level", args.log_level]
    own = ["--node", args.node, "--source", args.source, "--metrics-listen", args.metrics_listen]
    return supervisor.run(
        [
            supervisor.Child("agent", ["agent", *common, *own]),
            supervisor.Child("cni", ["cni", *common]),
            supervisor.Child("speaker", ["speaker", *common]),
        ]
    )


def _status(args: argparse.Namespace) -> int:
    import time

    from bgpnet.model.status import NodeStatus
    from bgpnet.render.status import status_text

    status = _asked(args, "/status", NodeStatus)
    _show(args, status, lambda: status_text(status, time.time()))
    return FINE if status.fine else NO


def _peers(args: argparse.Namespace) -> int:
    import time

    from bgpnet.model.peerstatus import PeersStatus
    from bgpnet.render.peers import peer_text, peers_text

    status = _asked(args, "/peers", PeersStatus)
    if args.peer is None:
        _show(args, status, lambda: peers_text(status, time.time()))
        return FINE if status.fine else NO
    found = status.only(args.peer)
    if not found.peers:
        known = ", ".join(peer.peer or peer.object for peer in status.peers) or "none"
        raise NotThereError(f"no peer {args.peer} on this node; there are: {known}")
    _show(args, found, lambda: "\n".join(peer_text(peer, time.time()) for peer in found.peers))
    return FINE if found.fine else NO


def _routes(args: argparse.Namespace) -> int:
    from bgpnet.model.net import prefix_or_address
    from bgpnet.model.routestatus import RoutesStatus
    from bgpnet.render.routes import routes_text

    try:
        wanted = str(prefix_or_address(args.prefix)) if args.prefix else ""
    except ValueError as error:
        raise UsageError(str(error)) from error
    page = status = _asked(args, f"/routes?{wanted}", RoutesStatus)
    while page.more:
        page = _asked(args, f"/routes?after={page.routes[-1].prefix}", RoutesStatus)
        status = status.joined(page)
    if args.prefix and not status.routes:
        raise NotThereError(f"no route and no path to {args.prefix} on this node; see `bgpnet routes`")
    _show(args, status, lambda: routes_text(status))
    return FINE if status.fine else NO


def _asked(args: argparse.Namespace, page: str, kind: type[_Status]) -> _Status:
    """What the agent tells on this page."""
    from http import HTTPStatus

    from pydantic import TypeAdapter, ValidationError

    from bgpnet.agent import client

    code, body = client.get(_run_dir(args).agent_socket, page)
    if code != HTTPStatus.OK:
        raise UnreachableError(f"the agent has no status yet: {body.decode().strip()}; try again in a moment")
    try:
        return TypeAdapter(kind).validate_json(body)
    except ValidationError as error:
        raise UnreachableError(
            f"the agent's answer is not one that bgpnet {bgpnet.__version__} knows; "
            "use the `bgpnet` command of the agent's version"
        ) from error


def _show(args: argparse.Namespace, status: "DataclassInstance", text: Callable[[], str]) -> None:
    """Print it in the format that was asked for."""
    import json
    from dataclasses import asdict

    match args.output:
        case "json":
            _print(json.dumps(asdict(status), indent=2))
        case "yaml":
            import yaml

            plain = json.loads(json.dumps(asdict(status)))  # tuples are lists in YAML, too
            _print(yaml.safe_dump(plain, sort_keys=False).rstrip())
        case _:
            _print(text().rstrip())


def _restore(args: argparse.Namespace) -> int:
    from bgpnet.agent import restore

    for line in restore.run(_run_dir(args)):
        _print(line)
    return FINE


def _completion(args: argparse.Namespace) -> int:
    import shtab

    _print(shtab.complete(parser({}), shell=args.shell))
    return FINE


def _version(_args: argparse.Namespace) -> int:
    _print(f"bgpnet {bgpnet.__version__}")
    return FINE
