"""Which blocks a node has, gives addresses from, and wants."""

from dataclasses import replace
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.claims import Claim, Claimed
from bgpnet.model.declared import Declared, DeclaredBlock, DeclaredPool
from bgpnet.model.kernel import Kernel
from bgpnet.model.net import POD_METRIC, POD_PROTOCOL, covers
from bgpnet.model.rejection import ObjectRef, Reason
from bgpnet.planner import make_plan
from bgpnet.planner.blocks import NodeBlocks, node_blocks, sound_pools
from tests.unit.facts import UPLINKS, kernel_route, node, pool, prefix, snapshot, two_tors

NODE = replace(node("n1"), uid="u1")

POOL = pool("pods", "10.1.0.0/16")


def block(cidr: str, owner: str = "n1", uid: str = "u1", released: str = "") -> DeclaredBlock:
    return DeclaredBlock(ObjectRef("IPBlock", cidr), "", prefix(cidr), owner, "pods", uid, "b", released)


def kernel(*pods: str) -> Kernel:
    routes = (kernel_route(f"{pod}/32", protocol=POD_PROTOCOL, metric=POD_METRIC) for pod in pods)
    return Kernel(UPLINKS, tuple(routes))


def many(first: str, count: int) -> list[str]:
    return [str(ip_address(first) + number) for number in range(count)]


def decided(
    blocks: tuple[DeclaredBlock, ...] = (),
    pods: list[str] | None = None,
    claimed: Claimed | None = None,
    pools: tuple[DeclaredPool, ...] = (POOL,),
    cidrs: tuple[str, ...] = (),
) -> NodeBlocks:
    declared = Declared(pools=pools, blocks=blocks)
    given_cidrs = tuple(map(prefix, cidrs))
    return node_blocks(NODE, declared, kernel(*pods or ()), claimed or Claimed(), 100, given_cidrs)


def shown(found: NodeBlocks) -> tuple[list[str], list[str]]:
    return [str(each) for each in found.own], [str(each) for each in found.giving]


def reasons(found: NodeBlocks) -> set[Reason]:
    return {rejection.reason for rejection in found.rejections}


def test_a_node_without_a_block_claims_one() -> None:
    found = decided()
    assert shown(found) == ([], [])
    assert found.wanted is not None
    assert found.wanted.claims == (Claim("pods", prefix("10.1.0.0/16"), 26),)


def test_a_block_is_announced_and_gives_addresses() -> None:
    found = decided((block("10.1.2.0/26"), block("10.1.2.64/26", owner="n2")))
    assert shown(found) == (["10.1.2.0/26"], ["10.1.2.0/26"])
    assert found.wanted is not None
    assert found.wanted.claims == ()


def test_another_one_is_claimed_before_the_addresses_run_out() -> None:
    held = (block("10.1.2.0/26"),)
    few, more = decided(held, many("10.1.2.1", 50)), decided(held, many("10.1.2.1", 57))
    assert few.wanted is not None
    assert more.wanted is not None
    assert (len(few.wanted.claims), len(more.wanted.claims)) == (0, 1)


def test_an_empty_block_beyond_need_is_given_back_and_the_last_never() -> None:
    two = (block("10.1.2.0/26"), block("10.1.3.0/26"))
    found = decided(two, many("10.1.2.1", 5))
    assert found.wanted is not None
    assert found.wanted.released == (prefix("10.1.3.0/26"),)
    assert prefix("10.1.3.0/26") in found.giving  # until its time is over
    one = decided((block("10.1.2.0/26"),))
    assert one.wanted is not None
    assert one.wanted.released == ()
    closing = decided(two, many("10.1.2.1", 5), Claimed(closing=(prefix("10.1.3.0/26"),)))
    assert shown(closing) == (["10.1.2.0/26", "10.1.3.0/26"], ["10.1.2.0/26"])
    used = decided(two, [*many("10.1.2.1", 5), "10.1.3.9"], Claimed(closing=(prefix("10.1.3.0/26"),)))
    assert used.wanted is not None
    assert used.wanted.released == ()


