"""The API source against a real API server, over a wire that breaks in every way there is."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bgpnet.drivers.kube import client as client_module
from bgpnet.model.declared import Declared
from bgpnet.model.rejection import Reason
from tests.cluster.controlplane import ControlPlane, manifest
from tests.cluster.following import OURS, create, following, has_peers, holds, peer
from tests.cluster.undisturbed import undisturbed
from tests.cluster.wire import Wire

pytestmark = pytest.mark.cluster


def test_only_what_concerns_the_node_is_read_and_changes_are_heard_of(
    two_nodes: ControlPlane, tmp_path: Path
) -> None:
    async def story() -> None:
        async with following(two_nodes.kubeconfig(), tmp_path / "state.json") as told:
            assert told.source.declared() is None
            first = await told.until(lambda declared: declared)
            assert [found.name for found in first.nodes] == ["n1"]
            assert [str(prefix) for prefix in first.nodes[0].pod_cidrs] == ["10.244.0.0/24"]
            assert first.configuration is not None
            assert first.age is None
            await create(two_nodes, f"{OURS}/bgppeers", peer(1))
            await told.until(has_peers("tor1"))
            for name, owner in (("10.9.0.0-26", "n1"), ("10.9.0.64-26", "n2")):
                cidr = name.replace("-", "/")
                spec = {"cidr": cidr, "node": owner, "pool": "pods"}
                await create(two_nodes, f"{OURS}/ipblocks", manifest("IPBlock", name, spec))
            with_blocks = await told.until(lambda declared: declared and declared.blocks)
            assert [str(block.prefix) for block in with_blocks.blocks] == ["10.9.0.0/26"]
            await asyncio.to_thread(two_nodes.request, "DELETE", f"{OURS}/bgppeers/tor1")
            await told.until(has_peers())

    asyncio.run(story())


def test_the_kubelets_heartbeat_is_no_news(two_nodes: ControlPlane, tmp_path: Path) -> None:
    async def story() -> None:
        async with following(two_nodes.kubeconfig(), tmp_path / "state.json") as told:
            await told.until(lambda declared: declared)
            before = told.told
            beat = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
            for reason in ("a", "b"):
                beat["status"]["conditions"][0]["reason"] = reason
                status, _ = await asyncio.to_thread(
                    two_nodes.request,
                    "PATCH",
                    "/api/v1/nodes/n1/status",
                    beat,
                    kind="application/merge-patch+json",
                )
                assert status == 200
            await create(two_nodes, f"{OURS}/bgppeers", peer(1))
            await told.until(has_peers("tor1"))
            assert told.told == before + 1

    asyncio.run(story())


def test_a_bad_object_that_the_api_cannot_know_harms_itself_alone(
    two_nodes: ControlPlane, tmp_path: Path
) -> None:
    async def story() -> None:
        async with following(two_nodes.kubeconfig(), tmp_path / "state.json") as told:
            good = manifest("BGPFilter", "policy", {"import": [{"action": "accept"}]})
            await create(two_nodes, f"{OURS}/bgpfilters", good)
            await told.until(lambda declared: declared and declared.filters)
            bad = {"spec": {"import": [{"action": "accept"}, {"action": "reject"}]}}
            await asyncio.to_thread(
                two_nodes.request,
                "PATCH",
                f"{OURS}/bgpfilters/policy",
                bad,
                kind="application/merge-patch+json",
            )
            after = await told.until(lambda declared: declared and declared.rejections)
            assert "rule 2 never applies" in after.rejections[0].remedy
            assert len(after.filters[0].imports) == 1  # the last good one
            await create(two_nodes, f"{OURS}/bgppeers", peer(1))
            await told.until(has_peers("tor1"))

    asyncio.run(story())


def test_a_cut_wire_changes_nothing_and_is_made_up_for(
    two_nodes: ControlPlane, line: Wire, tmp_path: Path
) -> None:
    async def story() -> None:
        config = two_nodes.kubeconfig(port=line.port)
        async with following(config, tmp_path / "state.json") as told:
            await create(two_nodes, f"{OURS}/bgppeers", peer(1))
            before = await told.until(has_peers("tor1"))
            line.cut()
            during = await told.until(lambda declared: declared and declared.rejections)
            assert {rejection.reason for rejection in during.rejections} == {Reason.SOURCE_GONE}
            assert during.peers == before.peers
            assert during.nodes == before.nodes
            await create(two_nodes, f"{OURS}/bgppeers", peer(2))
            await asyncio.to_thread(two_nodes.request, "DELETE", f"{OURS}/bgppeers/tor1")
            line.mend()
            await told.until(has_peers("tor2"))
            await told.until(lambda declared: declared and not declared.rejections)

    asyncio.run(story())


def test_a_watch_that_hangs_silently_is_given_up(
    two_nodes: ControlPlane, line: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SILENCE", 1.0)

    async def story() -> None:
        async with following(two_nodes.kubeconfig(port=line.port), tmp_path / "state.json") as told:
            await told.until(lambda declared: declared)
            line.silence()
            await create(two_nodes, f"{OURS}/bgppeers", peer(1))
            during = await told.until(lambda declared: declared and declared.rejections)
            assert "no answer in time" in str(during.rejections[0])
            line.mend()
            await told.until(has_peers("tor1"))

    asyncio.run(story())


def test_an_api_server_that_restarts_and_has_forgotten_is_listed_anew(
    two_nodes: ControlPlane, line: Wire, tmp_path: Path
) -> None:
    """410 Gone: the history was compacted while the agent was away."""

    async def story() -> None:
        async with following(two_nodes.kubeconfig(port=line.port), tmp_path / "state.json") as told:
            await create(two_nodes, f"{OURS}/bgppeers", peer(1))
            await told.until(has_peers("tor1"))
            line.cut()
            await create(two_nodes, f"{OURS}/bgppeers", peer(2))
            await asyncio.to_thread(two_nodes.request, "DELETE", f"{OURS}/bgppeers/tor1")
            await asyncio.to_thread(two_nodes.stop_apiserver)
            await asyncio.to_thread(two_nodes.compact)
            await asyncio.to_thread(two_nodes.start_apiserver)
            line.mend()
            await told.until(has_peers("tor2"))

    asyncio.run(story())


def test_a_password_is_taken_from_a_secret_of_our_namespace(two_nodes: ControlPlane, tmp_path: Path) -> None:
    path = "/api/v1/namespaces/bgpnet-system/secrets"
    two_nodes.kubectl("create", "namespace", "bgpnet-system", check=False)

    def errors(declared: Declared | None) -> list[str]:
        return [found.password_error for found in declared.peers] if declared else []

    def words(text: str) -> Callable[[Declared | None], bool]:
        return lambda declared: any(text in error for error in errors(declared))

    def known(text: str) -> Callable[[Declared | None], bool]:
        return lambda told: (
            told is not None
            and any(found.password is not None and found.password.reveal() == text for found in told.peers)
        )

    async def story() -> None:
        async with following(two_nodes.kubeconfig(), tmp_path / "state.json") as told:
            await create(two_nodes, f"{OURS}/bgppeers", peer(1, passwordSecret={"name": "tor", "key": "md5"}))
            await told.until(words("there is no Secret tor in namespace bgpnet-system"))
            secret = {"metadata": {"name": "tor"}, "stringData": {"other": "x"}}
            await create(two_nodes, path, {"apiVersion": "v1", "kind": "Secret"} | secret)
            await told.until(words("it has no key md5: there are other"))
            for value in ("first", "second"):
                await asyncio.to_thread(
                    two_nodes.request, "PATCH", f"{path}/tor", {"stringData": {"md5": value}},
                    kind="application/merge-patch+json",
                )  # fmt: skip
                await told.until(known(value))
            await asyncio.to_thread(two_nodes.request, "DELETE", f"{path}/tor")
            after = await told.until(lambda declared: declared and declared.rejections)
            assert "the last good password stays in force" in after.rejections[0].remedy
            assert known("second")(after)
            assert "second" not in (tmp_path / "state.json").read_text()

    asyncio.run(story())


def test_a_token_that_is_replaced_is_taken(two_nodes: ControlPlane, tmp_path: Path) -> None:
    config = json.loads(two_nodes.kubeconfig().read_text())
    (tmp_path / "token").write_text("an-old-one\n")
    config["users"][0]["user"] = {"tokenFile": "token"}
    (tmp_path / "config").write_text(json.dumps(config))

    async def story() -> None:
        async with following(tmp_path / "config", tmp_path / "state.json") as told:
            await told.until_unread("the token is not taken")
            assert told.source.declared() is None
            (tmp_path / "token").write_text("admin-token\n")
            await told.until(lambda declared: declared)
            assert told.source.unread() == ()

    asyncio.run(story())


def test_a_missing_right_is_named_and_nothing_is_touched(two_nodes: ControlPlane, tmp_path: Path) -> None:
    two_nodes.kubectl("create", "serviceaccount", "poor", "-n", "default")
    rights = ["--verb=list,watch", "--resource=nodes,bgppeers.bgpnet.io,ippools.bgpnet.io,ipblocks.bgpnet.io"]
    two_nodes.kubectl("create", "clusterrole", "poor", *rights)
    two_nodes.kubectl(
        "create", "clusterrolebinding", "poor", "--clusterrole=poor", "--serviceaccount=default:poor"
    )
    token = two_nodes.kubectl("create", "token", "poor", "-n", "default").strip()

    async def story() -> None:
        async with following(two_nodes.kubeconfig(token), tmp_path / "state.json") as told:
            await told.until_unread("bgpfilters")
            await told.until_unread("give the agent's service account list and watch on it")
            assert told.source.declared() is None
            two_nodes.kubectl(
                "create",
                "clusterrolebinding",
                "rich",
                "--clusterrole=cluster-admin",
                "--serviceaccount=default:poor",
            )
            await told.until(lambda declared: declared)

    asyncio.run(story())


def test_a_change_is_heard_of_at_once(
    two_nodes: ControlPlane, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    async def story() -> list[float]:
        delays = []
        async with following(two_nodes.kubeconfig(), tmp_path / "state.json") as told:
            await told.until(lambda declared: declared)
            await create(two_nodes, f"{OURS}/bgppeers", peer(1))
            for number in range(50):
                patch = {"spec": {"holdTime": 10 + number}}
                began = time.monotonic()
                asked = asyncio.create_task(
                    asyncio.to_thread(
                        two_nodes.request, "PATCH", f"{OURS}/bgppeers/tor1", patch,
                        kind="application/merge-patch+json",
                    )
                )  # fmt: skip
                want = 10 + number
                await told.until(holds(want))
                delays.append(time.monotonic() - began)
                await asked
        return sorted(delays)

    with undisturbed(two_nodes.pids()):
        delays = asyncio.run(story())
    measured(
        f"API request begun to source told: p50 {delays[25] * 1000:.1f} ms, p98 {delays[48] * 1000:.1f} ms"
    )
    assert delays[25] < 0.1
