"""The lab rack: every kind of bad input, in a running node.

Each is told by the log, by `bgpnet status` (text, JSON) and by its exit code: object, field, what was found,
remedy. Nothing else changes: the ToR's word is that no session fell and no UPDATE came, and packets flow.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.netlab import demo, life, probes, reading
from tests.netlab.lab import REPOSITORY, Lab

pytestmark = pytest.mark.lab

FOLDER = REPOSITORY / "tests" / "labs" / "rack"
GOOD = {path.name: path.read_bytes() for path in sorted((FOLDER / "configs" / "manifests").iterdir())}
IN_FORCE = 10.0
"""Seconds until an edit acts: one, and the rest for a machine that does other things."""

NODE, TOR1, TOR2 = GOOD["21-node1.yaml"], GOOD["11-tor1.yaml"], GOOD["12-tor2.yaml"]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one bad thing; of found and remedy a part."""

    object: str
    field: str
    found: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Bad:
    """A change of the manifests, and what is to be told of it."""

    name: str
    told: tuple[Told, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    make: Callable[[Path], None] = lambda _: None

    def put(self, folder: Path) -> None:
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        self.make(folder)


def bad(
    name: str,
    file: str,
    content: str | bytes,
    *told: tuple[str, str, str, str, str],
) -> Bad:
    """A file that comes, or takes the place of a good one."""
    text = content.encode() if isinstance(content, str) else content
    return Bad(name, tuple(Told(*each) for each in told), {file: text})


def made(name: str, file: str, found: str, remedy: str, make: Callable[[Path], None]) -> Bad:
    """Something in the folder that is no file one can read."""
    return Bad(name, (Told(file, "", found, "UnreadableFile", remedy),), make=lambda at: make(at / file))


def peer(name: str, spec: str, metadata: str = "") -> str:
    return (
        "apiVersion: bgpnet.io/v1alpha1\nkind: BGPPeer\n"
        f"metadata: {metadata or f'{{name: {name}}}'}\nspec: {spec}\n"
    )


def node(name: str, cidr: str, addresses: str = "[{type: InternalIP, address: 10.0.1.12}]") -> str:
    return (
        f"apiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\nspec: {{podCIDRs: [{cidr}]}}\n"
        f"status: {{addresses: {addresses}}}\n"
    )


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def vanish(folder: Path) -> None:
    folder.rename(folder.with_name("away"))


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 50_000_000)


UNNUMBERED = "BGPPeer/unnumbered (38-unnumbered.yaml:1)"

