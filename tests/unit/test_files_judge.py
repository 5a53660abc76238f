"""What holds of the manifests: last good states, duplicates, passwords. No disk, no clock."""

from itertools import permutations

import pytest

from bgpnet.drivers.files.contents import (
    Content,
    FileState,
    GoodObject,
    Password,
    PasswordFile,
    Unreadable,
)
from bgpnet.drivers.files.judge import judge as judge_at
from bgpnet.drivers.files.judge import merge, password_places
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.secret import Secret

GOOD = FileState()
NOW = 1_700_000_000.0


def judge(file: str, content: Content, before: tuple[GoodObject, ...] = (), now: float = NOW) -> FileState:
    return judge_at(file, content, before, now)


def pool(name: str, cidr: str = "10.0.0.0/8") -> str:
    return f"""\
apiVersion: bgpnet.io/v1alpha1
kind: IPPool
metadata: {{name: {name}}}
spec:
  cidr: {cidr}
"""


def peer(name: str, more: str = "") -> str:
    return f"""\
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {{name: {name}}}
spec:
  peerAddress: 192.0.2.1
  peerASN: 65001
  {more}
"""


def text(*documents: str) -> bytes:
    return "---\n".join(documents).encode()


def cidrs(state: FileState) -> dict[str, str]:
    return {pool.ref.name: str(pool.cidr) for pool in merge({"f": state}, {}).pools}


def test_objects_of_a_file_with_their_lines() -> None:
    state = judge("f.yaml", text(pool("a"), "apiVersion: v1\nkind: Pod\n", pool("b")), ())
    assert [good.ref for good in state.objects] == [
        ObjectRef("IPPool", "a", "f.yaml", 1),
        ObjectRef("IPPool", "b", "f.yaml", 10),
    ]
    assert state.rejections == ()


def test_one_bad_object_harms_itself_alone() -> None:
    state = judge("f.yaml", text(pool("a"), pool("b", "10.0.0.1/8"), pool("c")), ())
    assert sorted(cidrs(state)) == ["a", "c"]
    (rejection,) = state.rejections
    assert rejection.object == ObjectRef("IPPool", "b", "f.yaml", 11)
    assert (rejection.field, rejection.reason) == ("spec.cidr", Reason.HOST_BITS_SET)


def test_a_broken_object_keeps_its_last_good_state_and_the_others_move_on() -> None:
    before = judge("f", text(pool("a"), pool("b")), ()).objects
    state = judge("f", text(pool("a", "nonsense"), pool("b", "172.16.0.0/12")), before)
    assert cidrs(state) == {"a": "10.0.0.0/8", "b": "172.16.0.0/12"}
    assert [r.field for r in state.rejections] == ["spec.cidr"]


def test_a_bad_pod_cidr_keeps_the_node_as_it_was() -> None:
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nspec: {podCIDRs: [10.1.0.0/24, %s]}\n"
    first = judge("f", text(node % "10.2.0.0/24"), ())
    second = judge("f", text(node % "10.2.0.9/24"), first.objects)
    assert second.objects == first.objects
    (new,) = merge({"f": judge("f", text(node % "10.2.0.9/24"), ())}, {}).nodes
    assert [str(cidr) for cidr in new.pod_cidrs] == ["10.1.0.0/24"]


def test_a_file_cut_in_half_keeps_all_its_objects_and_names_the_line() -> None:
    whole = text(pool("a"), pool("b"))
    before = judge("f.yaml", whole, ()).objects
    state = judge("f.yaml", whole[:-30] + b" 'cut", before)
    assert sorted(cidrs(state)) == ["a", "b"]
    (rejection,) = state.rejections
    assert (rejection.object.file, rejection.reason) == ("f.yaml", Reason.BROKEN_FILE)
    assert rejection.object.line == 10
    assert "last good state stays in force" in rejection.remedy


def test_an_unreadable_file_is_not_an_empty_one() -> None:
    before = judge("f", text(pool("a")), ()).objects
    state = judge("f", Unreadable("EACCES: Permission denied"), before)
    assert state.objects == before
    (rejection,) = state.rejections
    assert rejection.reason == Reason.UNREADABLE_FILE
    assert rejection.found == "EACCES: Permission denied"
    assert rejection.remedy == "its last good state stays in force; make it readable"


def test_an_object_that_is_taken_out_is_gone() -> None:
    before = judge("f", text(pool("a"), pool("b")), ()).objects
    assert sorted(cidrs(judge("f", text(pool("b")), before))) == ["b"]
    assert judge("f", b"apiVersion: v1\nkind: List\nitems: []\n", before) == FileState()


@pytest.mark.parametrize(
    ("blank", "found"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"# a head that was to be kept\n", "nothing but comments"),
        (b"---\n# a template that rendered to nothing\n---\n", "nothing but comments"),
    ],
)
def test_a_file_in_which_nothing_stands_is_not_an_order(blank: bytes, found: str) -> None:
    before = judge("f", text(pool("a")), ()).objects
    state = judge("f", blank, before)
    assert state.objects == before
    (rejection,) = state.rejections
    assert (str(rejection.object), rejection.found) == ("f", found)
    assert rejection.reason is Reason.BROKEN_FILE
    assert judge("f", blank, ()) == FileState()


