"""Our table of nftables: made, told of when another program touches it, and nobody else's."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from bgpnet.cli import main
from bgpnet.drivers.nft import Nft, kernel, lacking, remove
from bgpnet.drivers.nft.kernel import supported
from bgpnet.model.errors import KernelError
from bgpnet.model.nat import Translation
from bgpnet.model.net import Family
from tests.netns import Namespace, namespace

pytestmark = pytest.mark.kernel

V4 = Translation(
    Family.IPV4,
    (ip_network("10.244.1.0/25"), ip_network("10.244.1.128/26")),  # nft makes one range of these
    (ip_network("10.244.0.0/16"), ip_network("192.0.2.7/32")),
    None,
)
V6 = Translation(
    Family.IPV6, (ip_network("fd00:244:1::/64"),), (ip_network("fd00:244::/32"),), ip_address("fd00:255::11")
)
FOREIGN = "table inet other { chain c { type nat hook postrouting priority 100; } ; }"


class Told:
    """Counts what the driver tells."""

    def __init__(self) -> None:
        self.times = 0
        self._event = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self._event.set()

    async def again(self) -> None:
        """The driver tells once more than when this was asked last."""
        async with asyncio.timeout(5):
            await self._event.wait()
        self._event.clear()

    async def quiet(self) -> None:
        """What was under way has been heard."""
        before = -1
        while before != self.times:
            before = self.times
            await asyncio.sleep(0.05)
        self._event.clear()


Story = Callable[[Nft, Namespace, Told], Awaitable[None]]


def during(story: Story) -> None:
    """Run a story with the driver in a namespace."""

    async def run(here: Namespace) -> None:
        told = Told()
        with closing(Nft(told)) as nft:
            await story(nft, here, told)

    with namespace("nft") as here, here.entered():
        asyncio.run(run(here))


def tables(here: Namespace) -> set[str]:
    """Names of all tables, as nft tells."""
    listed: dict[str, Any] = json.loads(here.run("nft", "-j", "list", "tables").stdout)
    return {each["table"]["name"] for each in listed["nftables"] if "table" in each}


def rules(here: Namespace) -> list[str]:
    """The rules of our table."""
    listed = here.run("nft", "-s", "list", "table", "inet", "bgpnet").stdout
    found = [line.strip() for line in listed.splitlines() if " saddr " in line]
    return [rule.replace("{ ", "").replace(" }", "") for rule in found]  # versions of nft differ in these


def test_the_table_is_written_as_asked_read_back_and_deleted() -> None:
    async def story(nft: Nft, here: Namespace, told: Told) -> None:
        assert await nft.observed() == ()
        await nft.write((V4, V6))
        local = "fib saddr type != local counter"
        kept, kept6 = "ip daddr != 10.244.0.0/16, 192.0.2.7", "ip6 daddr != fd00:244::/32"
        assert rules(here) == [
            f"ip saddr 10.244.1.0-10.244.1.191 {kept} {local} masquerade fully-random",
            f"ip6 saddr fd00:244:1::/64 {kept6} {local} snat ip6 to fd00:255::11 fully-random",
        ]
        await told.quiet()
        assert await nft.observed() == (V4, V6)
        await nft.write((V4,))
        assert await nft.observed() == (V4,)
        await nft.write(())
        assert tables(here) == set()
        assert await nft.observed() == ()

    during(story)


@pytest.mark.parametrize(
    "rival",
    [
        "flush ruleset",
        "delete table inet bgpnet",
        "flush chain inet bgpnet postrouting",
        "add rule inet bgpnet postrouting accept",
        "add table inet bgpnet { flags dormant; }",
        "add table inet bgpnet; delete table inet bgpnet; add table inet bgpnet",
    ],
)
def test_what_another_program_does_to_it_is_heard_and_undone(rival: str) -> None:
    async def story(nft: Nft, here: Namespace, told: Told) -> None:
        await nft.write((V4,))
        await told.quiet()
        before = rules(here)
        here.run("nft", rival)
        await told.again()
        assert await nft.observed() != (V4,)
        await nft.write((V4,))
        assert rules(here) == before
        assert "dormant" not in here.run("nft", "list", "table", "inet", "bgpnet").stdout
        await told.quiet()
        assert await nft.observed() == (V4,)

    during(story)


def test_another_programs_tables_are_left_alone_and_are_no_news() -> None:
    async def story(nft: Nft, here: Namespace, told: Told) -> None:
        here.run("nft", FOREIGN)
        await nft.write((V4,))
        await told.quiet()
        before = told.times
        here.run("nft", "add table ip kube-proxy; add chain ip kube-proxy bgpnet; add table ip6 bgpnets")
        await told.quiet()
        assert told.times == before
        await nft.write(())
        assert tables(here) == {"other", "kube-proxy", "bgpnets"}

    during(story)


def test_a_table_whose_end_was_not_heard_is_missed_at_the_next_look() -> None:
    async def story(nft: Nft, here: Namespace, told: Told) -> None:
        await nft.write((V4,))
        await told.quiet()
        assert await nft.observed() == (V4,)
        here.run("nft", "flush ruleset")  # told in the next turn of the loop
        assert await nft.observed() == ()

    during(story)


def test_an_agent_that_starts_replaces_what_the_one_before_left_and_takes_away_what_nobody_wants() -> None:
    async def story(nft: Nft, here: Namespace, told: Told) -> None:
        await nft.write((V4,))
        with closing(Nft(told)) as successor:
            assert await successor.observed() is None, "it does not know what that does"
            await successor.write(())
        assert tables(here) == set()

    during(story)


def test_remove_takes_it_away_once() -> None:
    async def made() -> None:
        with closing(Nft(Told())) as nft:
            await nft.write((V4,))

    with namespace("nft") as here, here.entered():
        assert not remove()
        asyncio.run(made())
        here.run("nft", FOREIGN)
        assert remove()
        assert tables(here) == {"other"}
        assert not remove()


@pytest.mark.parametrize(
    "verb", [("restore",), ("uninstall-cni", "--cni-bin-dir", "/nowhere", "--cni-conf-dir", "/nowhere")]
)
def test_what_takes_bgpnet_off_a_host_takes_it_along(
    verb: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def made() -> None:
        with closing(Nft(Told())) as nft:
            await nft.write((V4,))

    with namespace("nft") as here, here.entered():
        asyncio.run(made())
        assert main([*verb, "--run-dir", str(tmp_path)]) == 0
        assert capsys.readouterr().out == "deleted table inet bgpnet\n"
        assert tables(here) == set()
        assert main([*verb, "--run-dir", str(tmp_path)]) == 0
        assert capsys.readouterr().out == ""


def test_what_is_refused_leaves_the_table_as_it_was() -> None:
    bad = Translation(Family.IPV4, V4.pods, V4.kept, ip_address("fd00:255::11"))

    async def story(nft: Nft, here: Namespace, told: Told) -> None:
        await nft.write((V4,))
        before = rules(here)
        with pytest.raises(KernelError, match=r"table inet bgpnet refused: .*; the kernel needs nf_tables"):
            await nft.write((bad,))
        assert rules(here) == before
        await told.quiet()
        assert await nft.observed() == (V4,)

    during(story)


def test_without_the_program_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert lacking() == ""

    async def story(nft: Nft, _here: Namespace, _told: Told) -> None:
        with monkeypatch.context() as patch:
            patch.setenv("PATH", str(tmp_path))
            assert lacking() == "no program `nft`: install nftables"
            with pytest.raises(KernelError, match="no program `nft`: install nftables"):
                await nft.write((V4,))

    during(story)


def test_a_kernel_without_nf_tables_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert supported()
    monkeypatch.setattr(kernel, "_GET_TABLE", 63 << 8 | 1)  # a subsystem of nfnetlink that no kernel has
    assert not supported()
    assert "no nf_tables" in lacking()

    async def story(nft: Nft, here: Namespace, _told: Told) -> None:
        assert await nft.observed() == ()
        with pytest.raises(KernelError, match="this kernel has no nf_tables"):
            await nft.write((V4,))
        assert tables(here) == set()

    during(story)
