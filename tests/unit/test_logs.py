"""Log lines: one event, one line, whatever is in it."""

import io
import logging
import os
import sys
from pathlib import Path

import pytest

from bgpnet.drivers import logs
from bgpnet.model.secret import Secret


def line(message: str, *args: object, name: str = "bgpnet.agent.loop", error: Exception | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, logging.INFO, "f.py", 1, message, args, info)
    record.created = 1767323045.678
    return logs.Logfmt("agent").format(record)


HEAD = "ts=2026-01-02T03:04:05.678Z level=info process=agent module=agent.loop"


def test_event_and_pairs() -> None:
    text = line("session up peer=%s hold_time=%d", "192.0.2.1", 9)
    assert text == f'{HEAD} msg="session up" peer=192.0.2.1 hold_time=9'


def test_event_without_pairs() -> None:
    assert line("ready") == f"{HEAD} msg=ready"
    assert line("") == f'{HEAD} msg=""'


def test_values_with_spaces() -> None:
    assert line("failed error=%r n=1", "no such file") == f'{HEAD} msg=failed error="no such file" n=1'
    assert line('failed error="a b"') == f'{HEAD} msg=failed error="a b"'


def test_only_pairs_at_the_end_are_fields() -> None:
    assert line("rejected a=1: because") == f'{HEAD} msg="rejected a=1: because"'
    assert line("field is ''") == f"{HEAD} msg=\"field is ''\""


def test_a_line_break_cannot_forge_an_event() -> None:
    text = line("name=%s", "x\nts=0 level=error")
    assert "\n" not in text
    assert text.startswith(f"{HEAD} msg=")


def test_a_traceback_stays_in_its_line() -> None:
    with pytest.raises(ValueError, match="lines") as caught:
        int("two\nlines")
    text = line("broke", error=caught.value)
    assert "\n" not in text
    assert 'exception="Traceback' in text


def test_a_secret_is_not_shown() -> None:
    text = line("password=%s %r", Secret("hunter2"), Secret("hunter2"))
    assert "hunter2" not in text
    assert "***" in text


def test_long_messages_of_many_pairs_take_no_time() -> None:
    text = line("x " + " a=b" * 20_000 + " !")
    assert text.endswith('!"')


def test_setup_sets_level_and_leaves_one_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.setup("cni", "warning")
        logs.setup("cni", "warning")
        logging.getLogger("bgpnet.cni.server").info("quiet")
        logging.getLogger("bgpnet.cni.server").warning("loud")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.captureWarnings(capture=False)
    (text,) = stream.getvalue().splitlines()
    assert text.endswith("level=warning process=cni module=cni.server msg=loud")


@pytest.mark.parametrize("connected", [True, False])
def test_the_journal_is_told_priorities(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, connected: bool
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with (tmp_path / "stream").open("w+") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino + (not connected)}")
        try:
            logs.setup("cni", "debug")
            for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
                logging.getLogger("bgpnet.x").log(severity, "a")
        finally:
            root.handlers[:] = before
            root.setLevel(level)
            logging.captureWarnings(capture=False)
        stream.seek(0)
        heads = [text.split(" ")[0].split("ts=")[0] for text in stream]
    assert heads == (["<7>", "<6>", "<4>", "<3>", "<3>"] if connected else [""] * 5)
