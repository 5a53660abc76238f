"""ExaBGP's configuration: one golden text, and the judgement of the program that reads it."""

import json
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from itertools import permutations
from pathlib import Path, PurePosixPath

import pytest

from bgpnet.model.net import Family
from bgpnet.model.plan import Session
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.secret import Secret
from bgpnet.render.exabgp import exabgp_conf, inexpressible
from bgpnet.render.generation import advertised_in, generation_of
from bgpnet.speaker.exabgp import environment, validation

GOLDEN = Path(__file__).parent / "golden" / "exabgp.conf"
RELAY = (sys.executable, "-ISE", "/opt/bgpnet/relay.py", "/run/bgpnet/speaker/relay.sock")

V4 = Session(
    ref=ObjectRef("BGPPeer", "tor1"),
    peer=ip_address("10.0.1.1"),
    peer_asn=65001,
    local_address=ip_address("10.0.1.11"),
    local_asn=64512,
    router_id=IPv4Address("10.0.1.11"),
    hold_time=9,
    restart_time=120,
    families=(Family.IPV6, Family.IPV4),
    password=None,
    link="eth1",
)
V6 = replace(
    V4,
    ref=ObjectRef("BGPPeer", "tor2"),
    peer=ip_address("2001:db8:2::1"),
    peer_asn=4200000001,
    local_address=ip_address("2001:db8:2::11"),
    restart_time=0,
    families=(Family.IPV6,),
    password=Secret("fabric"),
    ttl_security=1,
)


