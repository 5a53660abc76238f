"""Sysctls in a network namespace of their own: recorded before they change, put back at the end."""

import errno
import json
import stat
from pathlib import Path

import pytest

from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.errors import KernelError
from bgpnet.model.plan import Sysctl
from tests.netns import namespace

pytestmark = pytest.mark.kernel

FORWARD = "net/ipv4/ip_forward"
RP_FILTER = "net/ipv4/conf/all/rp_filter"
PORTS = "net/ipv4/ip_local_port_range"


def test_set_and_restore(tmp_path: Path) -> None:
    record = tmp_path / "sysctls.json"
    with namespace() as ns, ns.entered():
        sysctls = Sysctls(record)
        (before,) = sysctls.read((Sysctl(FORWARD, ""),))
        other = "0" if before.value == "1" else "1"
        sysctls.set(Sysctl(FORWARD, other))
        assert ns.run("cat", f"/proc/sys/{FORWARD}").stdout.strip() == other
        assert json.loads(record.read_text()) == {"version": 1, "found": {FORWARD: before.value}}
        assert stat.S_IMODE(record.stat().st_mode) == 0o600
        assert Sysctls(record).restore() == (before,)
        assert ns.run("cat", f"/proc/sys/{FORWARD}").stdout.strip() == before.value
        assert not record.exists()


def test_the_value_found_first_is_the_one_restored(tmp_path: Path) -> None:
    with namespace() as ns, ns.entered():
        first = Sysctls(tmp_path / "record").read((Sysctl(RP_FILTER, ""),))
        values = [value for value in ("0", "1", "2") if value != first[0].value]
        for value in values:
            Sysctls(tmp_path / "record").set(Sysctl(RP_FILTER, value))
        assert Sysctls(tmp_path / "record").restore() == first


def test_a_setting_that_fits_is_neither_written_nor_recorded(tmp_path: Path) -> None:
    with namespace() as ns, ns.entered():
        sysctls = Sysctls(tmp_path / "record")
        (now,) = sysctls.read((Sysctl(FORWARD, ""),))
        sysctls.set(now)
        assert not (tmp_path / "record").exists()
        assert sysctls.restore() == ()


def test_values_of_several_numbers(tmp_path: Path) -> None:
    with namespace() as ns, ns.entered():
        sysctls = Sysctls(tmp_path / "record")
        sysctls.set(Sysctl(PORTS, "20000 30000"))
        assert sysctls.read((Sysctl(PORTS, ""),)) == (Sysctl(PORTS, "20000 30000"),)
        sysctls.restore()
        assert sysctls.read((Sysctl(PORTS, ""),)) != (Sysctl(PORTS, "20000 30000"),)


def test_a_missing_setting_is_named_and_nothing_is_recorded(tmp_path: Path) -> None:
    missing = Sysctl("net/ipv4/conf/eth99/rp_filter", "2")
    sysctls = Sysctls(tmp_path / "record")
    assert sysctls.read((missing,)) == ()
    with pytest.raises(KernelError, match=r"net/ipv4/conf/eth99/rp_filter.*wanted 2") as caught:
        sysctls.set(missing)
    assert caught.value.errno == errno.ENOENT
    assert not (tmp_path / "record").exists()


def test_a_value_that_the_kernel_refuses_is_named(tmp_path: Path) -> None:
    with namespace() as ns, ns.entered(), pytest.raises(KernelError, match=r"nonsense refused \(EINVAL\)"):
        Sysctls(tmp_path / "record").set(Sysctl(FORWARD, "nonsense"))


def test_a_setting_whose_interface_is_gone_is_forgotten_at_restore(tmp_path: Path) -> None:
    with namespace() as ns, ns.entered():
        ns.ip("link", "add", "a0", "type", "veth", "peer", "name", "b0")
        sysctls = Sysctls(tmp_path / "record")
        (found,) = sysctls.read((Sysctl("net/ipv4/conf/a0/rp_filter", ""),))
        sysctls.set(Sysctl(found.path, "2" if found.value != "2" else "1"))
        ns.ip("link", "del", "a0")
        assert sysctls.restore() == ()
        assert not (tmp_path / "record").exists()


def test_an_interface_name_cannot_lead_out_of_proc_sys(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match=r"'\.\.'"):
        Sysctls(tmp_path / "record").set(Sysctl("net/ipv4/conf/../../../../etc/hostname", "x"))


def test_a_broken_record_does_not_stop_the_agent(tmp_path: Path) -> None:
    (tmp_path / "record").write_text("{")
    with namespace() as ns, ns.entered():
        sysctls = Sysctls(tmp_path / "record")
        sysctls.set(Sysctl(RP_FILTER, "1" if sysctls.read((Sysctl(RP_FILTER, ""),))[0].value != "1" else "2"))
        assert len(sysctls.restore()) == 1