def test_a_block_of_an_earlier_node_object_is_taken_back() -> None:
    found = decided((block("10.1.2.0/26", uid="u0"),))
    assert found.wanted is not None
    assert found.wanted.adopted == (prefix("10.1.2.0/26"),)
    assert shown(found) == (["10.1.2.0/26"], ["10.1.2.0/26"])


def test_a_block_that_was_deleted_under_running_pods_is_claimed_anew() -> None:
    gone = (block("10.1.2.0/26", uid="u0", released="2026-11-25T00:00:00Z"), block("10.1.3.0/26"))
    found = decided(gone, ["10.1.2.7"])
    assert shown(found) == (["10.1.2.0/26", "10.1.3.0/26"], ["10.1.3.0/26"])
    assert found.wanted is not None
    assert found.wanted.claims == (Claim("pods", prefix("10.1.0.0/16"), 26, prefix("10.1.2.0/26")),)
    empty = decided(gone)
    assert shown(empty) == (["10.1.3.0/26"], ["10.1.3.0/26"])


def test_a_block_on_its_way_back_is_announced_and_asked_for_until_it_is_there() -> None:
    returning = Claimed(returning=(prefix("10.1.2.0/26"),))
    found = decided((), ["10.1.2.7"], returning)
    assert shown(found) == (["10.1.2.0/26"], [])
    assert found.wanted is not None
    assert found.wanted.claims == (Claim("pods", prefix("10.1.0.0/16"), 26, prefix("10.1.2.0/26")),)
    back = decided((block("10.1.2.0/26"),), ["10.1.2.7"], returning)
    assert shown(back) == (["10.1.2.0/26"], ["10.1.2.0/26"])
    assert back.wanted is not None
    assert back.wanted.claims == ()
    lost = decided((block("10.1.2.0/26", owner="n2"),), ["10.1.2.7"], returning)
    assert shown(lost) == ([], [])
    assert shown(decided((), [], returning)) == ([], [])


def test_a_block_that_another_node_has_is_contested_and_not_announced() -> None:
    claimed = Claimed(contested=((prefix("10.1.2.0/26"), "n2"),))
    found = decided((block("10.1.3.0/26"),), ["10.1.2.7"], claimed)
    assert shown(found) == (["10.1.3.0/26"], ["10.1.3.0/26"])
    assert Reason.CONTESTED in reasons(found)


def test_of_overlapping_pools_the_older_wins_whole() -> None:
    old = replace(pool("zz", "10.1.0.0/16"), created="2026-01-01T00:00:00Z")
    new = replace(pool("aa", "10.1.128.0/17"), created="2026-02-01T00:00:00Z")
    other = replace(pool("bb", "10.2.0.0/16"), created="2026-03-01T00:00:00Z")
    sound, refused = sound_pools((new, other, old))
    assert [each.ref.name for each in sound] == ["zz", "bb"]
    assert [(each.object.name, each.reason) for each in refused] == [("aa", Reason.POOL_CONFLICT)]


def test_pod_cidrs_with_pods_live_on_when_a_pool_comes() -> None:
    found = decided((block("10.1.3.0/26"),), ["10.244.0.9"], cidrs=("10.244.0.0/24", "10.244.9.0/24"))
    assert shown(found) == (["10.1.3.0/26", "10.244.0.0/24"], ["10.1.3.0/26"])


def test_blocks_of_a_pool_that_is_gone_serve_their_pods_and_then_go() -> None:
    held = (block("10.1.2.0/26"), block("10.1.3.0/26"))
    found = decided(held, ["10.1.2.7"], pools=(), cidrs=("10.244.0.0/24",))
    assert shown(found) == (["10.1.2.0/26", "10.1.3.0/26", "10.244.0.0/24"], ["10.244.0.0/24"])
    assert found.wanted is not None
    assert found.wanted.released == (prefix("10.1.3.0/26"),)


