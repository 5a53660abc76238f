"""The node's blocks are read again when the agent has replaced them."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from bgpnet.cni.blocks import CurrentBlocks
from bgpnet.drivers.blocks import BlocksFile
from bgpnet.model.blocks import Blocks
from bgpnet.model.cni import CniCode
from bgpnet.model.errors import CniError

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
