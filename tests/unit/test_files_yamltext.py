"""YAML text to values: lines, the core schema, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.drivers.files.yamltext import MAX_VALUES, Broken, Document, decode, each_decoded


def one(text: str) -> Document:
    documents = decode(text.encode())
    assert not isinstance(documents, Broken)
    (document,) = documents
    return document


def broken(text: bytes) -> Broken:
    found = decode(text)
    assert isinstance(found, Broken)
    return found


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("65001", 65001),
        ("-1", -1),
        ("0x10", 16),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("'65001'", "65001"),
        ('"true"', "true"),
        ("!!str 7", "7"),
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2001:db8::1", "2001:db8::1"),
        ("10.1.0.0/24", "10.1.0.0/24"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("9" * 5000, float("inf")),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_scalars(written: str, value: object) -> None:
    assert one(f"a: {written}").value == {"a": value}


def test_json_is_yaml() -> None:
    assert one('{"a": [1, {"b": null}], "c": "d"}').value == {"a": [1, {"b": None}], "c": "d"}


def test_line_of_every_field() -> None:
    document = one("# comment\na:\n  b:\n    - c: 1\n    -\n      d: 2\n  e: f\n")
    assert document.line_of(()) == 2
    assert document.line_of(("a",)) == 2
    assert document.line_of(("a", "b", 0, "c")) == 4
    assert document.line_of(("a", "b", 1, "d")) == 6
    assert document.line_of(("a", "e")) == 7


def test_line_of_a_field_that_is_missing_is_that_of_what_should_hold_it() -> None:
    document = one("a:\n  b: 1\n")
    assert document.line_of(("a", "x", "y")) == 1
    assert document.line_of(("a", "b", "y")) == 2


def test_documents_and_empty_documents() -> None:
    documents = decode(b"---\n---\na: 1\n---\n# nothing\n---\nb: 2\n")
    assert not isinstance(documents, Broken)
    assert [(d.value, d.line_of(())) for d in documents] == [({"a": 1}, 3), ({"b": 2}, 7)]
    assert decode(b"") == ()


def test_items_of_a_list() -> None:
    items = list(one("kind: List\nitems:\n- a: 1\n- b: 2\n").items())
    assert [(item.value, item.line_of(())) for item in items] == [({"a": 1}, 3), ({"b": 2}, 4)]
    assert list(one("kind: List\nitems: []\n").items()) == []


@pytest.mark.parametrize(("more", "value", "line"), [("items: 7\n", 7, 2), ("", None, 1)])
def test_what_stands_in_place_of_a_lists_items_is_not_passed_over(
    more: str, value: object, line: int
) -> None:
    (item,) = one(f"kind: List\n{more}").items()
    assert (item.value, item.line_of(())) == (value, line)


def test_aliases_are_followed() -> None:
    assert one("a: &x {b: 1}\nc: *x\n").value == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (b"a: [1,2\nb: 3\n", 2, "did not find expected"),
        (b"a: 1\nb: 'cut in ha", 2, "unexpected end of stream"),
        (b"a: 1\na: 2\n", 2, 'the field "a" is there twice'),
        (b"a: &x [*x]\n", 1, "alias *x"),
        (b"a: 1\nb: *y\n", 2, "alias *y"),
        (b"a:\n\t- b\n", 2, "a tab where only spaces may indent"),
        (b"a:\n  \tb: 1\n", 2, "a tab where only spaces may indent"),
        (b"a: @b\tc\n", 1, "cannot start any token"),
        (b"a: 1\nb: !!python/object:os.system x\n", 2, "python/object"),
        (b"a: 1\nb: !secret x\n", 2, "!secret"),
        (b"a: 1\n? [1]\n: 2\n", 2, "name must be a text"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        (b"a: 1\n\x00", 2, "control characters"),
        (b"a: " + b"[" * 100, 1, "nested deeper"),
        (b"[" * 100_000, 1, ""),
        (b"[" + b"1," * MAX_VALUES + b"]", 1, "values"),
    ],
)
def test_what_cannot_be_read(text: bytes, line: int, problem: str) -> None:
    found = broken(text)
    assert found.line == line
    assert problem in found.problem


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    lines = [b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 30)]
    assert "aliases counted" in broken(b"\n".join(lines)).problem


@given(st.binary(max_size=60) | st.text(alphabet="a1:-[]{}&*!#'\"|> \n\t?,%~", max_size=60).map(str.encode))
def test_no_text_can_raise(text: bytes) -> None:
    decode(text)


def test_a_text_that_stands_in_many_documents_is_one_object() -> None:
    documents = decode(b"a: {role: rack-one}\n---\nb: {role: rack-one}\n")
    assert not isinstance(documents, Broken)
    first, second = documents
    assert first.value["a"]["role"] is second.value["b"]["role"]


def test_each_document_is_made_into_something_before_the_next_is_read() -> None:
    """All of five thousand Nodes' values at once cost 20 MiB that Python does not give back."""
    made: list[object] = []
    assert isinstance(each_decoded(b"1\n---\n2\n---\n]", lambda each: made.append(each.value)), Broken)
    assert made == [1, 2]
