"""The files from which the CNI shim answers STATUS."""

from pathlib import Path

from bgpnet.drivers.readiness import Readiness


def test_a_beat_is_written_now_and_then(tmp_path: Path) -> None:
    times = iter([70.0, 74.9, 75.0])
    heartbeat = tmp_path / "heartbeat"
    readiness = Readiness(tmp_path / "ready", heartbeat, lambda: next(times))
    seen = []
    for _ in range(3):
        readiness.beat()
        seen.append(heartbeat.read_text())
    assert seen == ["70000\n", "70000\n", "75000\n"]


def test_ready_is_marked_once(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    readiness = Readiness(ready, tmp_path / "heartbeat", lambda: 0.0)
    assert not ready.exists()
    readiness.mark_ready()
    first = ready.stat()
    readiness.mark_ready()
    assert ready.stat() == first
    assert ready.read_bytes() == b""
