"""Nodes claim blocks of the real API server: many at once, with kills, and never one block twice."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from itertools import pairwise

import pytest

from bgpnet.drivers import kube
from bgpnet.drivers.kube import claims as claims_module
from bgpnet.drivers.kube.claims import QUARANTINE, Claims
from bgpnet.drivers.kube.client import Client
from bgpnet.drivers.kube.lease import HELD, Lease
from bgpnet.drivers.kube.patience import Patience
from bgpnet.drivers.kube.quarantine import Quarantine
from bgpnet.model.blockname import block_name
from bgpnet.model.claims import Claim, Wanted
from bgpnet.model.errors import ApiError
from bgpnet.model.net import Prefix
from tests.cluster.blocks import BLOCKS, drop_all
from tests.cluster.controlplane import ControlPlane, until

pytestmark = pytest.mark.cluster


AGENTS = 250


@pytest.fixture
def cluster(plane: ControlPlane) -> Iterator[ControlPlane]:
    try:
        yield plane
    finally:
        drop_all(plane)
        plane.request("DELETE", "/api/v1/nodes")


def node(plane: ControlPlane, name: str) -> str:
    """A Node object; its UID."""
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    status, made = plane.request("POST", "/api/v1/nodes", body)
    assert status == 201
    return str(made["metadata"]["uid"])


def claim(cidr: str, length: int, block: str | None = None) -> Claim:
    return Claim("pods", ip_network(cidr), length, ip_network(block) if block else None)


def wanted(name: str, uid: str = "u", *claims: Claim, released: tuple[str, ...] = ()) -> Wanted:
    return Wanted(name, uid, claims, (), tuple(map(ip_network, released)))


def made(client: Client) -> Claims:
    return Claims(client, Patience(random.random), time.monotonic, lambda: None)


def held(plane: ControlPlane) -> dict[Prefix, str]:
    """Who has which block, as the API server tells it."""
    items = plane.request("GET", BLOCKS)[1]["items"]
    return {ip_network(item["spec"]["cidr"]): item["spec"]["node"] for item in items}


def deleted(plane: ControlPlane, block: Prefix) -> bool:
    _, found = plane.request("GET", f"{BLOCKS}/{block_name(block)}")
    return "deletionTimestamp" in found["metadata"]


async def once(client: Client, want: Wanted) -> Claims:
    """One agent's claims, carried out until they want no more."""
    claims = made(client)
    for _ in range(10):
        if not await claims._carry_out(want):  # noqa: SLF001 - one round of `run`
            return claims
    raise AssertionError


async def simulated(client: Client, name: str, pool: Claim, kills: random.Random) -> int:
    """An agent that is killed up to three times as it claims; it looks what it has before it asks for more.

    Its conflicts, over all lives.
    """
    conflicts = 0
    for life in range(10):
        if life and await has_one(client, name):
            break
        claims = made(client)
        work = asyncio.create_task(claims._carry_out(wanted(name, "u", pool)))  # noqa: SLF001 - one round
        if life < 3 and kills.random() < 0.5:
            await asyncio.wait([work], timeout=kills.random() * 2)
            work.cancel()
        (failed,) = await asyncio.gather(work, return_exceptions=True)
        conflicts += claims.conflicts
        if failed is False:
            break
    return conflicts


async def has_one(client: Client, name: str) -> bool:
    """Whether an earlier life got a block; asked until it is answered: 250 at once are much for a machine."""
    while True:
        try:
            return bool((await client.call("GET", BLOCKS, {"fieldSelector": f"spec.node={name}"}))["items"])
        except ApiError as error:
            if error.status:
                raise


@pytest.mark.parametrize(
    ("cidr", "agents", "seed"), [("10.64.0.0/18", AGENTS, 1), ("2001:db8:64::/96", AGENTS // 4, 2)]
)
def test_250_agents_claim_in_one_go_with_kills(
    cluster: ControlPlane, cidr: str, agents: int, seed: int, measured: Callable[[str], None]
) -> None:
    """A pool of 256 blocks, nearly full at the end; and fewer agents, with blocks beyond count."""
    pool = claim(cidr, 122 if ":" in cidr else 26)
    kills = random.Random(seed)

    async def story() -> list[int]:
        async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
            all_of_them = (simulated(client, f"node{number}", pool, kills) for number in range(agents))
            return list(await asyncio.gather(*all_of_them))

    began = time.monotonic()
    conflicts = asyncio.run(story())
    took = time.monotonic() - began
    owners = held(cluster)
    measured(
        f"{agents} agents claim of {cidr} in {took:.1f} s: conflicts {sum(conflicts) / agents:.2f} on average"
        f", {max(conflicts)} at most"
    )
    assert set(owners.values()) == {f"node{number}" for number in range(agents)}
    extra = len(owners) - agents  # who was killed as it asked may have two, and gives the empty one back
    assert extra <= agents // 10
    blocks = sorted(owners, key=lambda block: int(block.network_address))
    assert not any(one.overlaps(other) for one, other in pairwise(blocks))
    assert sum(conflicts) / agents < 2


def test_the_last_block_is_found_and_then_the_pool_is_full(cluster: ControlPlane) -> None:
    pool = claim("10.65.0.0/24", 26)

    async def story() -> None:
        async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
            for name in ("n1", "n2", "n3", "n4"):
                await once(client, wanted(name, "u", pool))
            late = made(client)
            assert await late._carry_out(wanted("n5", "u", pool))  # noqa: SLF001 - to be tried again
            assert late.claimed().full == ("pods",)

    asyncio.run(story())
    assert sorted(held(cluster).values()) == ["n1", "n2", "n3", "n4"]


def test_a_block_with_pods_is_taken_back_from_quarantine_and_else_contested(cluster: ControlPlane) -> None:
    again = claim("10.66.0.0/24", 26, "10.66.0.64/26")

    async def story() -> None:
        async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
            await once(client, wanted("n1", "old", again))
            cluster.request("DELETE", f"{BLOCKS}/10.66.0.64-26")
            assert list(held(cluster).values()) == ["n1"]  # in quarantine
            other = made(client)
            assert await other._carry_out(wanted("n2", "u", again))  # noqa: SLF001 - to be tried again
            assert other.claimed().contested == ((ip_network("10.66.0.64/26"), "n1"),)
            own = await once(client, wanted("n1", "new", again))
            assert own.claimed().returning == (again.block,)  # until the planner sees it and asks no more
            await own._carry_out(wanted("n1", "new"))  # noqa: SLF001 - one round of `run`
            assert own.claimed().returning == ()
            _, found = cluster.request("GET", f"{BLOCKS}/10.66.0.64-26")
            assert found["metadata"]["ownerReferences"][0]["uid"] == "new"
            assert "deletionTimestamp" not in found["metadata"]

    asyncio.run(story())


def test_a_node_that_was_made_anew_adopts_its_blocks(cluster: ControlPlane) -> None:
    async def story() -> None:
        async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
            await once(client, wanted("n1", "old", claim("10.66.0.0/26", 26)))
            await once(client, Wanted("n1", "new", (), (ip_network("10.66.0.0/26"),)))

    asyncio.run(story())
    _, found = cluster.request("GET", f"{BLOCKS}/10.66.0.0-26")
    assert [owner["uid"] for owner in found["metadata"]["ownerReferences"]] == ["new"]
    assert found["metadata"]["finalizers"] == [QUARANTINE]


def test_an_empty_block_goes_in_two_steps(cluster: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "EMPTY", 0.3)
    monkeypatch.setattr(claims_module, "CLOSING", 0.3)
    block = ip_network("10.66.0.0/26")

    async def story() -> None:
        async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
            await once(client, wanted("n1", "u", claim("10.66.0.0/26", 26)))
            claims = made(client)
            claims.want(wanted("n1", "u", released=(str(block),)))
            work = asyncio.create_task(claims.run())
            await asyncio.to_thread(until, lambda: claims.claimed().closing == (block,), "the block closes")
            assert not deleted(cluster, block)
            await asyncio.to_thread(until, lambda: deleted(cluster, block), "the block is deleted")
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())
    assert list(held(cluster)) == [block]  # in quarantine


def test_one_agent_has_the_lease_until_it_is_dead(cluster: ControlPlane) -> None:
    cluster.kubectl("create", "namespace", "quarantine")
    now = [0.0]

    async def story() -> None:
        async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
            leases = [Lease(client, name, "quarantine", lambda: now[0]) for name in ("n1", "n2")]
            assert [await each.take() for each in leases] == [True, False]
            now[0] = HELD - 1
            assert await leases[1].take() is False  # first seen held by n1 at 0, not renewed
            now[0] = HELD
            assert await leases[1].take() is True
            assert await leases[0].take() is False

    asyncio.run(story())


def test_a_freed_block_waits_for_the_routers_and_is_let_go(cluster: ControlPlane) -> None:
    now = [0.0]

    async def story() -> None:
        async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
            await once(client, wanted("n1", "u", claim("10.66.0.0/26", 26)))
            duty = Quarantine(client, Patience(random.random), lambda: 129.0, lambda: now[0])
            following = asyncio.create_task(duty.run())
            await asyncio.to_thread(cluster.request, "DELETE", f"{BLOCKS}/10.66.0.0-26")
            await asyncio.to_thread(
                until,
                lambda: any("deletionTimestamp" in b["metadata"] for b in duty.watch.objects.values()),
                "seen",
            )
            await duty.look()
            now[0] = 128.0
            await duty.look()
            assert held(cluster) != {}
            now[0] = 130.0
            await duty.look()
            assert held(cluster) == {}
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    asyncio.run(story())


def test_a_block_dies_with_its_node_through_the_quarantine(cluster: ControlPlane) -> None:
    cluster.start_controllers("garbage-collector-controller")
    try:
        uid = node(cluster, "n1")

        async def story() -> None:
            async with Client(kube.kubeconfig(cluster.kubeconfig()), "bgpnet-test") as client:
                await once(client, wanted("n1", uid, claim("10.66.0.0/26", 26)))

        asyncio.run(story())
        cluster.request("DELETE", "/api/v1/nodes/n1")

        block = ip_network("10.66.0.0/26")
        until(lambda: deleted(cluster, block), "the garbage collector deletes the block", cluster.log)
        assert list(held(cluster).values()) == ["n1"]
    finally:
        cluster.stop_controllers()
