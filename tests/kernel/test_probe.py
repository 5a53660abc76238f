"""The return-path probe against real kernels: judged by packets and by `ip`, not by what it believes."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from bgpnet.drivers.netlink import local
from bgpnet.drivers.probe import Prober
from bgpnet.drivers.sysctl import Sysctls
from bgpnet.model.net import family_of
from bgpnet.model.probe import Probe, ProbeTarget
from tests.kernel.wires import Calls, wires
from tests.netns import Namespace

BLOCKS = {
    4: ("10.244.1.0/26", "10.244.1.0", "192.0.2.2", "192.0.2.1"),
    6: ("fd00:244::/64", "fd00:244::", "2001:db8:a::2", "2001:db8:a::1"),
}


@pytest.fixture
def pair() -> Iterator[tuple[Namespace, Namespace]]:
    """A node with discard routes for its blocks, and its router."""
    with wires() as (here, there):
        for version, (block, *_) in BLOCKS.items():
            here.ip(f"-{version}", "route", "add", "blackhole", block, "proto", "179", "metric", "179")
        yield here, there


def probe(version: int) -> Probe:
    _, source, target, _ = BLOCKS[version]
    return Probe(family_of(ip_address(source)), ip_address(source), (ProbeTarget(ip_address(target), "a0"),))


@asynccontextmanager
async def probing(here: Namespace, record: Path, calls: Calls, *probes: Probe) -> AsyncIterator[Prober]:
    with here.entered():
        prober = Prober(Sysctls(record), time.monotonic, time.time, os.urandom, calls)
        prober.want(probes)
        task = asyncio.create_task(prober.run())
        try:
            yield prober
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until_answering(prober: Prober, calls: Calls, count: int) -> None:
    async with asyncio.timeout(5):
        while sum(each.answering for each in prober.observed()) != count:
            await calls.beyond(calls.count)


def test_an_answer_comes_once_the_router_forwards_to_the_block(
    pair: tuple[Namespace, Namespace], tmp_path: Path
) -> None:
    here, there = pair

    async def story() -> None:
        calls = Calls()
        async with probing(here, tmp_path / "sysctls", calls, probe(4), probe(6)) as prober:
            await calls.beyond(0)
            await asyncio.sleep(1.2)  # several probes
            assert all(each.missed > 1 and not each.answered_at for each in prober.observed())
            for version, (block, _, _, node) in BLOCKS.items():
                there.ip(f"-{version}", "route", "add", block, "via", node)
            await until_answering(prober, calls, 2)

    asyncio.run(story())
    found = {
        route["dst"]
        for flag in ("-4", "-6")
        for route in here.ip_json(flag, "route", "show", "table", "local", "proto", "179")
    }
    assert found == {"10.244.1.0", "fd00:244::"}, "kept when the agent stops"
    assert here.ip_json("address", "show", "dev", "lo")[0]["addr_info"][0]["local"] == "127.0.0.1"


def test_the_group_is_let_in_and_what_was_found_is_on_record(
    pair: tuple[Namespace, Namespace], tmp_path: Path
) -> None:
    here, there = pair
    there.ip("route", "add", "10.244.1.0/26", "via", "192.0.2.1")
    setting = ("sysctl", "-n", "net.ipv4.ping_group_range")
    assert here.run(*setting).stdout.split() == ["1", "0"]

    async def story() -> None:
        calls = Calls()
        async with probing(here, tmp_path / "sysctls", calls, probe(4)) as prober:
            await until_answering(prober, calls, 1)

    asyncio.run(story())
    assert here.run(*setting).stdout.split() == [str(os.getegid())] * 2
    with here.entered():
        Sysctls(tmp_path / "sysctls").restore()
    assert here.run(*setting).stdout.split() == ["1", "0"]


def test_a_router_that_forwards_no_more_is_found_out_and_so_is_its_return(
    pair: tuple[Namespace, Namespace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgpnet.drivers.probe.prober.EVERY", 0.2)
    monkeypatch.setattr("bgpnet.drivers.probe.prober.PATIENCE", 0.2)
    here, there = pair
    there.ip("route", "add", "10.244.1.0/26", "via", "192.0.2.1")

    async def story() -> None:
        calls = Calls()
        async with probing(here, tmp_path / "sysctls", calls, probe(4)) as prober:
            await until_answering(prober, calls, 1)
            there.ip("route", "replace", "blackhole", "10.244.1.0/26")
            await until_answering(prober, calls, 0)
            there.ip("route", "replace", "10.244.1.0/26", "via", "192.0.2.1")
            await until_answering(prober, calls, 1)

    asyncio.run(story())


def test_a_local_address_taken_away_comes_back_with_the_next_probe_and_foreign_ones_stay(
    pair: tuple[Namespace, Namespace],
) -> None:
    here, _ = pair
    here.ip("route", "add", "local", "10.9.9.9", "dev", "lo", "table", "local", "proto", "static")
    with here.entered():
        local.keep(frozenset({ip_address("10.244.1.0"), ip_address("fd00:244::")}))
        here.ip("route", "flush", "table", "local", "proto", "179")
        local.keep(frozenset({ip_address("10.244.1.0")}))
        local.keep(frozenset({ip_address("10.244.1.0")}))
        shown = {route["dst"] for route in here.ip_json("route", "show", "table", "local", "proto", "179")}
        assert shown == {"10.244.1.0"}
        local.keep(frozenset())
    assert not here.ip_json("route", "show", "table", "local", "proto", "179")
    assert here.ip_json("route", "show", "table", "local", "proto", "static")


def test_a_forged_answer_is_none(pair: tuple[Namespace, Namespace], tmp_path: Path) -> None:
    """A reply with the right identifier and sequence, but another nonce: somebody guesses."""
    here, there = pair
    there.ip("route", "add", "10.244.1.0/26", "via", "192.0.2.1")
    there.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    forger = (
        "import socket,struct\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_RAW,1)\n"
        "print('ready',flush=True)\n"
        "while True:\n"
        "  m,_=s.recvfrom(500); i=m[20:]\n"
        "  if i[0]!=8: continue\n"
        "  r=b'\\0\\0\\0\\0'+i[4:8]+b'x'*16\n"
        "  c=sum(struct.unpack('!12H',r)); c=(c>>16)+(c&65535); c+=c>>16\n"
        "  s.sendto(r[:2]+struct.pack('!H',~c&65535)+r[4:],('10.244.1.0',0)); print('sent',flush=True)\n"
    )

    async def story() -> list[str]:
        argv = ("ip", "netns", "exec", there.name, "python3", "-c", forger)
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            said = [(await process.stdout.readline()).decode().strip()]
            async with probing(here, tmp_path / "sysctls", Calls(), probe(4)) as prober:
                said += [(await process.stdout.readline()).decode().strip() for _ in range(3)]
                assert not any(each.answered_at for each in prober.observed())
        finally:
            process.kill()
            await process.wait()
        return said

    before = _received(here)
    assert asyncio.run(story()) == ["ready", "sent", "sent", "sent"]
    assert _received(here) >= before + 2, "the kernel took them for echo replies"


def _received(here: Namespace) -> int:
    """InEchoReps of /proc/net/snmp."""
    names, values = (
        line.split() for line in here.run("grep", "^Icmp:", "/proc/net/snmp").stdout.splitlines()
    )
    return int(dict(zip(names, values, strict=True))["InEchoReps"])