KEPT = "its last good state stays in force"
ASN = "spec.peerASN"
BAD = (
    bad(
        "a prefix outside every pool",
        "21-node1.yaml",
        NODE.replace(b"[10.244.1.0/26]", b"[10.244.1.0/26, 10.99.0.0/26]"),
        ("Node/node1 (21-node1.yaml:1)", "spec.podCIDRs[1]", "10.99.0.0/26", "OutsidePools", "add or widen"),
    ),
    bad(
        "two nodes that claim one prefix",
        "22-node2.yaml",
        node("node2", "10.244.1.0/26"),
        (
            "Node/node2 (22-node2.yaml:1)",
            "spec.podCIDRs[0]",
            "10.244.1.0/26",
            "PrefixConflict",
            "Node/node1, which is older or first by name and keeps it; give this node another prefix",
        ),
    ),
    bad(
        "a peer with our own address",
        "13-own.yaml",
        peer("own", "{peerAddress: 10.0.2.11, peerASN: 65001}"),
        ("BGPPeer/own (13-own.yaml:1)", "spec.peerAddress", "10.0.2.11", "OwnAddress", "name the router's"),
    ),
    bad(
        "a peer with AS 0",
        "12-tor2.yaml",
        TOR2.replace(b"65001", b"0"),
        ("BGPPeer/tor2 (12-tor2.yaml:6)", ASN, "0", "InvalidField", "AS 0 is reserved (RFC 7607)"),
    ),
    bad(
        "an unknown field",
        "12-tor2.yaml",
        TOR2 + b"  holdTimer: 30\n",
        (
            "BGPPeer/tor2 (12-tor2.yaml:9)",
            "spec.holdTimer",
            "a number",
            "UnknownField",
            "did you mean holdTime?",
        ),
    ),
    bad(
        "an unknown field of a Node",
        "21-node1.yaml",
        NODE.replace(b"podCIDRs", b"podCidrs"),
        (
            "Node/node1 (21-node1.yaml:5)",
            "spec.podCidrs",
            "a list",
            "UnknownField",
            "did you mean podCIDRs?",
        ),
    ),
    bad(
        "a node without addresses",
        "21-node1.yaml",
        NODE.partition(b"status:")[0],
        ("Node/node1 (21-node1.yaml:1)", "status.addresses", "empty", "NoAddress", "stay as they are until"),
    ),
    bad(
        "another node without addresses",
        "22-node2.yaml",
        node("node2", "10.244.2.0/26", "[]"),
        ("Node/node2 (22-node2.yaml:1)", "status.addresses", "empty", "NoAddress", "--node-ip"),
    ),
    bad(
        "host bits set in a prefix",
        "21-node1.yaml",
        NODE.replace(b"10.244.1.0/26", b"10.244.1.7/26"),
        (
            "Node/node1 (21-node1.yaml:5)",
            "spec.podCIDRs[0]",
            '"10.244.1.7/26"',
            "HostBitsSet",
            "write 10.244.1.0/26",
        ),
    ),
    bad(
        "a duplicate peer",
        "10-twin.yaml",
        peer("a-twin", "{peerAddress: 10.0.1.1, peerASN: 65009}"),
        (
            "BGPPeer/a-twin (10-twin.yaml:1)",
            "spec.peerAddress",
            "10.0.1.1",
            "DuplicatePeer",
            "BGPPeer/tor1 (11-tor1.yaml:1) has this address for this node; remove one",
        ),
    ),
    bad(
        "a file cut in half",
        "12-tor2.yaml",
        TOR2[: TOR2.index(b"peerASN") + 4],
        ("12-tor2.yaml:7", "", "could not find expected ':'", "BrokenFile", KEPT),
    ),
    Bad(
        "a configuration that vanishes",
        tuple(
            Told(
                f"BGPPeer/tor{n} (1{n}-tor{n}.yaml:1)",
                "spec.localASN",
                "not set",
                "NoLocalASN",
                "keeps its sessions and routes as they are",
            )
            for n in (1, 2)
        ),
        make=lambda folder: (folder / "00-bgp.yaml").unlink(),
    ),
    Bad(
        "an empty folder",
        (Told("Node/node1", "metadata.name", "not there", "NoNode", "until one has, all stays as it is"),),
        make=empty,
    ),
    Bad(
        "a folder that vanishes",
        (Told("/etc/bgpnet/manifests", "", "ENOENT: No such file or directory", "SourceGone", "last good"),),
        make=vanish,
    ),
)

