"""The pod ledger and its file: what is known after a crash, and how large the file gets."""

from ipaddress import ip_address
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bgpnet.drivers import podjournal
from bgpnet.drivers.podjournal import PodJournal
from bgpnet.model.cni import Attachment, PodName
from bgpnet.model.podledger import FREED_KEPT, PodLedger, PodRecord

V4, V6, OTHER = ip_address("10.244.1.7"), ip_address("fd00::7"), ip_address("10.244.1.8")
RECORD = PodRecord(Attachment("pods", "4f0c", "eth0"), (V4, V6), PodName("shop", "cart-0", "1-2"), 71.5)


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "pods.jsonl"
    journal = PodJournal(path)
    journal.attached(RECORD)
    journal.freed((OTHER,), 80.0)
    journal.close()
    found = podjournal.read(path)
    assert found.pods == {V4: RECORD, V6: RECORD}
    assert found.freed == {OTHER: 80.0}


def test_a_line_that_was_cut_off_harms_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "pods.jsonl"
    journal = PodJournal(path)
    journal.attached(RECORD)
    journal.freed((OTHER,), 80.0)
    journal.close()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert set(podjournal.read(path).pods) <= {V4, V6}
    path.write_bytes(b"\xff\n[]\n{}\n5\n" + whole)
    assert podjournal.read(path).freed == {OTHER: 80.0}


def test_nothing_is_known_without_a_file(tmp_path: Path) -> None:
    assert podjournal.read(tmp_path / "pods.jsonl").pods == {}


def test_the_file_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "pods.jsonl"
    journal = PodJournal(path)
    sizes = set()
    for round_ in range(3000):
        journal.attached(RECORD)
        journal.freed((V4, V6), float(round_))
        sizes.add(path.stat().st_size)
    journal.close()
    assert max(sizes) < 500_000
    assert podjournal.read(path).freed == {V4: 2999.0, V6: 2999.0}


def test_a_place_that_cannot_be_written_costs_names_alone(tmp_path: Path) -> None:
    path = tmp_path / "pods.jsonl"
    path.mkdir()
    journal = PodJournal(path)
    journal.attached(RECORD)
    assert journal.ledger.pods[V4] == RECORD
    path.rmdir()
    for _ in range(100):
        journal.attached(RECORD)
    journal.close()
    assert podjournal.read(path).pods == {V4: RECORD, V6: RECORD}


def test_freed_addresses_are_bounded_and_the_newest_kept() -> None:
    ledger = PodLedger()
    ledger.free((ip_address(number) for number in range(FREED_KEPT + 10)), 1.0)
    assert len(ledger.freed) == FREED_KEPT
    assert ip_address(9) not in ledger.freed
    assert next(iter(ledger.freed)) == ip_address(10)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=40))
def test_lines_say_what_the_ledger_knows(steps: list[tuple[bool, int]]) -> None:
    ledger = PodLedger()
    for at, (attaching, number) in enumerate(steps):
        if attaching:
            whose = Attachment("pods", f"c{number}", "eth0")
            ledger.attach(PodRecord(whose, (ip_address(number),), PodName(), float(at)))
        else:
            ledger.free((ip_address(number),), float(at))
    again = PodLedger()
    assert all(again.read(line) for line in ledger.lines())
    assert (again.pods, again.freed) == (ledger.pods, ledger.freed)
    assert list(again.freed) == list(ledger.freed)
    assert not set(again.pods) & set(again.freed)
