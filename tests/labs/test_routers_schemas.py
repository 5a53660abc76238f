"""EOS and NVUE lines before the vendors' schema tools (`make oracles`): pyavd and nvueschema."""

import re
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from bgpnet.model.net import Family
from bgpnet.model.router import System
from bgpnet.render.routers.rendered import rendered
from tests.generated import EXAMPLES, REPOSITORY
from tests.unit.routerfacts import one, tor
from tests.unit.routervariants import variants

PYTHON = REPOSITORY / "build" / "oracles" / "bin" / "python"

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="the vendors' schema tools are not installed: make oracles"
    ),
]


def oracle(script: str, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a script of tests/oracles says of the text."""
    path = REPOSITORY / "tests" / "oracles" / script
    return subprocess.run(
        [PYTHON, path, *arguments], input=text, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_line_of_eos_is_one_that_pyavd_writes_for_the_same_intent() -> None:
    """But for a key of type 0, which it writes encrypted only, and the helper, which it has no key for."""
    done = oracle("eos.py", (EXAMPLES / "eos" / "tor1.conf").read_text())
    assert done.stderr == ""
    left = [re.sub(r"K8S_TOR1(_V6)?\b.*", "G", line) for line in done.stdout.splitlines()]
    assert left == ["graceful-restart-helper", "neighbor G", "neighbor G"]
    assert done.stdout.count("password 0 ${BGP_SECRET_") == 2


def test_what_links_without_addresses_take_is_what_pyavd_writes() -> None:
    told = tor(
        node_subnet=None, system=System.EOS, interfaces=("Ethernet1",), router_id=IPv4Address("10.0.1.1")
    )
    told = replace(told, ref=replace(told.ref, name="links"), peer_address=None, families=tuple(Family))
    text = rendered(one(replace(told, interfaces=("eth1",)))).configuration
    of_links = re.compile(
        r" *(ip routing|ipv6 unicast|interface|ipv6 enable|neighbor interface|neighbor .* originate)"
    )
    lines = [line for line in text.splitlines() if of_links.match(line)]
    assert len(lines) == 6
    assert oracle("eos.py", "\n".join(lines)).stdout.strip() == ""


def test_pyavd_s_word_counts() -> None:
    text = (EXAMPLES / "eos" / "tor1.conf").read_text().replace("missing-policy", "missing-policies")
    assert "missing-policies" in oracle("eos.py", text).stdout


@pytest.mark.parametrize("version", ["5.16", "5.14"])
def test_every_line_of_nvue_is_one_of_its_model(version: str) -> None:
    lines = {line for text in variants(System.NVUE, version) for line in text.splitlines()}
    done = oracle("nvue.py", "\n".join(sorted(lines)), version)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)


def test_a_line_of_another_version_is_told_from_one_of_this() -> None:
    line = "nv set vrf default router bgp peer-group K8S_TOR1 ttl-security enable on\n"
    assert oracle("nvue.py", line, "5.14").returncode == 0
    assert oracle("nvue.py", line, "5.16").stdout.strip() == line.strip()


def test_the_example_is_of_the_model() -> None:
    text = "".join(path.read_text() for path in (EXAMPLES / "nvue").glob("tor?.txt"))
    assert oracle("nvue.py", text, "5.16").returncode == 0