TORS = (
    bad("an empty file", "11-tor1.yaml", b"", ("11-tor1.yaml", "", "empty", "BrokenFile", KEPT)),
    bad(
        "a file that is not UTF-8",
        "12-tor2.yaml",
        TOR2 + b"# f\xfcr Tor 2\n",
        ("12-tor2.yaml:9", "", f"UTF-8 octet at byte {len(TOR2) + 3}", "BrokenFile", KEPT),
    ),
    bad(
        "a binary file",
        "11-tor1.yaml",
        bytes(range(256)) * 16,
        ("11-tor1.yaml:1", "", "control characters are not allowed at byte 0", "BrokenFile", KEPT),
    ),
    made("a file of 50 MB", "12-tor2.yaml", "it is larger than 4 MiB", f"{KEPT}; split it", huge),
    bad(
        "a tab",
        "11-tor1.yaml",
        TOR1.replace(b"  peerASN", b"\tpeerASN"),
        ("11-tor1.yaml:6", "", "a tab where only spaces may indent", "BrokenFile", KEPT),
    ),
    bad(
        "a doubled key",
        "12-tor2.yaml",
        TOR2 + b"  peerASN: 65009\n",
        ("12-tor2.yaml:9", "", 'the field "peerASN" is there twice', "BrokenFile", KEPT),
    ),
    bad(
        "another apiVersion",
        "11-tor1.yaml",
        TOR1.replace(b"v1alpha1", b"v1"),
        (
            "BGPPeer/tor1 (11-tor1.yaml:1)",
            "apiVersion",
            '"bgpnet.io/v1"',
            "UnknownKind",
            "write apiVersion: bgpnet.io/v1alpha1",
        ),
    ),
    bad(
        "another kind",
        "12-tor2.yaml",
        TOR2.replace(b"BGPPeer", b"BgpPeer"),
        ("BgpPeer/tor2 (12-tor2.yaml:1)", "kind", '"BgpPeer"', "UnknownKind", "did you mean BGPPeer?"),
    ),
    bad(
        "a List without items",
        "11-tor1.yaml",
        "apiVersion: v1\nkind: List\nitems:\n",
        ("11-tor1.yaml:3", "", "null", "InvalidField", "write an object with apiVersion, kind"),
    ),
    bad(
        "bad documents among good ones",
        "12-tor2.yaml",
        peer("far", "{peerAddress: 10.0.9.1, peerASN: 65536000000}").encode()
        + b"---\n"
        + TOR2
        + b"---\n[]\n",
        ("BGPPeer/far (12-tor2.yaml:4)", ASN, "65536000000", "InvalidField", "4294967295 or less"),
        ("12-tor2.yaml:15", "", "[]", "InvalidField", "write an object with apiVersion, kind"),
    ),
)
"""Each keeps the last good state of a session that is up; two at once, as each is of one of two files."""

