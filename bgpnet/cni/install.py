"""Puts the CNI plug-in on a host, and takes it away again. Both may be repeated, and cut off anywhere."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bgpnet.drivers import cnibin, nft, rundirectory
from bgpnet.drivers.cnibin import PluginFolder
from bgpnet.drivers.cniconf import ASIDE, ConfFolder, NetworkConfiguration
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.observe import observe
from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.cni_chain import CONFLIST, LOOPBACK, PLUGIN, VERSIONS
from bgpnet.model.errors import InstallError
from bgpnet.model.nat import TABLE
from bgpnet.model.net import Family
from bgpnet.model.rundir import RunDir
from bgpnet.planner.host import global_sysctls

_NAMED: Final = 8  # configurations of others


@dataclass(frozen=True, slots=True)
class Host:
    """Where the runtime looks for plug-ins and for network configurations, and our run directory."""

    bin_dir: Path
    conf_dir: Path
    run_dir: RunDir


class Others(StrEnum):
    """What becomes of the network configurations of other plug-ins."""

    ASIDE = "aside"
    """Put out of force."""
    KEEP = "keep"
    """Left in force."""
    REFUSE = "refuse"
    """Where there is one, nothing is installed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an installation is to have.

    `shim` is the shim or the folder of both, `chain` the plug-ins behind ours, `others` what becomes of other
    plug-ins' network configurations.
    """

    shim: Path
    chain: tuple[str, ...]
    families: frozenset[Family]
    others: Others


def install(host: Host, wanted: Wanted) -> Iterator[str]:
    """Install; a line for each thing done or found. Our network configuration is the agent's to write.

    Raises:
        InstallError: the host is not as it needs to be; nothing was changed. Or a change was refused.
        KernelError: a setting of the kernel was refused.
        UsageError: the run directory cannot be used.
    """
    shim = cnibin.read_shim(wanted.shim)
    plugins, configurations = PluginFolder(host.bin_dir), ConfFolder(host.conf_dir)
    wrong = [*_unfit(plugins, wanted.chain), *_unusable("--cni-conf-dir", host.conf_dir)]
    if wanted.others is Others.REFUSE and configurations.path.is_dir():
        wrong += _in_the_way(configurations.others())
    if wrong:
        raise InstallError("nothing was changed, as this host is not ready:\n  " + "\n  ".join(wrong))
    rundirectory.prepare(host.run_dir)
    with _told("the shim is not installed", plugins.path / PLUGIN):
        if plugins.put_shim(shim):
            yield f"installed {plugins.path / PLUGIN}"
    for one in configurations.others():
        path = configurations.path / one.name
        if wanted.others is Others.KEEP:
            first = "which is in force before ours" if one.name < CONFLIST else "behind ours"
            yield f"left in place as asked: {path}, {first}: {', '.join(one.plugins) or 'unreadable'}"
            continue
        with _told("another plug-in's configuration stays in force", path):
            configurations.put_aside(one.name)
        yield f"kept aside another plug-in's configuration: {one} is {one.name}{ASIDE} now"
    sysctls = Sysctls(Path(host.run_dir.sysctls))
    for sysctl in global_sysctls(wanted.families):
        with _told("the value found is not recorded", Path(host.run_dir.sysctls)):
            before = sysctls.read((sysctl,))
            sysctls.set(sysctl)
        if before != (sysctl,):
            yield f"set {sysctl.path} = {sysctl.value}"


def uninstall(host: Host) -> Iterator[str]:
    """Put the host back as it was; a line for each thing undone or found.

    First the others' configurations come back, then ours goes: at no time has the runtime none.

    Raises:
        InstallError: a change was refused.
        KernelError: the kernel does not tell which links there are.
        UsageError: an agent runs, and would put everything back.
    """
    plugins, configurations = PluginFolder(host.bin_dir), ConfFolder(host.conf_dir)
    run_dir = Path(host.run_dir.root)
    with rundirectory.held(host.run_dir, "agent") if run_dir.is_dir() else nullcontext():
        if configurations.path.is_dir():
            yield from _give_back(configurations)
        with _told("the shim stays", plugins.path / PLUGIN):
            if plugins.take_shim():
                yield f"removed {plugins.path / PLUGIN}"
        with _told("sysctls are not all restored", Path(host.run_dir.sysctls)):
            restored = Sysctls(Path(host.run_dir.sysctls)).restore()
        for sysctl in restored:
            yield f"restored {sysctl.path} = {sysctl.value}"
    if nft.remove():
        yield f"deleted table inet {TABLE}"
    with Channel.open() as kernel:
        left = len(observe(kernel))
    if left:
        yield f"{left} links of pods are still there: delete these pods, or reboot, to be rid of them"


def _give_back(configurations: ConfFolder) -> Iterator[str]:
    with _told("another plug-in's configuration stays aside", configurations.path):
        for name in configurations.aside():
            if configurations.bring_back(name):
                yield f"brought back {configurations.path / name}"
            else:
                yield (
                    f"left {configurations.path / name}{ASIDE}: there is a {name} again, which stays; "
                    "remove what you do not need"
                )
    with _told("our configuration stays in force", configurations.path / CONFLIST):
        if configurations.take_ours():
            yield f"removed {configurations.path / CONFLIST}"


def _in_the_way(others: tuple[NetworkConfiguration, ...]) -> Iterator[str]:
    """All in one: the kubelet shows the last 2 KiB of what a container says (terminationMessagePolicy)."""
    if others:
        named = ", ".join(map(str, others[:_NAMED]))
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        yield (
            f"another network plug-in is here: {named}{more}; remove it, or have it replaced: "
            "--cni-others aside, in the chart replaceOtherPlugins: true "
            "(its pods keep their network until they are deleted)"
        )


def _unfit(plugins: PluginFolder, chain: tuple[str, ...]) -> Iterator[str]:
    unusable = list(_unusable("--cni-bin-dir", plugins.path))
    yield from unusable
    if not plugins.path.is_dir():
        return
    if plugins.stranger():
        yield (
            f"{plugins.path / PLUGIN} is there and is no CNI shim of bgpnet: "
            "move it away, it would be overwritten"
        )
    for name in (LOOPBACK, *chain):
        wrong = plugins.lacks(name)
        if not wrong and name != LOOPBACK:
            wrong = plugins.speaks(name, VERSIONS[-1])
        if wrong:
            remedy = "install the CNI plug-ins of your distribution or of containernetworking/plugins"
            if name != LOOPBACK:
                remedy += f", or leave {name} out of --cni-chain"
            yield f"the CNI plug-in {plugins.path / name} {wrong}; {remedy}"


def _unusable(flag: str, folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        yield (
            f"{flag} is {str(folder)!r}, which is no folder here: give the one that the container runtime "
            "uses; in a container it has to be mounted"
        )
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield f"{flag} is {str(folder)!r}, which cannot be written: mount it writable"


@contextmanager
def _told(what: str, path: Path) -> Iterator[None]:
    """A refusal of the file system as an error that says what it means here."""
    try:
        yield
    except OSError as error:
        remedy = {
            errno.ENOSPC: "make room on that disk",
            errno.EROFS: "mount it writable",
            errno.EDQUOT: "make room in that quota",
        }.get(error.errno or 0, "see to its rights")
        raise InstallError(f"{path}: {what}: {error.strerror}; {remedy}, and run it again") from error
