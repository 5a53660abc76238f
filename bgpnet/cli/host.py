"""Verbs that put the CNI plug-in on a host and take it away."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bgpnet.cli import flags, show
from bgpnet.cli.exits import FINE
from bgpnet.model.cni_chain import DEFAULT_CHAIN, parse_chain
from bgpnet.model.errors import UsageError

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
    """Declare `install-cni` and `uninstall-cni`."""

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
