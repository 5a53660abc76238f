"""`bgpnet install-cni` and `uninstall-cni`: what was there before comes back, exactly."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

import pytest

from bgpnet.cli import main
from bgpnet.cni.install import Host, Others, Wanted, install
from bgpnet.drivers.rundirectory import held
from bgpnet.model.net import Family
from bgpnet.model.rundir import RunDir
from tests.bench import reference
from tests.cninode import SHIM, cni_node
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel

CALICO = '{"name": "k8s-pod-network", "plugins": [{"type": "calico"}, {"type": "bandwidth"}]}'
FORWARD = "/proc/sys/net/ipv4/ip_forward"
Tree = dict[str, tuple[str, int, bytes]]


@dataclass
class Machine:
    """A host's folders, and its network namespace."""

    namespace: Namespace
    root: Path
    told: pytest.CaptureFixture[str]

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def conf(self) -> Path:
        return self.root / "net.d"

    @property
    def folders(self) -> list[str]:
        return [
            *("--cni-bin-dir", str(self.bin), "--cni-conf-dir", str(self.conf)),
            *("--run-dir", str(self.root / "run")),
        ]

    def plugin(self, name: str, versions: str = '"0.4.0", "1.0.0", "1.1.0"') -> None:
        """A plug-in that tells its versions."""
        path = self.bin / name
        path.write_text(
            f"#!/bin/sh\n[ $CNI_COMMAND = VERSION ] && echo '{{\"supportedVersions\": [{versions}]}}'\n"
        )
        path.chmod(0o755)

    def install(self, *flags: str) -> tuple[int, str]:
        return self._run("install-cni", "--shim", str(SHIM), *flags)

    def uninstall(self) -> tuple[int, str]:
        return self._run("uninstall-cni")

    def uninstall_all(self, state: Path) -> tuple[int, str]:
        return self._run("uninstall", "--state-dir", str(state))

    def _run(self, verb: str, *flags: str) -> tuple[int, str]:
        with self.namespace.entered():
            status = main([verb, *self.folders, *flags])
        told = self.told.readouterr()
        return status, told.out + told.err

    def sysctls(self) -> str:
        return self.namespace.run(
            "cat",
            FORWARD,
            "/proc/sys/net/ipv4/fib_multipath_hash_policy",
            "/proc/sys/net/ipv6/conf/all/forwarding",
        ).stdout

    def tree(self) -> Tree:
        """Names, rights and contents of both folders."""
        found = {}
        for path in sorted([*self.bin.iterdir(), *self.conf.iterdir()]):
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            kind = "link" if path.is_symlink() else "file"
            found[str(path.relative_to(self.root))] = (kind, path.lstat().st_mode & 0o777, content)
        return found