def test_full_pools_are_told_of_and_asked_again() -> None:
    found = decided(claimed=Claimed(full=("pods",)))
    assert Reason.POOL_FULL in reasons(found)
    assert found.wanted is not None
    assert len(found.wanted.claims) == 1
    second = pool("second", "10.2.0.0/16")
    other = decided(claimed=Claimed(full=("pods",)), pools=(POOL, second))
    assert other.wanted is not None
    assert [claim.pool for claim in other.wanted.claims] == ["second"]


def test_a_node_grows_while_another_block_may_be_had() -> None:
    second, six = pool("second", "10.2.0.0/16"), pool("six", "2001:db8::/64")
    full = Claimed(full=("pods",))
    assert decided().growing
    assert not decided(claimed=full).growing
    assert decided(claimed=full, pools=(POOL, second)).growing
    empty = Claimed(full=("six",))
    assert not decided(claimed=empty, pools=(POOL, six)).growing, "a pod needs an address of each family"
    assert not decided(tuple(block(f"10.1.{number}.0/26") for number in range(100))).growing, (
        "it has as many as it may"
    )
    assert not decided(pools=()).growing, "podCIDRs are what they are"


def test_a_block_that_comes_back_is_waited_for_and_not_one_more_asked_for() -> None:
    """A Node that was made anew: its block died with the old one, and its pods live on."""
    freed = (block("10.1.2.0/26", released="now"),)
    found = decided(freed, ["10.1.2.1"])
    assert found.wanted is not None
    assert [claim.block for claim in found.wanted.claims] == [prefix("10.1.2.0/26")]
    full = decided(freed, many("10.1.2.1", 60))
    assert full.wanted is not None
    assert [claim.block for claim in full.wanted.claims] == [None, prefix("10.1.2.0/26")]
    taken = Claimed(contested=((prefix("10.1.2.0/26"), "n2"),))
    other = decided((), ["10.1.2.1"], taken)
    assert other.wanted is not None
    assert [claim.block for claim in other.wanted.claims] == [None, prefix("10.1.2.0/26")]


def test_each_family_has_its_own_block() -> None:
    found = decided(pools=(POOL, replace(pool("six", "2001:db8::/64"), block_length=122)))
    assert found.wanted is not None
    assert [claim.pool for claim in found.wanted.claims] == ["pods", "six"]


def test_a_folder_takes_no_claims_and_a_saved_state_makes_none() -> None:
    declared = replace(two_tors(node("n1", "10.1.2.0/24")), pools=(POOL,))
    assert make_plan(snapshot(declared=declared)).wanted is None
    api = replace(snapshot(declared=declared), claimed=Claimed())
    assert make_plan(api).wanted is not None
    assert make_plan(replace(api, declared=replace(declared, age=1.0))).wanted is None


@given(
    st.sets(st.integers(0, 7), max_size=8),
    st.sets(st.integers(0, 511), max_size=40),
    st.sets(st.integers(0, 7), max_size=8),
    st.sets(st.integers(0, 7), max_size=3),
)
def test_a_block_with_a_pod_is_never_given_up(
    mine: set[int], pods: set[int], deleted: set[int], closing: set[int]
) -> None:
    """Whatever is held and runs: every held block with a pod is announced, none of them is released."""
    blocks = tuple(
        block(
            f"10.1.{number // 4}.{number % 4 * 64}/26",
            released="2026-11-25T00:00:00Z" if number in deleted else "",
        )
        for number in mine
    )
    addresses = [f"10.1.{number // 256}.{number % 256}" for number in pods]
    marks = Claimed(closing=tuple(prefix(f"10.1.{number // 4}.{number % 4 * 64}/26") for number in closing))
    found = decided(blocks, addresses, marks)
    in_use = {
        each.prefix for each in blocks if any(covers(each.prefix, prefix(f"{a}/32")) for a in addresses)
    }
    assert in_use <= set(found.own)
    assert found.wanted is not None
    assert not in_use & set(found.wanted.released)
    assert set(found.giving) <= set(found.own)
    assert not set(found.giving) & {each.prefix for each in blocks if each.released}
    assert decided(blocks[::-1], addresses[::-1], marks) == found