STRANGERS = (
    made(
        "a link to nothing",
        "30-link.yaml",
        "ENOENT: No such file or directory",
        "nothing of it is in force; make it readable, or remove it",
        lambda path: path.symlink_to("nowhere"),
    ),
    made("a folder named x.yaml", "31-x.yaml", "EISDIR: Is a directory", "nothing of it", Path.mkdir),
    made("a pipe named x.yaml", "32-x.yaml", "it is no regular file", "nothing of it", os.mkfifo),
    bad(
        "an alias bomb",
        "33-bomb.yaml",
        bomb(),
        ("33-bomb.yaml:6", "", "more than 200000 values, aliases counted", "BrokenFile", "correct the file"),
    ),
    bad(
        "one object in two files",
        "01-tor1.yaml",
        peer("tor1", "{peerAddress: 10.0.1.1, peerASN: 65009}"),
        (
            "BGPPeer/tor1 (01-tor1.yaml:1)",
            "metadata.name",
            '"tor1"',
            "DuplicateObject",
            "BGPPeer/tor1 (11-tor1.yaml:1) is in force",
        ),
    ),
    bad(
        "a number for a text and a text for a number",
        "35-far.yaml",
        peer("", "{peerAddress: 10.0.9.1, peerASN: '65001'}", "{name: 7}"),
        ("35-far.yaml:3", "metadata.name", "7", "InvalidField", "put it in quotes"),
        ("35-far.yaml:4", ASN, '"65001"', "InvalidField", "write an AS number without quotes"),
    ),
    bad(
        "AS 2^32 at an address like a MAC's",
        "36-far.yaml",
        peer("far", "{peerAddress: 02:00:00:00:00:01, peerASN: 4294967296}"),
        ("BGPPeer/far (36-far.yaml:4)", ASN, "4294967296", "InvalidField", "4294967295 or less"),
        (
            "BGPPeer/far (36-far.yaml:4)",
            "spec.peerAddress",
            '"02:00:00:00:00:01"',
            "InvalidField",
            "write an IP address in quotes",
        ),
    ),
    bad(
        "a name that a terminal would act on",
        "37-\udcff\x1b[31m\n.yaml",
        peer("far", "{peerAddress: 10.0.9.1, peerASN: 65001}"),
        (
            r"BGPPeer/far (37-\udcff\x1b[31m\n.yaml:1)",
            "spec.peerAddress",
            "10.0.9.1",
            "NotConnected",
            "`ip address` on the node",
        ),
    ),
    bad(
        "an interface that does not exist yet",
        "38-unnumbered.yaml",
        peer("unnumbered", "{fromInterface: ['swp*'], peerASN: external}"),
        (UNNUMBERED, "spec.fromInterface", "swp*", "NoInterface", "the session comes by itself"),
    ),
    bad(
        "default gateways of a node that has none",
        "39-gateways.yaml",
        peer("gateways", "{fromDefaultGateway: {}, peerASN: 65001}"),
        (
            "BGPPeer/gateways (39-gateways.yaml:1)",
            "spec.fromDefaultGateway",
            "",
            "NoDefaultGateway",
            "the session comes when the route does",
        ),
    ),
    bad(
        "a Secret that is not there, and a hold time of 2",
        "40-key.yaml",
        peer("keyed", "{peerAddress: 10.0.1.5, peerASN: 65001, passwordSecret: {name: keys}}")
        + "---\n"
        + peer("hasty", "{peerAddress: 10.0.1.6, peerASN: 65001, holdTime: 2}"),
        (
            "BGPPeer/keyed (40-key.yaml:1)",
            "spec.passwordSecret",
            "",
            "PasswordUnreadable",
            "key password of Secret/keys: it is not there",
        ),
        ("BGPPeer/hasty (40-key.yaml:9)", "spec.holdTime", "2", "InvalidField", "at least 3 seconds"),
    ),
    bad(
        "a TTL that is checked and one that is not 255",
        "41-hops.yaml",
        peer("hops", "{peerAddress: 10.0.9.1, peerASN: 65001, multihop: 2, ttlSecurity: 2}"),
        (
            "BGPPeer/hops (41-hops.yaml:4)",
            "spec",
            "",
            "InvalidField",
            "remove multihop or ttlSecurity",
        ),
    ),
)
"""Files that come beside the good ones; all at once."""


