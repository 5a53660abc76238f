"""The verb that takes a node out of service, and puts it back."""

import argparse

from bgpnet.cli import flags, show
from bgpnet.cli.exits import FINE, NO


def add(verbs: flags.Verbs) -> None:
    """Declare `drain`."""
    drain = verbs.add(
        "drain",
        _drain,
        "lead traffic away from this node, then withdraw its prefixes; or put it back in service",
        """\
        First every prefix of pods is announced with the community graceful-shutdown (RFC 8326), then, after
        drainWait seconds of BGPConfiguration, withdrawn; a packet under way still arrives. The node's
        loopback addresses stay announced, its sessions up and its routes learned, unless --end-sessions asks
        for their end, too. It holds until --undo or until the host boots. The Node's label bgpnet.io/drain
        asks for the same, and lasts.

        examples:
          bgpnet drain node1              returns when nothing of its pods is announced any more
          bgpnet drain node1 --end-sessions
          bgpnet drain node1 --undo

        exit codes: 0 done, 1 not done, or another node's agent runs here, 2 usage, 3 the agent cannot be
        reached
        """,
    )
    verbs.run_dir(drain)
    drain.add_argument("node", metavar="NODE", help="name of this node, so that none is drained by mistake")
    what = drain.add_mutually_exclusive_group()
    what.add_argument("--undo", action="store_true", help="put the node back in service")
    what.add_argument("--end-sessions", action="store_true", help="end the BGP sessions as well")


def _drain(args: argparse.Namespace) -> int:
    from http import HTTPStatus
    from urllib.parse import urlencode

    from bgpnet.agent import client
    from bgpnet.model.drain import END_SESSIONS
    from bgpnet.model.errors import NotThereError

    socket = flags.run_dir(args).agent_socket
    what = "undo" if args.undo else END_SESSIONS if args.end_sessions else "withdraw"
    code, body = client.get(socket, "/drain?" + urlencode({"node": args.node, "what": what}), "POST")
    if code != HTTPStatus.OK:
        raise NotThereError(body.decode().strip())
    found = _reached(args, "" if args.undo else "without sessions" if args.end_sessions else "drained")
    show.line(f"{args.node} is {found or 'in service'}")
    wanted = not found if args.undo else found.startswith("drained")
    return FINE if wanted else NO


def _reached(args: argparse.Namespace, wanted: str) -> str:
    """What the drain has come to, when it is what is wanted or nothing moves any more."""
    import json
    import time

    from bgpnet.agent import client

    socket = flags.run_dir(args).agent_socket
    end = None
    while True:
        _, body = client.get(socket, "/drain")
        told = json.loads(body)
        if end is None:
            end = time.monotonic() + told["seconds"] + _PATIENCE
        settled = not told["announced"] if wanted else not told["drain"]
        if (wanted in told["drain"] and settled) or time.monotonic() > end:
            return str(told["drain"])
        time.sleep(_EVERY)


_PATIENCE = 15.0
"""Seconds beyond the time that a drain takes."""

_EVERY = 0.2
"""Seconds between two looks."""
