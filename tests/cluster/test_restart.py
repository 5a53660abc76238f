"""An agent that starts while the API server is away: with what was kept, and with what it was given."""

import asyncio
from pathlib import Path

import pytest

from bgpnet.model.declared import Declared
from bgpnet.model.rejection import Reason
from tests.cluster.controlplane import ControlPlane
from tests.cluster.following import OURS, create, following, has_peers, peer
from tests.cluster.wire import Wire

pytestmark = pytest.mark.cluster

BOOTSTRAP = """
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.0.1.2}]}
---
apiVersion: bgpnet.io/v1alpha1
kind: BGPConfiguration
metadata: {name: default}
spec: {localASN: 64512}
---
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {name: first}
spec: {peerAddress: 192.0.2.9, peerASN: 65001}
"""


def test_an_agent_that_restarts_without_the_api_takes_what_it_saved(
    two_nodes: ControlPlane, line: Wire, tmp_path: Path
) -> None:
    state = tmp_path / "var" / "state.json"

    async def story() -> None:
        config = two_nodes.kubeconfig(port=line.port)
        async with following(config, state) as told:
            before = await told.until(lambda declared: declared)
        assert state.stat().st_mode & 0o777 == 0o600
        line.cut()
        async with following(config, state) as told:
            saved = await told.until(lambda declared: declared)
            assert saved.age is not None
            assert saved.age < 60
            assert (saved.nodes, saved.configuration) == (before.nodes, before.configuration)
            gone = await told.until(lambda declared: declared and declared.rejections)
            assert {each.reason for each in gone.rejections} == {Reason.SOURCE_GONE}
            assert "the last state stays in force" in gone.rejections[0].remedy
            line.mend()
            after = await told.until(lambda declared: declared and declared.age is None)
            assert after.nodes == before.nodes
        line.cut()
        state.write_text(state.read_text().replace("64512", "64513"))
        async with following(config, state) as told:
            await told.until_unread("is the API server up")
            assert told.source.declared() is None  # the checksum does not fit

    asyncio.run(story())


def test_an_agent_that_restarts_never_is_without_a_password_that_it_had(
    two_nodes: ControlPlane, line: Wire, tmp_path: Path
) -> None:
    """For want of its key a session would be taken away, by an upgrade or by an API server that is away."""
    path = "/api/v1/namespaces/bgpnet-system/secrets"
    two_nodes.kubectl("create", "namespace", "bgpnet-system", check=False)
    config = two_nodes.kubeconfig(port=line.port)
    seen: list[Declared] = []

    def with_key(declared: Declared | None) -> bool:
        return bool(declared and declared.peers and declared.peers[0].password)

    async def story() -> None:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kept"}}
        await create(two_nodes, path, secret | {"stringData": {"md5": "s3cret"}})
        await create(two_nodes, f"{OURS}/bgppeers", peer(1, passwordSecret={"name": "kept", "key": "md5"}))
        for broken in (False, True):
            if broken:
                line.cut()
            for _ in range(2):  # with what was kept, and (but for the first time) without
                async with following(config, tmp_path / "state.json") as told:
                    await told.until(with_key)
                    seen.extend(told.seen)
        passwords = tmp_path / "passwords.json"
        assert passwords.stat().st_mode & 0o777 == 0o600
        passwords.unlink()
        line.mend()
        async with following(config, tmp_path / "state.json") as told:
            await told.until(with_key)
            seen.extend(told.seen)

    try:
        asyncio.run(story())
    finally:
        two_nodes.request("DELETE", f"{path}/kept")
    assert all(with_key(each) for each in seen)


def test_before_the_api_was_ever_read_the_bootstrap_holds(
    two_nodes: ControlPlane, line: Wire, tmp_path: Path
) -> None:
    (tmp_path / "first.yaml").write_text(BOOTSTRAP)
    line.cut()

    async def story() -> None:
        config = two_nodes.kubeconfig(port=line.port)
        async with following(config, tmp_path / "state.json", tmp_path / "first.yaml") as told:
            first = await told.until(has_peers("first"))
            assert first.age == float("inf")  # so nothing is announced but what has pods, and nothing deleted
            line.mend()
            after = await told.until(lambda declared: declared and declared.age is None)
            assert after.peers == ()
        line.cut()
        async with following(config, tmp_path / "state.json", tmp_path / "first.yaml") as told:
            saved = await told.until(lambda declared: declared)
            assert saved.peers == ()  # what was read later is newer
        (tmp_path / "state.json").unlink()
        async with following(config, tmp_path / "state.json", tmp_path / "none.yaml") as told:
            await told.until_unread("is the API server up")
            assert told.source.declared() is None

    asyncio.run(story())