class Rack:
    """The lab, its manifests, and what the ToR and the node say."""

    def __init__(self, lab: Lab, site: Path) -> None:
        self.tor, self.node = lab.node("tor"), lab.node("node1")
        self.folder = site / "manifests"
        self.is_fine = False

    def good(self) -> None:
        """Every manifest as it should be, and nothing else."""
        self.folder.mkdir(exist_ok=True)
        away = self.folder.with_name("away")
        if away.exists():
            shutil.rmtree(self.folder)
            away.rename(self.folder)
        for path in self.folder.iterdir():
            if path.is_dir():
                path.rmdir()
            elif path.name not in GOOD:
                path.unlink()
        for name, content in GOOD.items():
            path = self.folder / name
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)

    def status(self) -> tuple[int, dict[str, Any]]:
        """Exit code of `bgpnet status -o json`, and what it prints."""
        done = self.node.run(demo.BGPNET, "status", "-o", "json")
        return done.code, json.loads(done.stdout) if done.stdout else {"error": done.stderr}

    def wait(self, holds: Callable[[int, dict[str, Any]], bool], within: float) -> dict[str, Any]:
        """What `status` says when it `holds`."""
        deadline = time.monotonic() + within
        while True:
            code, told = self.status()
            if holds(code, told):
                return told
            assert time.monotonic() < deadline, (code, told)
            time.sleep(0.05)

    def fine(self, within: float = IN_FORCE) -> None:
        """Wait until it is."""
        self.wait(lambda code, _: code == 0, within)
        self.is_fine = True

    def heard(self) -> dict[str, tuple[object, ...]]:
        """By the ToR's word of each session: its state, how often it came and went, UPDATEs received."""
        shown = self.tor.run("vtysh", "-c", "show bgp neighbors json").checked("vtysh").stdout
        return {
            peer: (
                told["bgpState"],
                told["connectionsEstablished"],
                told["connectionsDropped"],
                told["messageStats"]["updatesRecv"],
            )
            for peer, told in json.loads(shown).items()
        }

    def heard_out(self) -> bool:
        """Whether the ToR has End-of-RIB over both sessions: the last UPDATE of a new one."""
        shown = self.tor.run("vtysh", "-c", "show bgp neighbors json").checked("vtysh").stdout
        ends = [told["gracefulRestartInfo"]["endOfRibRecv"] for told in json.loads(shown).values()]
        return len(ends) == len(WAYS) and all(end.get("ipv4Unicast") for end in ends)

    def held(self) -> tuple[dict[str, tuple[object, ...]], int]:
        """How often each session came and went, and the version of the ToR's table: no route changed."""
        table = self.tor.run("vtysh", "-c", "show bgp ipv4 unicast json").checked("vtysh").stdout
        return {peer: told[:3] for peer, told in self.heard().items()}, json.loads(table)["tableVersion"]

    def logged(self) -> int:
        """Length of the node's log, bytes."""
        return self.node.log.stat().st_size

    def log(self, since: int) -> list[str]:
        """The log's lines after its first `since` bytes."""
        return self.node.log.read_bytes()[since:].decode().splitlines()

    def ways(self) -> tuple[set[str], set[str]]:
        """Next hops in the kernels: of the ToR to the pods, of the node to the VM."""
        return gateways(self.tor.ip_json("route", "show", "10.244.1.0/26")), gateways(
            self.node.ip_json("route", "show", "192.0.2.0/24", "proto", "179")
        )


def gateways(routes: list[dict[str, Any]]) -> set[str]:
    return {hop["gateway"] for route in routes for hop in route.get("nexthops", [route]) if "gateway" in hop}