def test_a_list_without_items_does_not_take_the_objects_away() -> None:
    before = judge("f", text(pool("a")), ()).objects
    for items in ("", "items: {}\n", "items: 7\n"):
        state = judge("f", b"apiVersion: v1\nkind: List\n" + items.encode(), before)
        assert state.objects == before
        assert [r.reason for r in state.rejections] == [Reason.INVALID_FIELD]


def test_a_mistyped_kind_or_name_does_not_take_the_object_away() -> None:
    before = judge("f", text(pool("a"), pool("b")), ()).objects
    for bad in (
        pool("a").replace("IPPool", "IPPol"),
        pool("a").replace("kind:", "kid:"),
        pool("'a b'"),
        pool("a").replace("apiVersion: bgpnet.io/v1alpha1", "apiVersion: bgpnet.io/v1"),
    ):
        state = judge("f", text(bad, pool("b")), before)
        assert sorted(cidrs(state)) == ["a", "b"]
        assert state.rejections


def test_the_first_of_two_objects_counts() -> None:
    files = {
        "b.yaml": judge("b.yaml", text(pool("x", "172.16.0.0/12")), ()),
        "a.yaml": judge("a.yaml", text(pool("x"), pool("x", "192.168.0.0/16")), ()),
    }
    for order in permutations(files.items()):
        declared = merge(dict(order), {})
        assert [str(found.cidr) for found in declared.pools] == ["10.0.0.0/8"]
        assert [(r.object.file, r.object.line, r.reason) for r in declared.rejections] == [
            ("a.yaml", 7, Reason.DUPLICATE_OBJECT),
            ("b.yaml", 1, Reason.DUPLICATE_OBJECT),
        ]
        assert "a.yaml:1" in declared.rejections[0].remedy


def test_an_older_object_is_not_displaced_by_a_copy_of_it() -> None:
    old = judge("b.yaml", text(pool("x")), (), NOW)
    copied = judge("a.yaml", text(pool("x", "172.16.0.0/12")), (), NOW + 1)
    edited = judge("b.yaml", text(pool("y"), pool("x", "192.168.0.0/16")), old.objects, NOW + 2)
    for state, cidr in ((old, "10.0.0.0/8"), (edited, "192.168.0.0/16")):
        declared = merge({"a.yaml": copied, "b.yaml": state}, {})
        assert cidr in [str(found.cidr) for found in declared.pools]
        (refused,) = declared.rejections
        assert (refused.object.file, refused.reason) == ("a.yaml", Reason.DUPLICATE_OBJECT)


def test_a_peer_is_as_old_as_its_place_in_the_folder_unless_it_says_otherwise() -> None:
    """Of two peers with one address the older wins, and no copy is older."""
    said = peer("c").replace("{name: c}", "{name: c, creationTimestamp: '2001-02-03T04:05:06Z'}")
    files = {
        "a": judge("a", text(peer("a")), (), NOW + 1),
        "b": judge("b", text(peer("b")), (), NOW),
        "c": judge("c", text(said), (), NOW + 2),
    }
    by_age = sorted(merge(files, {}).peers, key=lambda found: found.created)
    assert [found.ref.name for found in by_age] == ["c", "b", "a"]


def test_objects_of_two_kinds_may_share_a_name() -> None:
    assert merge({"f": judge("f", text(pool("x"), peer("x")), ())}, {}).rejections == ()


def test_rejections_of_no_file_are_told_too() -> None:
    gone = Rejection(ObjectRef("", "", "/folder"), "", "", Reason.SOURCE_GONE, "make it readable")
    assert merge({}, {}, (gone,)).rejections == (gone,)


KEY_FILE = PasswordFile("key")


def test_passwords() -> None:
    files = {"f": judge("f", text(peer("a", "passwordFile: key"), peer("b")), ())}
    assert password_places(files) == {KEY_FILE}
    with_key, without = merge(files, {KEY_FILE: Password(Secret("s3cret"))}).peers
    assert (with_key.password, with_key.password_error) == (Secret("s3cret"), "")
    assert (without.password, without.password_error) == (None, "")


def test_a_password_that_never_could_be_read_is_said_in_the_peer() -> None:
    files = {"f": judge("f", text(peer("a", "passwordFile: key")), ())}
    declared = merge(files, {KEY_FILE: Password(error="ENOENT: No such file or directory")})
    (told,) = declared.peers
    assert told.password is None
    assert told.password_error == "password file key: ENOENT: No such file or directory"
    assert declared.rejections == ()


def test_a_password_that_vanished_stays_in_force() -> None:
    files = {"f": judge("f", text(peer("a", "passwordFile: key")), ())}
    declared = merge(files, {KEY_FILE: Password(Secret("s3cret"), "ENOENT: No such file or directory")})
    assert declared.peers[0].password == Secret("s3cret")
    assert declared.peers[0].password_error == ""
    assert [(r.field, r.reason) for r in declared.rejections] == [
        ("spec.passwordFile", Reason.PASSWORD_UNREADABLE)
    ]
    assert "s3cret" not in repr(declared)


def test_what_an_object_says_is_made_once() -> None:
    """An edit of one file does not make five thousand Nodes of another anew."""
    files = {"a.yaml": judge("a.yaml", text(pool("a")))}
    (first,) = merge(files, {}).pools
    files["b.yaml"] = judge("b.yaml", text(pool("b", "10.1.0.0/16")))
    assert any(each is first for each in merge(files, {}).pools)
