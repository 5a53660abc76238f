"""Verbs that show what this node's agent knows."""

import argparse
from typing import TypeVar

import bgpnet
from bgpnet.cli import flags, show
from bgpnet.cli.exits import FINE, NO
from bgpnet.model.errors import NotThereError, UnreachableError, UsageError

_Status = TypeVar("_Status")


def add(verbs: flags.Verbs) -> None:
    """Declare `status`, `peers`, `routes`, `why` and `restore`."""
    verbs.output(
        verbs.add("status", _status, "show prefixes, sessions, routes and what was rejected on this node")
    )

    peers = verbs.add(
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
    verbs.output(peers)
    peers.add_argument("peer", nargs="?", metavar="ADDRESS|NAME", help="one peer only, with all details")

    routes = verbs.add(
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
    verbs.output(routes)
    routes.add_argument("prefix", nargs="?", metavar="PREFIX|ADDRESS", help="this prefix only")

    why = verbs.add(
        "why",
        _why,
        "tell of one prefix whose it is, who was told, what was learned, and what stands in the way",
        """\
        examples:
          bgpnet why 10.244.1.0/26        is this node's block announced, to whom, and if not, why not?
          bgpnet why 10.244.1.7           the same of a pod's address
          bgpnet why 192.0.2.10           how packets get there, and which paths were refused
          bgpnet why 10.244.1.0/26 -o json | jq '.sessions[] | select(.telling != "announced")'

        exit codes: 0 it is announced (or learned, and in the kernel) and nothing of it waits or is refused,
        1 not so, or nothing is known of it, 2 usage, 3 the agent cannot be reached
        """,
    )
    verbs.output(why)
    why.add_argument("prefix", metavar="PREFIX|ADDRESS", help="a prefix, or an address in one")

    restore = verbs.add("restore", _restore, "put the host back: delete our learned routes, restore sysctls")
    verbs.run_dir(restore)


def _status(args: argparse.Namespace) -> int:
    import time

    from bgpnet.model.status import NodeStatus
    from bgpnet.render.status import status_text

    status = _asked(args, "/status", NodeStatus)
    show.found(args, status, lambda: status_text(status, time.time()))
    return FINE if status.fine else NO


def _peers(args: argparse.Namespace) -> int:
    import time

    from bgpnet.model.peerstatus import PeersStatus
    from bgpnet.render.peers import peer_text, peers_text

    status = _asked(args, "/peers", PeersStatus)
    if args.peer is None:
        show.found(args, status, lambda: peers_text(status, time.time()))
        return FINE if status.fine else NO
    found = status.only(args.peer)
    if not found.peers:
        known = ", ".join(peer.peer or peer.object for peer in status.peers) or "none"
        raise NotThereError(f"no peer {args.peer} on this node; there are: {known}")
    show.found(args, found, lambda: "\n".join(peer_text(peer, time.time()) for peer in found.peers))
    return FINE if found.fine else NO


def _routes(args: argparse.Namespace) -> int:
    from bgpnet.model.routestatus import RoutesStatus
    from bgpnet.render.routes import routes_text

    wanted = _prefix(args.prefix) if args.prefix else ""
    page = status = _asked(args, f"/routes?{wanted}", RoutesStatus)
    while page.more:
        page = _asked(args, f"/routes?after={page.routes[-1].prefix}", RoutesStatus)
        status = status.joined(page)
    if args.prefix and not status.routes:
        raise NotThereError(f"no route and no path to {args.prefix} on this node; see `bgpnet routes`")
    show.found(args, status, lambda: routes_text(status))
    return FINE if status.fine else NO


def _why(args: argparse.Namespace) -> int:
    from bgpnet.model.whystatus import WhyStatus
    from bgpnet.render.why import why_text

    status = _asked(args, f"/why?{_prefix(args.prefix)}", WhyStatus)
    if not status.known:
        raise NotThereError(
            f"node {status.node} has no prefix that holds {args.prefix}, and no router told of one; see "
            "`bgpnet status` for its prefixes, `bgpnet routes` for what was learned"
        )
    show.found(args, status, lambda: why_text(status))
    return FINE if status.fine else NO


def _prefix(text: str) -> str:
    from bgpnet.model.net import prefix_or_address

    try:
        return str(prefix_or_address(text))
    except ValueError as error:
        raise UsageError(str(error)) from error


def _asked(args: argparse.Namespace, page: str, kind: type[_Status]) -> _Status:
    """What the agent tells on this page."""
    from http import HTTPStatus

    from pydantic import TypeAdapter, ValidationError

    from bgpnet.agent import client

    code, body = client.get(flags.run_dir(args).agent_socket, page)
    if code != HTTPStatus.OK:
        raise UnreachableError(f"the agent has no status yet: {body.decode().strip()}; try again in a moment")
    try:
        return TypeAdapter(kind).validate_json(body)
    except ValidationError as error:
        raise UnreachableError(
            f"the agent's answer is not one that bgpnet {bgpnet.__version__} knows; "
            "use the `bgpnet` command of the agent's version"
        ) from error


def _restore(args: argparse.Namespace) -> int:
    from bgpnet.agent import restore
    from bgpnet.drivers.rundirectory import require_stopped

    run_dir = flags.run_dir(args)
    require_stopped(run_dir, "agent")
    for line in restore.run(run_dir):
        show.line(line)
    return FINE
