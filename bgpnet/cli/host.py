"""Verbs that put the CNI plug-in on a host and take it away."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bgpnet.cli import flags, show
from bgpnet.cli.exits import FINE
from bgpnet.model.cni_chain import DEFAULT_CHAIN, parse_chain
from bgpnet.model.errors import InstallError, UsageError
from bgpnet.model.rundir import RunDir

_EVERY: Final = 0.1
"""Seconds between two looks whether a process still runs."""

if TYPE_CHECKING:
    from bgpnet.cni.install import Host
    from bgpnet.model.net import Family

_MORE = """\
examples:
  bgpnet install-cni                        on a host with the image's files
  bgpnet install-cni --shim plugin/build    from a checkout, after `make plugin`
  bgpnet install-cni --cni-others keep      another plug-in's configuration stays in force
  bgpnet uninstall-cni                      puts everything back; with the agent stopped

exit codes: 0 done, or nothing to do; 1 the host is not ready, or refused; 2 usage
"""


def add(verbs: flags.Verbs) -> None:
    """Declare `install-cni`, `uninstall-cni` and `uninstall`."""

    def folders(sub: argparse.ArgumentParser) -> None:
        verbs.run_dir(sub)
        verbs.flag(sub, "--cni-bin-dir", "/opt/cni/bin", "folder of the container runtime's CNI plug-ins")
        verbs.flag(
            sub,
            "--cni-conf-dir",
            "/etc/cni/net.d",
            "folder of the container runtime's network configurations",
        )

    install = verbs.add(
        "install-cni", _install, "put the CNI shim on this host, and other CNI configurations aside", _MORE
    )
    folders(install)
    verbs.flag(install, "--shim", "/usr/lib/bgpnet", "the shim, or the folder that has it as ARCH/bgpnet")
    verbs.flag(
        install, "--cni-chain", DEFAULT_CHAIN, "CNI plug-ins behind ours, with commas between them, or none"
    )
    verbs.flag(
        install,
        "--cni-others",
        "aside",
        "configurations of other plug-ins: aside (out of force), keep, or refuse to install beside them",
    )
    verbs.flag(install, "--families", "ipv4", "families to forward: ipv4, ipv6 or ipv4,ipv6")
    folders(
        verbs.add("uninstall-cni", _uninstall, "undo install-cni: shim, configurations and sysctls", _MORE)
    )

    whole = verbs.add(
        "uninstall",
        _uninstall_all,
        "put this host back as it was: the CNI plug-in, routes, sysctls, our directories",
        """\
        With every process of bgpnet on it stopped. Drain the node first, and take its pods away: their links
        stay until they are deleted, and a container runtime cannot delete a pod whose plug-in is gone.

        exit codes: 0 done, or nothing to do; 1 refused, or a process still runs
        """,
    )
    folders(whole)
    verbs.flag(whole, "--state-dir", "/var/lib/bgpnet", "directory of what outlives a boot")
    verbs.flag(whole, "--wait", "0", "seconds to wait for the processes to stop")


def _uninstall_all(args: argparse.Namespace) -> int:
    from contextlib import suppress

    from bgpnet.agent import restore
    from bgpnet.agent.settings import SAVED, directory
    from bgpnet.bfd.memory import LASTING
    from bgpnet.cni.install import uninstall
    from bgpnet.drivers import atomic, removal

    host, state = _host(args), directory("--state-dir", args.state_dir)
    _stopped(host.run_dir, args.wait)
    for line in uninstall(host):
        show.line(line)
    for line in restore.run(host.run_dir):
        show.line(line)
    try:
        removal.remove(host.run_dir)
        for name in (SAVED, LASTING):
            atomic.clean(state / name)
            (state / name).unlink(missing_ok=True)
    except OSError as error:
        raise InstallError(
            f"{error.filename}: it stays: {error.strerror}; see to its rights, and run it again"
        ) from error
    with suppress(OSError):  # it is not there, or somebody has something else in it
        state.rmdir()
    return FINE


def _stopped(run_dir: RunDir, wait: str) -> None:
    """Wait for the processes to stop.

    Raises:
        UsageError: `wait` is no number, or one still runs after so many seconds.
    """
    import time

    from bgpnet.drivers import rundirectory

    try:
        end = time.monotonic() + float(wait)
    except ValueError:
        raise UsageError(f"--wait is {wait!r}; give seconds") from None
    while running := rundirectory.holders(run_dir):
        if time.monotonic() >= end:
            raise rundirectory.still_running(run_dir, running)
        time.sleep(_EVERY)


def _install(args: argparse.Namespace) -> int:
    from bgpnet.cni.install import Others, Wanted, install

    if args.cni_others not in set(Others):
        raise UsageError(f"--cni-others is {args.cni_others!r}; give {', '.join(Others)}")
    wanted = Wanted(
        Path(args.shim), parse_chain(args.cni_chain), _families(args.families), Others(args.cni_others)
    )
    for line in install(_host(args), wanted):
        show.line(line)
    return FINE


def _uninstall(args: argparse.Namespace) -> int:
    from bgpnet.cni.install import uninstall

    for line in uninstall(_host(args)):
        show.line(line)
    return FINE


def _host(args: argparse.Namespace) -> "Host":
    from bgpnet.cni.install import Host

    for flag, value in (("--cni-bin-dir", args.cni_bin_dir), ("--cni-conf-dir", args.cni_conf_dir)):
        if not Path(value).is_absolute():
            raise UsageError(f"{flag} is {value!r}; give an absolute path")
    return Host(Path(args.cni_bin_dir), Path(args.cni_conf_dir), flags.run_dir(args))


def _families(text: str) -> "frozenset[Family]":
    from bgpnet.model.net import Family

    try:
        return frozenset(Family(word.strip()) for word in text.split(","))
    except ValueError:
        raise UsageError(f"--families is {text!r}; give ipv4, ipv6 or ipv4,ipv6") from None