def validated(tmp_path: Path, text: str) -> tuple[int, str]:
    """What `exabgp validate` says of a text."""
    (tmp_path / "exabgp.env").touch()
    file = tmp_path / "exabgp.conf"
    file.write_text(text)
    program = Path(sys.executable).with_name("exabgp")
    done = subprocess.run(
        [program, "validate", "-n", file],
        env=environment(PurePosixPath(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout + done.stderr


def test_golden() -> None:
    text = exabgp_conf([V4, V6], ("/usr/bin/python3", *RELAY[1:]))
    assert text == GOLDEN.read_text()


def test_the_program_that_reads_it_accepts_it(tmp_path: Path) -> None:
    assert validated(tmp_path, exabgp_conf([V4, V6], RELAY)) == (0, "")


def test_no_session_at_all_is_a_configuration_too(tmp_path: Path) -> None:
    assert validated(tmp_path, exabgp_conf([], RELAY))[0] == 0


def test_the_validation_can_refuse(tmp_path: Path) -> None:
    code, words = validated(tmp_path, exabgp_conf([V4], RELAY).replace("hold-time", "hold-tight"))
    assert code == 1
    assert "hold-tight" in words


def test_the_order_of_the_sessions_does_not_matter() -> None:
    third = replace(V4, peer=ip_address("9.0.0.1"))
    texts = {exabgp_conf(order, RELAY) for order in permutations([V4, V6, third])}
    assert len(texts) == 1


def test_the_generation_changes_with_every_byte_but_only_then() -> None:
    plain = generation_of(exabgp_conf([V4], RELAY))
    assert len(plain) == 16
    assert plain == generation_of(exabgp_conf([V4], RELAY))
    assert plain != generation_of(exabgp_conf([replace(V4, hold_time=12)], RELAY))
    assert plain != generation_of(exabgp_conf([replace(V4, password=Secret("x"))], RELAY))
    assert exabgp_conf([V4, V6], RELAY).count(generation_of(exabgp_conf([V4, V6], RELAY))) == 3


def test_a_text_of_somebody_else_has_no_generation() -> None:
    assert generation_of("neighbor 10.0.0.1 {}\n") == ""


READ_BACK = """
import json, sys
from exabgp.environment import getenv
from exabgp.configuration.configuration import Configuration
from exabgp.logger import log
from exabgp.util.psk import decode_base64
log.init(getenv())
configuration = Configuration([sys.argv[1]])
assert configuration.reload(), configuration.error
keys = {}
for neighbor in configuration.neighbors.values():
    assert neighbor["md5-base64"] is True
    keys[neighbor["peer-address"].top()] = decode_base64(neighbor["md5-password"]).decode()
print(json.dumps(keys))
"""


def test_any_password_reaches_the_kernel_as_it_is(tmp_path: Path) -> None:
    """ExaBGP's own tokeniser and decoder read the keys back."""
    hostile = [
        "plain",
        "both \" and '",
        "back\\slash\\",
        "# ; { } [ ]",
        "ünï ☃",
        "  ",
        "x" * 80,
        "a\nb",
        "\x00",
    ]
    passwords = {f"10.0.1.{number}": password for number, password in enumerate(hostile, 1)}
    sessions = [replace(V4, peer=ip_address(peer), password=Secret(text)) for peer, text in passwords.items()]
    assert validated(tmp_path, exabgp_conf(sessions, RELAY)) == (0, "")
    read = subprocess.run(
        [sys.executable, "-c", READ_BACK, tmp_path / "exabgp.conf"],
        env=environment(PurePosixPath(tmp_path)),
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert json.loads(read.stdout) == passwords


@pytest.mark.parametrize(
    ("session", "field"),
    [
        (replace(V4, password=Secret("")), "password"),
        (replace(V4, password=Secret("x" * 81)), "password"),
        (replace(V4, password=Secret("☃" * 27)), "password"),
        (replace(V4, hold_time=2), "holdTime"),
        (replace(V4, restart_time=4096), "restartTime"),
        (replace(V4, local_asn=23456), "localASN"),
        (replace(V4, local_address=V6.local_address), "sourceAddress"),
        (replace(V4, families=()), "families"),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(session: Session, field: str) -> None:
    refusal = inexpressible(session)
    assert refusal is not None
    assert (refusal.object, refusal.field) == (V4.ref, field)
    assert "xxxx" not in str(refusal)
    with pytest.raises(ValueError, match=field):
        exabgp_conf([V6, session], RELAY)


def test_a_hold_time_of_zero_means_no_keepalives_and_is_fine() -> None:
    assert inexpressible(replace(V4, hold_time=0)) is None


def test_odd_paths_of_the_relay_are_quoted(tmp_path: Path) -> None:
    odd = (sys.executable, "-ISE", str(tmp_path / "a b {c}; #d"), "back\\slash")
    assert validated(tmp_path, exabgp_conf([V4], odd))[0] == 0
    with pytest.raises(ValueError, match="plain ASCII"):
        exabgp_conf([V4], (sys.executable, "a 'quote'"))


ON_LINKS = [
    replace(
        V4,
        ref=ObjectRef("BGPPeer", "tors"),
        peer=ip_address(f"fe80::1%{link}"),
        peer_asn=0,
        local_address=ip_address("fe80::2"),
        link=link,
        extended_next_hop=True,
        password=Secret("key"),
    )
    for link in ("eth1", "eth2.100")
]
"""Two routers of one link-local address on two links, of any AS."""


def test_one_link_local_address_on_two_links_is_two_peers(tmp_path: Path) -> None:
    """By the program that runs: ExaBGP as it comes takes them for one, and refuses both."""
    (tmp_path / "exabgp.env").touch()
    text = exabgp_conf([V4, *ON_LINKS], RELAY)
    (tmp_path / "exabgp.conf").write_text(text)
    child = validation(PurePosixPath(tmp_path / "exabgp.conf"))
    done = subprocess.run(
        child.argv, env=child.environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert validated(tmp_path, text)[0] == 1


def test_a_link_whose_name_cannot_be_expressed_is_refused_by_name() -> None:
    odd = replace(ON_LINKS[0], peer=ip_address("fe80::1%a;b"), link="a;b")
    refusal = inexpressible(odd)
    assert refusal is not None
    assert (refusal.field, refusal.found) == ("link", "a;b")


def test_hops(tmp_path: Path) -> None:
    far = [replace(V4, multihop=3), replace(V4, peer=ip_address("10.0.1.9"), ttl_security=2)]
    text = exabgp_conf(far, RELAY)
    assert ("outgoing-ttl 3;" in text, "incoming-ttl 254;" in text) == (True, True)
    assert validated(tmp_path, text) == (0, "")


def test_the_links_to_advertise_on_stand_in_the_text_and_in_its_generation(tmp_path: Path) -> None:
    plain, told = exabgp_conf([V4], RELAY), exabgp_conf([V4], RELAY, ["eth2", "eth1", "eth2"])
    assert advertised_in(plain) == frozenset()
    assert advertised_in(told) == frozenset({"eth1", "eth2"})
    assert generation_of(plain) != generation_of(told)
    assert validated(tmp_path, told) == (0, "")
