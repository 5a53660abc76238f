"""Which path is best, and the name of the step that decided (RFC 4271 §9.1)."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.bgp import LearnedPath, Origin
from bgpnet.model.net import Address
from bgpnet.planner.bestpath import Step, best_paths, decide
from tests.unit import facts

A, B, C = (facts.address(f"10.0.{number}.1") for number in (1, 2, 3))
IDS: dict[Address, IPv4Address | None] = {
    A: IPv4Address("192.0.2.9"),
    B: IPv4Address("192.0.2.2"),
    C: IPv4Address("192.0.2.2"),
}
BEST = LearnedPath(A, facts.prefix("192.0.2.0/24"), A, (65001, 65010))


def parted(
    *paths: LearnedPath, ids: dict[Address, IPv4Address | None] | None = None
) -> list[tuple[str, str]]:
    """Peer and step of each path but the best, which is A's."""
    decision = decide(paths, IDS if ids is None else ids)
    assert decision is not None
    assert decision.best.peer == A
    return [(str(path.peer), str(step)) for path, step in (*decision.multipath, *decision.worse)]


@pytest.mark.parametrize(
    ("best", "other", "step"),
    [
        (BEST, {"local_preference": 99}, "LocalPreference"),
        (BEST, {"as_path": (65001, 65002, 65003)}, "AsPathLength"),
        (BEST, {"origin": Origin.EGP}, "Origin"),
        (replace(BEST, origin=Origin.EGP), {"origin": Origin.INCOMPLETE}, "Origin"),
        (BEST, {"med": 1}, "Med"),
        (replace(BEST, med=5), {"med": 6}, "Med"),
        (BEST, {"internal": True, "as_path": (65002, 65010)}, "External"),
        # what an earlier step decides no later one turns
        (replace(BEST, as_path=(1, 2, 3), origin=Origin.EGP), {"local_preference": 1}, "LocalPreference"),
        (replace(BEST, origin=Origin.INCOMPLETE, med=9), {"as_path": (65001, 2, 3)}, "AsPathLength"),
        (replace(BEST, med=9), {"origin": Origin.EGP}, "Origin"),
        (replace(BEST, internal=True), {"med": 1}, "Med"),
    ],
)  # fmt: skip
def test_each_step_by_its_name(best: LearnedPath, other: dict[str, object], step: str) -> None:
    path = replace(BEST, peer=B, next_hop=B, **other)  # type: ignore[arg-type]  # fields of several types
    assert parted(best, path) == [(str(B), step)]
    assert best_paths([path, best]) == (best,)


def test_med_is_compared_only_among_paths_of_one_neighbouring_as() -> None:
    """Step c; none counts as 0."""
    other_as = replace(BEST, peer=B, next_hop=B, as_path=(65002, 65010), med=500)
    same_as = replace(BEST, peer=C, next_hop=C, med=1)
    ids: dict[Address, IPv4Address | None] = {}
    assert parted(BEST, other_as, same_as, ids=ids) == [(str(B), "PeerAddress"), (str(C), "Med")]
    assert best_paths([other_as, same_as, BEST]) == (BEST, other_as)


def test_equal_paths_are_used_together_and_the_last_steps_name_the_best() -> None:
    paths = [replace(BEST, peer=peer, next_hop=peer, as_path=(int(peer),)) for peer in (A, B, C)]
    decision = decide(paths, IDS)
    assert decision is not None
    assert (decision.best.peer, decision.worse) == (B, ())
    assert {path.peer: step for path, step in decision.multipath} == {A: Step.ROUTER_ID, C: Step.PEER_ADDRESS}
    assert parted(*paths, ids={**IDS, C: None}) == [(str(B), "PeerAddress"), (str(C), "PeerAddress")]
    assert best_paths(paths) == tuple(paths)


def test_nothing_to_decide() -> None:
    assert decide([], {}) is None
    assert best_paths([]) == ()
    assert parted(BEST) == []


PATHS = st.lists(
    st.builds(
        LearnedPath,
        peer=st.sampled_from([facts.address(f"10.0.{number}.1") for number in range(8)]),
        prefix=st.just(BEST.prefix),
        next_hop=st.sampled_from([A, B, C]),
        as_path=st.lists(st.sampled_from([1, 2]), max_size=2).map(tuple),
        origin=st.sampled_from(Origin),
        med=st.sampled_from([None, 0, 1]),
        local_preference=st.sampled_from([100, 101]),
        internal=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda path: path.peer,
)


@given(paths=PATHS, ids=st.dictionaries(st.sampled_from([A, B, C]), st.sampled_from(list(IDS.values()))))
def test_what_is_told_is_what_is_done(
    paths: list[LearnedPath], ids: dict[Address, IPv4Address | None]
) -> None:
    decision = decide(paths, ids)
    used = {decision.best, *(path for path, _ in decision.multipath)} if decision else set()
    assert used == set(best_paths(paths))
    worse = [path for path, _ in decision.worse] if decision else []
    assert used.isdisjoint(worse)
    assert used.union(worse) == set(paths)
    assert decide(paths[::-1], ids) == decision


def test_a_path_kept_over_its_routers_restart_is_used_where_there_is_no_other() -> None:
    """Whatever its attributes: nobody knows what a router forwards that restarts."""
    kept = replace(facts.path("192.0.2.0/24", "10.0.1.1", 65001), stale=True, local_preference=200)
    fresh = facts.path("192.0.2.0/24", "10.0.2.1", 65002, 65009)
    assert best_paths([kept, fresh]) == (fresh,)
    assert best_paths([kept]) == (kept,)
    decision = decide([kept, fresh], {})
    assert decision is not None
    assert decision.worse == ((kept, Step.STALE),)