WAYS = ({"10.0.1.11", "10.0.2.11"}, {"10.0.1.1", "10.0.2.1"})


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What the node said when there was no folder yet."""

    code: int
    status: dict[str, Any]
    text: str
    log: str


@pytest.fixture(scope="module")
def first_start_and_rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FirstStart, Rack]]:
    """The rack up, without its folder at first."""
    work = tmp_path_factory.mktemp("rack")
    site = work / "site"
    site.mkdir()
    environment = {**os.environ, "SITE": str(site)}
    topology = reading.read(
        FOLDER, reading.Options(work / "out", environment, name_prefix=f"b{os.getpid()}-")
    )
    with life.running(topology, work / "out", print) as lab:
        rack = Rack(lab, site)
        status = rack.wait(lambda _, told: bool(told.get("rejections")), 20)
        page = rack.node.run(demo.BGPNET, "status")
        first = FirstStart(page.code, status, page.stdout, rack.node.log.read_text(encoding="utf-8"))
        rack.good()
        rack.fine(20)
        rack.node.run("pod", "add", "pod11").checked("pod add")
        demo.until("both ways in both kernels", lambda: rack.ways() == WAYS)
        demo.until("the ToR has heard all that there is to tell", rack.heard_out)
        yield first, rack


@pytest.fixture
def rack(first_start_and_rack: tuple[FirstStart, Rack]) -> Iterator[Rack]:
    """The rack, fine; put back after the test."""
    _, rack = first_start_and_rack
    if not rack.is_fine:  # a test failed half-way
        rack.fine()
    rack.is_fine = False
    yield rack
    rack.good()


def check_told(rack: Rack, bads: tuple[Bad, ...], since: int) -> None:
    """Log, JSON, text and exit code tell all of it, and nothing else."""
    all_told = [told for bad in bads for told in bad.told]
    reasons = sorted(told.reason for told in all_told)
    status = rack.wait(
        lambda _, said: sorted(each["reason"] for each in said["rejections"]) == reasons, IN_FORCE
    )
    page = rack.node.run(demo.BGPNET, "status")
    assert page.code == 1
    warnings = [line for line in rack.log(since) if " level=warning " in line and 'msg="rejected ' in line]
    for told in all_told:
        check_one(told, status["rejections"], page.stdout, warnings)


def check_one(told: Told, rejections: list[dict[str, str]], page: str, warnings: list[str]) -> None:
    """One thing is told in the JSON, on the page and in the log."""
    (said,) = (each for each in rejections if (each["object"], each["field"]) == (told.object, told.field))
    assert said["reason"] == told.reason
    assert told.found in said["found"]
    assert told.remedy in said["remedy"]
    detail = " = ".join(part for part in (said["field"], said["found"]) if part)
    what = f"  {told.object}  {detail}"
    first, second = next(pair for pair in pairwise(page.splitlines()) if pair[0].endswith(what))
    assert first.removesuffix(what).strip() == told.reason
    assert second.strip() == said["remedy"]
    words = [json.dumps(part, ensure_ascii=False)[1:-1] for part in (told.object, said["found"])]
    assert any(all(word in line for word in (*words, told.reason, told.remedy)) for line in warnings)


@contextmanager
def nothing_changes(rack: Rack) -> Iterator[None]:
    """No session falls, no UPDATE goes to the ToR, both ways stay in both kernels."""
    heard = rack.heard()
    assert {state for state, *_ in heard.values()} == {"Established"}
    yield
    assert rack.heard() == heard
    assert rack.ways() == WAYS


@pytest.mark.parametrize(
    "bads",
    [*((bad,) for bad in BAD), *zip(TORS[::2], TORS[1::2], strict=True), STRANGERS],
    ids=lambda bads: " and ".join(bad.name for bad in bads[:2]),
)
def test_bad_input_is_told_and_harms_nothing_else(bads: tuple[Bad, ...], rack: Rack) -> None:
    since = rack.logged()
    with nothing_changes(rack):
        for bad in bads:
            bad.put(rack.folder)
        check_told(rack, bads, since)
        assert rack.ways() == WAYS
        rack.good()
        rack.fine()
    assert any("no longer rejected" in line for line in rack.log(since))


def test_a_folder_that_was_never_there_is_told(first_start_and_rack: tuple[FirstStart, Rack]) -> None:
    first, _ = first_start_and_rack
    assert first.code == 1
    assert "not ready: the source of objects has not been read yet" in first.text.splitlines()[0]
    gone = Told(
        "/etc/bgpnet/manifests", "", "ENOENT: No such file or directory", "SourceGone", "mend --source"
    )
    check_one(gone, first.status["rejections"], first.text, first.log.splitlines())
    assert first.log.count("SourceGone") == 1


def test_packets_flow_while_all_of_it_comes_and_goes(rack: Rack) -> None:
    vm, pod = probes.Place(rack.tor, "192.0.2.10"), probes.Place(rack.node, "10.244.1.1", "pod11")
    with nothing_changes(rack), probes.flowing(vm, pod) as probe:
        probe.wait_until_flowing()
        probe.mark()
        for bads in (BAD[:-3], TORS[::2], TORS[1::2], STRANGERS, BAD[-3:-2], BAD[-2:-1], BAD[-1:]):
            for bad in bads:
                bad.put(rack.folder)
            reasons = {told.reason for bad in bads[-1:] for told in bad.told}
            rack.wait(lambda _, said, wanted=reasons: wanted <= reasons_in(said), IN_FORCE)  # type: ignore[misc]
            rack.good()
            rack.fine()
        result = probe.finish()
    assert result.lost == 0, result.worst


def reasons_in(status: dict[str, Any]) -> set[str]:
    return {each["reason"] for each in status["rejections"]}


def test_a_foreign_route_of_the_same_prefix_is_told_and_left_alone(rack: Rack) -> None:
    """By hand at metric 0 it hides ours; with our metric it is in our place. Neither is touched."""
    since = rack.logged()
    by_hand = ("192.0.2.0/24", "via", "10.0.1.1")
    for options, found, consequence in (
        (("metric", "0"), "boot, metric 0", "it hides ours"),
        (("metric", "179", "proto", "static"), "static, metric 179", "ours is not installed"),
    ):
        with nothing_changes(rack):
            rack.node.run("ip", "route", "replace", *by_hand, *options).checked("ip route")
            remedy = f"{consequence}; find who made it (`ip -4 route show 192.0.2.0/24`) and remove it"
            told = Told("Route/192.0.2.0/24", "protocol", found, "ForeignRoute", remedy)
            check_told(rack, (Bad("", (told,)),), since)
            there = rack.node.run("ip", "route", "show", "192.0.2.0/24", *options[:2]).stdout
            assert "via 10.0.1.1" in there
            assert "nexthop" not in there
            rack.node.run("ip", "route", "del", *by_hand, *options).checked("ip route")
            rack.fine()


def test_peers_that_nobody_answers_for_harm_nothing_else(rack: Rack) -> None:
    """A rack is configured before its routers are there. Each peer says why it is not up."""
    absent = {f"10.0.1.{number}" for number in range(100, 118)}
    manifest = "---\n".join(
        peer(f"spare{number}", f"{{peerAddress: {address}, peerASN: 65001}}")
        for number, address in enumerate(sorted(absent | {"10.0.1.0", "10.0.1.255"}))
    )
    with nothing_changes(rack):
        (rack.folder / "40-spares.yaml").write_text(manifest)
        told = rack.wait(lambda _, said: len(said["sessions"]) == 22, IN_FORCE)
        down = [each for each in told["sessions"] if each["object"].startswith("BGPPeer/spare")]
        assert all(each["reason"] for each in down)
        assert not told["rejections"]
        rack.wait(lambda _, said: absent == unreachable(said), 10)
        rack.good()
        rack.fine(10)


def unreachable(status: dict[str, Any]) -> set[str]:
    return {each["peer"] for each in status["sessions"] if "cannot be reached" in each["reason"]} - {
        "10.0.1.0"
    }


def test_an_agent_that_starts_amid_bad_input_keeps_what_was_in_force(rack: Rack) -> None:
    """The last good state is on disk, and with it who was there first; the routes are told again."""
    before = rack.held()
    for bads in (
        (named("a file cut in half"), named("a duplicate peer")),
        (named("a folder that vanishes"),),
    ):
        for bad in bads:
            bad.put(rack.folder)
        check_told(rack, bads, 0)
        since = rack.logged()
        rack.node.signal(signal.SIGKILL, "bgpnet", "agent")
        demo.until("the agent is back", lambda: rack.status()[0] == 1)
        check_told(rack, bads, since)
        rack.good()
        rack.fine()
        assert rack.held() == before
        assert rack.ways() == WAYS


def named(name: str) -> Bad:
    return next(bad for bad in BAD if bad.name == name)


def test_a_storm_of_edits_ends_with_the_last_one(rack: Rack) -> None:
    """Written in place, in halves, renamed over, removed and written again: no edit is taken for an order."""
    path, other = rack.folder / "12-tor2.yaml", rack.folder / "new"
    with nothing_changes(rack):
        for number in range(2000):
            content = TOR2 + b"# edit %d\n" % number
            match number % 4:
                case 0:
                    path.write_bytes(content)
                case 1:
                    with path.open("wb") as file:
                        file.write(content[: number % len(content)])
                        file.flush()
                        file.write(content[number % len(content) :])
                case 2:
                    other.write_bytes(content)
                    other.rename(path)
                case _:
                    path.unlink()
                    path.write_bytes(content)
        path.write_bytes(TOR2.replace(b"65001", b"0"))
        rack.wait(lambda _, said: reasons_in(said) == {"InvalidField"}, IN_FORCE)
        rack.good()
        rack.fine()
