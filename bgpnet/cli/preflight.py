"""The verb that looks at a host before anything is installed on it."""

import argparse

from bgpnet.cli import flags, show
from bgpnet.cli.exits import FINE, NO
from bgpnet.model.errors import UsageError


def add(verbs: flags.Verbs) -> None:
    """Declare `preflight`."""
    preflight = verbs.add(
        "preflight",
        _preflight,
        "look for what stands in bgpnet's way on this host: other speakers and plug-ins, firewalls, settings",
        """\
        Changes nothing, and needs no agent: run it before the installation, and whenever something of
        bgpnet's disappears. In a container, mount the host's file system and name it with --root; the
        container needs the host's network namespace.

        examples:
          bgpnet preflight
          bgpnet preflight --root /host -o json | jq '.findings[] | select(.verdict != "fine")'

        exit codes: 0 no problem (there may be warnings), 1 with a problem bgpnet will not work here, 2 usage
        """,
    )
    verbs.format(preflight)
    verbs.flag(preflight, "--root", "/", "where the host's file system is")


def _preflight(args: argparse.Namespace) -> int:
    from pathlib import Path

    from bgpnet.drivers.preflight import look
    from bgpnet.planner.preflight import WATCHED, preflight
    from bgpnet.render.preflight import preflight_text

    root = Path(args.root)
    if not (root / "proc").is_dir():
        raise UsageError(
            f"--root is {args.root!r}; give the directory where the host's / is mounted, with /proc"
        )
    status = preflight(look(root, WATCHED))
    show.found(args, status, lambda: preflight_text(status))
    return FINE if status.fine else NO
