"""Links that wait to be deleted: nobody waits with them, none is forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from threading import Event
from typing import cast

import pytest

from bgpnet.cni import graves
from bgpnet.cni.graves import PATIENCE, Graves
from bgpnet.drivers.podlink.channel import Channel
from bgpnet.drivers.podlink.detach import GROUP_SIZE
from bgpnet.drivers.podlink.packing import Message, Reply
from bgpnet.model.cni import Attachment, PodLink
from bgpnet.model.errors import KernelError


class Kernel:
    """Takes requests of both channels; deletions only when it may, and refuses the first few."""

    def __init__(self, refusals: int = 0) -> None:
        self.may_delete = Event()
        self.asked = Event()
        self.deleted = 0
        self._refusals = refusals

    def attempt(self, *messages: Message) -> tuple[list[Reply], list[KernelError]]:
        assert messages
        return [], []

    def execute(self, *messages: Message) -> list[Reply]:
        [_deletion] = messages
        self.asked.set()
        assert self.may_delete.wait(10)
        if self._refusals:
            self._refusals -= 1
            raise KernelError("refused")
        self.deleted += 1
        return []


@contextmanager
def burying(kernel: Kernel) -> Iterator[Graves]:
    channel = cast("Channel", kernel)
    made = Graves(channel, channel)
    try:
        yield made
    finally:
        kernel.may_delete.set()
        made.finish()


def bury(made: Graves, count: int, now: float = 0.0) -> None:
    for number in range(count):
        whose = Attachment("pods", f"c{number}", "eth0")
        made.bury(PodLink(whose, f"bgp{number:012x}", 65536 + number, (ip_address("10.244.1.1"),)), now)


def test_nobody_waits_for_a_deletion() -> None:
    kernel = Kernel()
    with burying(kernel) as made:
        bury(made, GROUP_SIZE)
        assert kernel.asked.wait(10)
        bury(made, 2)  # while the kernel is at it
        assert kernel.deleted == 0
        kernel.may_delete.set()
        assert made.delete_all()
        assert kernel.deleted == 2
        assert not made.delete_all()


def test_a_group_that_is_not_full_is_deleted_when_it_has_waited() -> None:
    kernel = Kernel()
    kernel.may_delete.set()
    with burying(kernel) as made:
        assert made.due_in(0.0) is None
        bury(made, 2)
        assert made.due_in(PATIENCE / 4) == PATIENCE * 3 / 4
        made.delete_due(PATIENCE / 4)
        assert made.due_in(PATIENCE / 4) is not None
        made.delete_due(PATIENCE)
        assert made.due_in(PATIENCE) is None
        assert kernel.asked.wait(10)


def test_a_refused_deletion_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graves, "_RETRY", 0)
    kernel = Kernel(refusals=3)
    kernel.may_delete.set()
    with burying(kernel) as made:
        bury(made, 1)
        assert made.delete_all()
        assert kernel.deleted == 1


def test_the_end_does_not_wait_for_a_kernel_that_refuses() -> None:
    kernel = Kernel(refusals=2)
    with burying(kernel) as made:
        bury(made, 1)
    assert kernel.deleted == 0


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graves, "_SLOWEST", 0.01)
    kernel = Kernel()
    with burying(kernel) as made:
        with pytest.raises(KernelError, match="16 groups of links wait"):
            bury(made, GROUP_SIZE * 20)
        kernel.may_delete.set()
        assert made.delete_all()
        assert kernel.deleted == 16
        bury(made, 1)
        assert made.delete_all()
        assert kernel.deleted == 17
