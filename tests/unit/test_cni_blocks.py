"""The node's blocks are read again when the agent has replaced them."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from bgpnet.cni.blocks import CurrentBlocks
from bgpnet.cni.namespaces import not_served
from bgpnet.drivers.blocks import BlocksFile
from bgpnet.model.blocks import Blocks, Reserved
from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError
from bgpnet.model.net import Family

FIRST = Blocks((ip_network("10.244.1.0/26"),), 1500)
SECOND = Blocks((ip_network("10.244.9.0/26"),), 1500)


def test_no_blocks_yet(tmp_path: Path) -> None:
    blocks = CurrentBlocks(tmp_path / "blocks.json")
    with pytest.raises(CniError, match=r"the agent has not handed over blocks yet: .*/blocks.json") as raised:
        blocks.read()
    assert raised.value.code == CniCode.TRY_AGAIN_LATER
    BlocksFile(tmp_path / "blocks.json").write(FIRST)
    assert blocks.read() == FIRST


def test_replaced_blocks(tmp_path: Path) -> None:
    path = tmp_path / "blocks.json"
    BlocksFile(path).write(FIRST)
    blocks = CurrentBlocks(path)
    assert blocks.read() == FIRST
    assert blocks.read() is blocks.read()
    BlocksFile(path).write(SECOND)  # of the same size
    assert blocks.read() == SECOND


def test_an_unreadable_file_is_no_blocks(tmp_path: Path) -> None:
    path = tmp_path / "blocks.json"
    path.mkdir()
    with pytest.raises(CniError, match=r"cannot read .*/blocks.json: Is a directory") as raised:
        CurrentBlocks(path).read()
    assert raised.value.code == CniCode.TRY_AGAIN_LATER


GENERAL, GENERAL6, TEAM, SHARED = map(
    ip_network, ("10.1.0.0/26", "fd00:1::/64", "10.2.0.0/26", "10.3.0.0/26")
)
PARTED = Blocks(
    (GENERAL, TEAM, SHARED, GENERAL6),
    1500,
    (
        Reserved(Family.IPV4, (TEAM,), frozenset({"team-a"})),
        Reserved(Family.IPV4, (SHARED,), frozenset({"team-a", "team-b"})),
        Reserved(Family.IPV6, (), frozenset({"team-c"})),
    ),
)


def test_what_is_reserved_is_handed_over_too(tmp_path: Path) -> None:
    path = tmp_path / "blocks.json"
    BlocksFile(path).write(PARTED)
    assert CurrentBlocks(path).read() == PARTED


def test_a_namespace_is_served_by_what_is_reserved_for_it_and_else_by_what_is_for_everybody() -> None:
    assert FIRST.serving("any") == FIRST.prefixes
    assert PARTED.serving("team-a") == (TEAM, SHARED, GENERAL6), "of the other family what everybody gets"
    assert PARTED.serving("team-b") == (SHARED, GENERAL6)
    assert PARTED.serving("team-c") == (GENERAL,), "its own IPv6 pool has no block here yet"
    assert PARTED.serving("default") == PARTED.serving("") == (GENERAL, GENERAL6)


def test_a_namespace_that_no_pool_serves_is_named() -> None:
    only = Blocks((TEAM,), 1500, (Reserved(Family.IPV4, (TEAM,), frozenset({"team-a"})),), everybody=False)
    assert only.serving("default") == ()
    refused = not_served(only, "default")
    assert refused.code == CniCode.NAMESPACE_NOT_SERVED
    assert "no IPPool of this node is for namespace default" in str(refused)
    assert "K8S_POD_NAMESPACE" in str(not_served(only, ""))
    waiting = Blocks((), 1500, (Reserved(Family.IPV4, (), frozenset({"team-a"})),), everybody=False)
    assert not_served(waiting, "team-a").code == CniCode.TRY_AGAIN_LATER
