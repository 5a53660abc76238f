"""Verbs that run a node's processes."""

import argparse
import contextlib
from typing import TYPE_CHECKING

from bgpnet.cli import flags
from bgpnet.cli.exits import FINE
from bgpnet.drivers import openssl
from bgpnet.model.cni_chain import DEFAULT_CHAIN
from bgpnet.model.errors import BgpnetError
from bgpnet.model.rundir import RunDir

if TYPE_CHECKING:
    from bgpnet.agent.settings import Settings


def add(verbs: flags.Verbs) -> None:
    """Declare `agent`, `bfd`, `cni`, `speaker` and `node`."""

    def process(sub: argparse.ArgumentParser) -> None:
        verbs.run_dir(sub)
        verbs.flag(sub, "--log-level", "info", "debug, info, warning or error")

    def state(sub: argparse.ArgumentParser) -> None:
        verbs.flag(sub, "--state-dir", "/var/lib/bgpnet", "directory of what outlives a boot")

    def node(sub: argparse.ArgumentParser) -> None:
        process(sub)
        verbs.flag(sub, "--node", None, "name of this node's Node object")
        verbs.flag(
            sub, "--source", None, "where the objects come from: files:DIR, kubernetes, kubernetes:KUBECONFIG"
        )
        state(sub)
        verbs.flag(
            sub,
            "--bootstrap",
            "",
            "manifests that hold until the API server was read once, on its first start",
        )
        verbs.flag(sub, "--metrics-listen", "", "ADDR:PORT for /metrics besides the agent's socket")
        verbs.flag(
            sub,
            "--health-listen",
            "",
            "ADDR:PORT for /healthz, /readyz and /settled besides the agent's socket",
        )
        verbs.flag(sub, "--sysctl-dir", "/proc/sys", "where the host's /proc/sys can be written")
        verbs.flag(
            sub,
            "--cni-conf-dir",
            "",
            "folder of the container runtime's network configurations, to write ours into; none: not written",
        )
        verbs.flag(
            sub, "--cni-chain", DEFAULT_CHAIN, "CNI plug-ins behind ours, with commas between them, or none"
        )

    node(
        verbs.add(
            "agent", _agent, "plan and program this node's routes and tell the speaker what to announce"
        )
    )
    bfd = verbs.add("bfd", _bfd, "watch the routers of BGPPeers with BFD (RFC 5880, 5881)")
    process(bfd)
    state(bfd)
    process(verbs.add("cni", _cni, "answer the CNI shim: pods' links and addresses"))
    process(verbs.add("speaker", _speaker, "supervise ExaBGP"))
    alive = verbs.add(
        "alive", _alive, "ask whether a process answers, for a probe", "exit codes: 0 it does, 1 not\n"
    )
    verbs.run_dir(alive)
    alive.add_argument("process", choices=("bfd", "cni", "speaker"), help="the agent: /healthz at its socket")
    node(verbs.add("node", _node, "run agent, bfd, cni and speaker together, for a node without Kubernetes"))


def _alive(args: argparse.Namespace) -> int:
    from bgpnet.drivers.alive import unwell
    from bgpnet.model.errors import NotThereError

    wrong = unwell(args.process, flags.run_dir(args))
    if wrong:
        raise NotThereError(wrong)
    return FINE


def _begin(process: str, args: argparse.Namespace) -> RunDir:
    """What each long-running process starts with: a living parent, its logs and its run directory."""
    from bgpnet.drivers import logs, rundirectory
    from bgpnet.drivers.process import orphaned

    run_dir = flags.run_dir(args)
    logs.setup(process, args.log_level)
    if orphaned():
        raise BgpnetError("its supervisor died as this process started, and the next one starts its own")
    rundirectory.prepare(run_dir)
    return run_dir


def _agent(args: argparse.Namespace) -> int:
    from bgpnet.agent.settings import KubernetesFrom

    settings = _settings(args)
    _begin("agent", args)
    encrypts = isinstance(settings.source, KubernetesFrom)
    with contextlib.nullcontext() if encrypts else openssl.left_out():
        from bgpnet.agent import app
    return app.run(settings)


def _settings(args: argparse.Namespace) -> "Settings":
    from bgpnet.agent.settings import (
        Settings,
        bootstrap_place,
        conflist_settings,
        directory,
        node_name,
        source,
        tcp_address,
    )

    return Settings(
        node_name(args.node),
        source(args.source),
        flags.run_dir(args),
        directory("--state-dir", args.state_dir),
        bootstrap_place(args.bootstrap),
        tcp_address("--metrics-listen", args.metrics_listen),
        conflist_settings(args.cni_conf_dir, args.cni_chain),
        tcp_address("--health-listen", args.health_listen),
        directory("--sysctl-dir", args.sysctl_dir),
    )


def _bfd(args: argparse.Namespace) -> int:
    from bgpnet.agent.settings import directory
    from bgpnet.bfd import server

    return server.run(_begin("bfd", args), directory("--state-dir", args.state_dir))


def _cni(args: argparse.Namespace) -> int:
    from bgpnet.cni import server

    return server.serve(_begin("cni", args))


def _speaker(args: argparse.Namespace) -> int:
    from bgpnet.speaker import supervisor

    return supervisor.run(_begin("speaker", args))


def _node(args: argparse.Namespace) -> int:
    from bgpnet.node import supervisor

    _settings(args)
    common = ["--run-dir", str(_begin("node", args).root), "--log-level", args.log_level]
    own = ["--node", args.node, "--source", args.source, "--metrics-listen", args.metrics_listen]
    own += ["--cni-conf-dir", args.cni_conf_dir, "--cni-chain", args.cni_chain]
    own += ["--state-dir", args.state_dir, "--sysctl-dir", args.sysctl_dir]
    own += ["--health-listen", args.health_listen, "--bootstrap", args.bootstrap]
    return supervisor.run(
        [
            supervisor.Child("agent", ["agent", *common, *own]),
            supervisor.Child("bfd", ["bfd", *common, "--state-dir", args.state_dir]),
            supervisor.Child("cni", ["cni", *common]),
            supervisor.Child("speaker", ["speaker", *common]),
        ]
    )