@pytest.fixture
def machine(short_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Machine]:
    """With loopback, portmap and Calico on it."""
    with namespace("inst") as ns:
        ns.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
        made = Machine(ns, short_path, capsys)
        made.bin.mkdir()
        made.conf.mkdir()
        made.plugin("loopback")
        made.plugin("portmap")
        (made.conf / "10-calico.conflist").write_text(CALICO)
        yield made


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A tmpfs over a folder, with what was in it as far as it has room."""
    before = {path.name: (path.read_bytes(), path.stat().st_mode) for path in folder.iterdir()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        for name, (content, mode) in before.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(mode)
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_everything_is_put_there_and_taken_back(machine: Machine) -> None:
    before, sysctls = machine.tree(), machine.sysctls()
    status, told = machine.install("--families", "ipv4,ipv6")
    assert status == 0, told
    assert (machine.bin / "bgpnet").read_bytes() == SHIM.read_bytes()
    assert (machine.bin / "bgpnet").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in machine.conf.iterdir()) == ["10-calico.conflist.bgpnet-aside"]
    assert "10-calico.conflist (calico, bandwidth)" in told
    assert machine.sysctls().split() == ["1", "1", "1"]
    assert machine.install("--families", "ipv4,ipv6") == (0, "")
    (machine.conf / "10-bgpnet.conflist").write_text("{}")  # the agent's
    status, told = machine.uninstall()
    assert status == 0, told
    assert machine.tree() == before
    assert machine.sysctls() == sysctls
    assert machine.uninstall() == (0, "")
    assert machine.tree() == before


def test_families_that_are_not_asked_for_are_left_alone(machine: Machine) -> None:
    """A host that forwards IPv6 hears no router advertisement any more, and may lose its default route."""
    machine.namespace.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    assert machine.install()[0] == 0
    assert machine.sysctls().split() == ["1", "1", "0"]


@pytest.mark.parametrize("steps", range(5))
def test_an_installation_that_is_cut_off_is_done_again_or_undone(machine: Machine, steps: int) -> None:
    before, sysctls = machine.tree(), machine.sysctls()
    host = Host(machine.bin, machine.conf, RunDir(PurePosixPath(machine.root / "run")))
    wanted = Wanted(SHIM, ("portmap",), frozenset({Family.IPV4}), Others.ASIDE)
    with machine.namespace.entered():
        for _ in islice(install(host, wanted), steps):
            pass
    (machine.bin / ".bgpnet.new").write_bytes(b"half a shim")  # what a kill leaves
    assert machine.install()[0] == 0
    assert not (machine.bin / ".bgpnet.new").exists()
    assert machine.uninstall()[0] == 0
    assert machine.tree() == before
    assert machine.sysctls() == sysctls


def test_a_running_shim_keeps_the_old_file(machine: Machine) -> None:
    shutil.copy("/bin/sleep", machine.bin / "bgpnet")
    with (machine.bin / "bgpnet").open("ab") as file:
        file.write(b"bgpnet1\0")  # an older version of ours
    with subprocess.Popen([machine.bin / "bgpnet", "60"]) as running:
        try:
            assert machine.install()[0] == 0
            assert (machine.bin / "bgpnet").read_bytes() == SHIM.read_bytes()
            assert running.poll() is None
        finally:
            running.kill()


def test_what_is_missing_is_said_and_nothing_is_changed(machine: Machine) -> None:
    (machine.bin / "loopback").unlink()
    (machine.bin / "portmap").chmod(0o644)
    machine.plugin("bandwidth", '"0.4.0", "1.0.0"')
    (machine.bin / "tuning").write_text("#!/bin/sh\nexit 1\n")
    (machine.bin / "tuning").chmod(0o755)
    before, sysctls = machine.tree(), machine.sysctls()
    status, told = machine.install("--cni-chain", "portmap,bandwidth,tuning")
    assert status == 1
    assert "nothing was changed" in told
    assert f"{machine.bin}/loopback is not there" in told
    assert f"{machine.bin}/portmap is not executable" in told
    assert f"{machine.bin}/bandwidth speaks CNI 0.4.0, 1.0.0 and not 1.1.0" in told
    assert f"{machine.bin}/tuning does not tell which versions it speaks" in told
    assert (machine.tree(), machine.sysctls()) == (before, sysctls)


def test_an_uninstallation_of_everything_leaves_nothing(machine: Machine) -> None:
    before, sysctls = machine.tree(), machine.sysctls()
    assert machine.install()[0] == 0
    state, run = machine.root / "state", RunDir(PurePosixPath(machine.root / "run"))
    state.mkdir()
    (state / "kubernetes.json").write_text("{}")
    (state / "bfd.json").write_text("{}")
    (Path(run.root) / "ready").touch()
    (Path(run.root) / "speaker").mkdir()
    (Path(run.root) / "speaker" / "exabgp.conf").touch()
    machine.namespace.run("ip", "link", "add", "e0", "type", "veth", "peer", "name", "e1")
    machine.namespace.run("ip", "link", "set", "lo", "up")
    machine.namespace.run("ip", "route", "add", "blackhole", "10.9.0.0/24", "proto", "179", "metric", "179")
    with held(run, "bfd"):
        status, told = machine.uninstall_all(state)
        assert status == 2
        assert "bgpnet bfd runs on it" in told
    status, told = machine.uninstall_all(state)
    assert status == 0
    assert "deleted route 10.9.0.0/24" in told
    assert (machine.tree(), machine.sysctls()) == (before, sysctls)
    assert sorted(path.name for path in machine.root.iterdir()) == ["bin", "net.d"]
    assert machine.uninstall_all(state) == (0, "")


def test_an_uninstallation_of_everything_leaves_what_is_another_s(machine: Machine) -> None:
    assert machine.install()[0] == 0
    others = [machine.root / "run" / "other", machine.root / "state" / "other"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert machine.uninstall_all(machine.root / "state")[0] == 0
    assert all(path.exists() for path in others)


def test_a_chain_of_none_needs_loopback_alone(machine: Machine) -> None:
    (machine.bin / "portmap").unlink()
    assert machine.install("--cni-chain", "none")[0] == 0


def test_other_configurations_stay_where_asked(machine: Machine) -> None:
    (machine.conf / "05-multus.conf").write_text('{"type": "multus"}')
    before = sorted(path.name for path in machine.conf.iterdir())
    status, told = machine.install("--cni-others", "keep")
    assert status == 0
    assert "05-multus.conf, which is in force before ours: multus" in told
    assert "10-calico.conflist, behind ours: calico, bandwidth" in told
    assert sorted(path.name for path in machine.conf.iterdir()) == before


def test_beside_another_plugin_nothing_is_installed_where_asked(machine: Machine) -> None:
    before = machine.tree()
    status, told = machine.install("--cni-others", "refuse")
    assert status == 1
    assert "another network plug-in is here: 10-calico.conflist (calico, bandwidth)" in told
    assert "replaceOtherPlugins" in told
    assert machine.tree() == before
    many = [machine.conf / f"{number}-a-rather-long-name.conflist" for number in range(20, 60)]
    for each in many:
        each.write_text('{"plugins": [{"type": "somebody-elses"}]}')
    status, told = machine.install("--cni-others", "refuse")
    assert status == 1
    assert len(told) < 2048, "more than the kubelet keeps"
    assert "10-calico.conflist (calico, bandwidth), 20-a" in told
    assert " and 33 more" in told
    for each in many:
        each.unlink()
    (machine.conf / "10-calico.conflist").unlink()
    assert machine.install("--cni-others", "refuse")[0] == 0


def test_only_what_a_runtime_would_take_is_put_aside(machine: Machine) -> None:
    """Loopback alone is no pod's network, and other endings are nobody's business."""
    (machine.conf / "99-loopback.conf").write_text('{"type": "loopback"}')
    (machine.conf / "00-broken.json").write_text("{")
    (machine.conf / "15-own.conflist").write_text('{"plugins": [{"type": "bgpnet"}]}')
    (machine.conf / "calico-kubeconfig").write_text("secret")
    (machine.conf / "20-link.conf").symlink_to("/nonexistent")
    before = machine.tree()
    status, told = machine.install()
    assert status == 0
    assert "00-broken.json (unreadable)" in told
    assert sorted(path.name for path in machine.conf.iterdir()) == [
        "00-broken.json.bgpnet-aside",
        "10-calico.conflist.bgpnet-aside",
        "15-own.conflist",
        "20-link.conf.bgpnet-aside",
        "99-loopback.conf",
        "calico-kubeconfig",
    ]
    assert machine.uninstall()[0] == 0
    assert machine.tree() == before


def test_a_configuration_that_its_owner_wrote_again(machine: Machine) -> None:
    assert machine.install()[0] == 0
    (machine.conf / "10-calico.conflist").write_text("{}")
    status, told = machine.uninstall()
    assert status == 0
    assert "there is a 10-calico.conflist again" in told
    assert (machine.conf / "10-calico.conflist").read_text() == "{}"
    assert (machine.conf / "10-calico.conflist.bgpnet-aside").read_text() == CALICO
    assert machine.install()[0] == 0
    assert (machine.conf / "10-calico.conflist.bgpnet-aside").read_text() == "{}"


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_strangers_file_in_the_shims_place_stays(machine: Machine, kind: str) -> None:
    target = machine.bin / "bgpnet"
    if kind == "folder":
        target.mkdir()
    elif kind == "link":
        target.symlink_to(SHIM)
    else:
        target.write_bytes(b"#!/bin/sh\n")
    status, told = machine.install()
    assert status == 1
    assert f"{target} is there and is no CNI shim of bgpnet" in told
    assert (machine.conf / "10-calico.conflist").exists()
    assert machine.uninstall() == (0, "")
    assert os.path.lexists(target)


@pytest.mark.parametrize("folder", ["bin", "net.d"])
def test_a_folder_that_cannot_be_written(machine: Machine, folder: str) -> None:
    sysctls = machine.sysctls()
    with mounted(machine.root / folder, "ro"):
        before = machine.tree()
        status, told = machine.install()
        assert status == 1
        assert f"'{machine.root / folder}', which cannot be written: mount it writable" in told
        assert (machine.tree(), machine.sysctls()) == (before, sysctls)


def test_a_shim_and_a_configuration_that_cannot_be_taken_back(machine: Machine) -> None:
    assert machine.install()[0] == 0
    with mounted(machine.conf, "ro"):
        status, told = machine.uninstall()
        assert status == 1
        assert "another plug-in's configuration stays aside: Read-only file system; mount it writable" in told
        assert (machine.bin / "bgpnet").exists()
    assert machine.uninstall()[0] == 0


def test_a_full_disk(machine: Machine) -> None:
    with mounted(machine.bin, "size=16k"):
        before = machine.tree()
        status, told = machine.install()
        assert status == 1
        assert "the shim is not installed: No space left on device; make room on that disk" in told
        assert machine.tree() == before


@pytest.mark.parametrize("folder", ["bin", "net.d"])
def test_a_folder_that_is_not_there(machine: Machine, folder: str) -> None:
    shutil.rmtree(machine.root / folder)
    status, told = machine.install()
    assert status == 1
    assert f"'{machine.root / folder}', which is no folder here" in told
    assert machine.uninstall()[0] == 0


def test_a_shim_that_is_none(machine: Machine) -> None:
    other = machine.root / "other"
    other.write_bytes(SHIM.read_bytes()[:18] + b"\xf3\x00" + SHIM.read_bytes()[20:])  # RISC-V
    (machine.root / "empty").mkdir()
    for shim, words in (
        (other, f"is for machine 243, this machine is {platform.machine()}"),
        (Path("/bin/true"), "is not the CNI shim of bgpnet"),
        (machine.root / "empty", f"{platform.machine()}/bgpnet: No such file or directory"),
    ):
        status, told = machine.install("--shim", str(shim))
        assert status == 1
        assert words in told
    folder = machine.root / "build"
    shutil.copytree(SHIM.parents[1], folder)
    assert machine.install("--shim", str(folder))[0] == 0


def test_an_agent_that_runs_would_put_everything_back(machine: Machine) -> None:
    assert machine.install()[0] == 0
    with held(RunDir(PurePosixPath(machine.root / "run")), "agent"):
        status, told = machine.uninstall()
    assert status == 2
    assert "another bgpnet agent holds it: stop that one" in told
    assert (machine.bin / "bgpnet").exists()


def test_pods_that_are_left_are_counted(machine: Machine, pod: Namespace) -> None:
    with cni_node("10.244.1.0/26") as node:
        assert node.add(pod).status == 0
        machine.namespace = node.host
        assert "1 links of pods are still there" in machine.uninstall()[1]


def test_the_reference_plug_ins_are_fit(machine: Machine) -> None:
    found = reference.built()
    if found is None:
        pytest.skip("the reference CNI programs are not built; make bench builds them, with Go")
    for plugin in ("portmap", "bandwidth", "tuning"):
        shutil.copy(found.folder / plugin, machine.bin / plugin)
    assert machine.install("--cni-chain", "portmap,bandwidth,tuning")[0] == 0
