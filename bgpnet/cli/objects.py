"""Where a verb that looks at objects once has them from: manifests, or a cluster."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bgpnet.model.errors import UsageError

if TYPE_CHECKING:
    from bgpnet.model.declared import Declared

WORDS: Final = "files:DIR or DIR (a folder of manifests, or a manifest), kubernetes, kubernetes:KUBECONFIG"

NAMESPACE: Final = "bgpnet-system"


def add(sub: argparse.ArgumentParser, text: str) -> None:
    """Declare `--source` and the flags that go with a cluster."""
    sub.add_argument("--source", metavar="SOURCE", help=f"{text}: {WORDS}")
    sub.add_argument("--context", metavar="NAME", help="context of the kubeconfig (default: its current one)")
    sub.add_argument("--namespace", metavar="NAME", help=f"where Secrets are looked for ({NAMESPACE})")


def declared(args: argparse.Namespace) -> "Declared":
    """What was asked for.

    Raises:
        UsageError: no source, two, or flags that do not fit it.
        SourceError: manifests that are not there.
        UnreachableError: a cluster that cannot be read.
    """
    manifests = list(getattr(args, "manifests", ()))
    if args.source and args.source.partition(":")[0] == "kubernetes":
        if manifests:
            raise UsageError(f"--source is {args.source!r}; remove it, or the manifests")
        return _of_cluster(args)
    if args.context or args.namespace:
        raise UsageError(
            "--context and --namespace are of a cluster; give --source kubernetes[:KUBECONFIG], too"
        )
    words = [*manifests, *([args.source] if args.source else [])]
    if not words:
        raise UsageError(f"--source is not given; give one: {WORDS}")
    from bgpnet.drivers.files.once import read_once

    return read_once([Path(word.removeprefix("files:") or ".") for word in words])


def _of_cluster(args: argparse.Namespace) -> "Declared":
    from bgpnet.agent.settings import KubernetesFrom, source
    from bgpnet.drivers.cluster.once import read_once
    from bgpnet.drivers.cluster.server import Server

    origin = source(args.source)
    kubeconfig = origin.kubeconfig if isinstance(origin, KubernetesFrom) else None
    server = Server(kubeconfig, args.context, os.environ)
    return read_once(server.get, args.namespace or NAMESPACE, reveal=getattr(args, "reveal", False))
