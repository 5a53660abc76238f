"""Verbs by which the chart's jobs see to the whole cluster."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from bgpnet.cli import flags, show
from bgpnet.cli.exits import FINE
from bgpnet.model.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from bgpnet.drivers.kube.client import Client

_T = TypeVar("_T")

MOST_NAMED: Final = 20
"""Objects of users that are named in one line."""


def add(verbs: flags.Verbs) -> None:
    """Declare `await`, `crds` and `forget`."""
    wait = verbs.add(
        "await",
        _await,
        "wait for the pods of a DaemonSet of the chart; in a pod of its own",
        """\
        Nodes whose kubelet tells nothing any more are not waited for, but named.

        exit codes: 0 it is so, 1 not in time (says which pods, and why), 3 the API server cannot be reached
        """,
    )
    wait.add_argument("state", choices=("ready", "gone"), help="every pod is ready, or none is left")
    wait.add_argument("daemonset", nargs="+", metavar="DAEMONSET", help="in the namespace of this pod")
    verbs.flag(wait, "--timeout", "300", "seconds for all of them together")

    crds = verbs.add(
        "crds",
        _crds,
        "print the CustomResourceDefinitions of this version, or bring the cluster's up to date",
        """\
        examples:
          bgpnet crds | kubectl apply --server-side --force-conflicts -f -
          bgpnet crds --apply             in a pod, as the chart's upgrade does
        """,
    )
    crds.add_argument("--apply", action="store_true", help="apply them, with the rights of this pod")
    verbs.add(
        "forget",
        _forget,
        "take away what the agents made in the cluster, when none is left; in a pod of its own",
        """\
        Reports, blocks, the Lease, the taint and the condition of Nodes. What users made stays, and is named.

        exit codes: 0 it is gone, 3 the API server cannot be reached, or refuses
        """,
    )


def _await(args: argparse.Namespace) -> int:
    import time

    from bgpnet.drivers.kube import rollout

    try:
        end = time.monotonic() + float(args.timeout)
    except ValueError:
        raise UsageError(f"--timeout is {args.timeout!r}; give seconds") from None
    wait = rollout.ready if args.state == "ready" else rollout.gone

    async def all_of_them(client: "Client", namespace: str) -> set[str]:
        away: set[str] = set()
        for name in args.daemonset:
            away |= set(await wait(client, namespace, name, max(0.0, end - time.monotonic())))
        return away

    for node in sorted(_in_cluster(all_of_them)):
        show.line(
            f"node {node} is away: nothing is known of it; on the host, `bgpnet uninstall` does the same"
        )
    show.line(f"{', '.join(args.daemonset)}: {args.state}")
    return FINE


def _crds(args: argparse.Namespace) -> int:
    import yaml

    from bgpnet.model.crd.served import SERVED
    from bgpnet.render.crd import definition

    made = [definition(served) for served in SERVED]
    if not args.apply:
        show.line("---\n".join(yaml.safe_dump(each, sort_keys=False, allow_unicode=True) for each in made))
        return FINE
    from bgpnet.drivers.kube import definitions

    _in_cluster(lambda client, _: definitions.apply(client, made))
    for each in made:
        show.line(f"applied {each['metadata']['name']}")
    return FINE


def _forget(_args: argparse.Namespace) -> int:
    from bgpnet.drivers.kube import leavings

    left = _in_cluster(leavings.forget)
    for node in left.away:
        show.line(f"node {node} is away: what its pods may be using stays: its IPBlocks and BGPNodeStatus")
    if left.users:
        more = f" and {len(left.users) - MOST_NAMED} more" if len(left.users) > MOST_NAMED else ""
        show.line(f"your objects stay, with their CRDs: {', '.join(left.users[:MOST_NAMED])}{more}")
    return FINE


def _in_cluster(work: "Callable[[Client, str], Awaitable[_T]]") -> _T:
    """Do it with the rights of this pod."""
    import asyncio
    import os

    from bgpnet import __version__
    from bgpnet.drivers import kube
    from bgpnet.drivers.kube.client import Client
    from bgpnet.model.errors import ApiError

    access = kube.in_cluster(os.environ)

    async def done() -> _T:
        async with Client(access, f"bgpnet/{__version__}") as client:
            return await work(client, access.namespace)

    try:
        return asyncio.run(done())
    except ApiError as error:
        raise UnreachableError(f"the API server: {error}") from error
