"""Fixtures of several modules of unit tests."""

import time

import pytest

from tests.unit.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock, which stands still until the test moves it."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock
