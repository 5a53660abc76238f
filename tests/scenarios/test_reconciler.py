"""One node's story, step by step, against a kernel and a speaker that only remember."""

import asyncio
import errno
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from bgpnet.agent import journal
from bgpnet.agent.contention import Contention
from bgpnet.agent.reconciler import Doors, Outcome, step
from bgpnet.model.bfd import Bfd, BfdSession, BfdTimers, ObservedBfd
from bgpnet.model.bgp import LearnedPath, ObservedSession, SessionState, Speaker
from bgpnet.model.blocks import Blocks
from bgpnet.model.declared import Declared
from bgpnet.model.diff import DeleteRoute, KernelChange, PutGroup, PutRoute
from bgpnet.model.drain import Drain
from bgpnet.model.errors import KernelError
from bgpnet.model.kernel import Kernel, KernelRoute, NextHopObject, RouteKind
from bgpnet.model.nat import TABLE_REF, Translation
from bgpnet.model.net import Address, Prefix
from bgpnet.model.plan import Announcement, Route, Session, Sysctl
from bgpnet.model.probe import Probe, ProbeResult
from bgpnet.model.rejection import Reason, Rejection
from tests.unit import facts
from tests.unit.kernelmodel import carried_out


@dataclass
class World:
    """Everything outside the agent. `told` is the order in which the outside was touched."""

    objects: Declared | None = None
    speaker_says: Speaker | None = None
    kernel: Kernel = field(default_factory=lambda: Kernel(facts.UPLINKS, ()))
    refuses: frozenset[Prefix] = frozenset()
    settings: dict[str, str] = field(default_factory=dict)
    handed_over: Blocks | None = None
    sessions: tuple[Session, ...] | None = None
    announced: tuple[Announcement, ...] | None = None
    rejections: tuple[Rejection, ...] = ()
    probes: tuple[Probe, ...] = ()
    drain: Drain | None = None
    out_of_descriptors: bool = False
    told: list[str] = field(default_factory=list)
    bfd_says: Bfd | None = None
    watched: tuple[BfdSession, ...] | None = None
    failed: tuple[Address, ...] = ()
    last: Outcome | None = None
    nat: tuple[Translation, ...] | None = ()
    no_nftables: bool = False

    @property
    def routes(self) -> dict[Prefix, KernelRoute]:
        return {route.prefix: route for route in self.kernel.routes}

    def step(self) -> Outcome:
        kernel, sysctls, blocks = KernelOf(self), SysctlOf(self), BlocksOf(self)
        doors = Doors(
            SourceOf(self),
            kernel,
            sysctls,
            NatOf(self),
            blocks,
            SpeakerOf(self),
            ProbeOf(self),
            DrainOf(self),
            BfdOf(self),
        )
        self.last = asyncio.run(step("n1", doors, lambda: 0.0, Contention(), self.last))
        return self.last


@dataclass
class SourceOf:
    world: World

    def declared(self) -> Declared | None:
        return self.world.objects

    def unread(self) -> tuple[Rejection, ...]:
        return ()


@dataclass
class KernelOf:
    world: World

    async def dump(self) -> Kernel:
        self.world.told.append("dump")
        return self.world.kernel

    async def next_hops(self) -> tuple[NextHopObject, ...]:
        return self.world.kernel.next_hops

    async def apply(self, changes: Sequence[KernelChange]) -> tuple[tuple[KernelChange, KernelError], ...]:
        refused = []
        for change in changes:
            if isinstance(change, PutRoute) and change.route.prefix in self.world.refuses:
                refused.append((change, KernelError(f"route {change.route.prefix}: EPERM", errno.EPERM)))
                continue
            self.world.told += told(change)
            self.world.kernel = carried_out(self.world.kernel, change)
        return tuple(refused)


def told(change: KernelChange) -> list[str]:
    match change:
        case PutRoute(route):
            return [f"put {route.prefix}"]
        case DeleteRoute(prefix):
            return [f"delete {prefix}"]
        case PutGroup():
            return ["group"]
        case _:
            return []


@dataclass
class SysctlOf:
    world: World

    def read(self, wanted: tuple[Sysctl, ...]) -> tuple[Sysctl, ...]:
        return tuple(Sysctl(each.path, self.world.settings.get(each.path, "0")) for each in wanted)

    def set(self, sysctl: Sysctl) -> None:
        self.world.settings[sysctl.path] = sysctl.value


@dataclass
class NatOf:
    world: World

    async def observed(self) -> tuple[Translation, ...] | None:
        return self.world.nat

    async def write(self, wanted: tuple[Translation, ...]) -> None:
        if self.world.no_nftables:
            raise KernelError("this kernel has no nf_tables")
        self.world.told.append("nat" if wanted else "no nat")
        self.world.nat = wanted


@dataclass
class BlocksOf:
    world: World

    def read(self) -> Blocks | None:
        if self.world.out_of_descriptors:
            raise OSError(errno.EMFILE, "Too many open files")
        return self.world.handed_over

    def write(self, blocks: Blocks) -> None:
        if self.world.out_of_descriptors:
            raise OSError(errno.EMFILE, "Too many open files")
        self.world.told.append("blocks")
        self.world.handed_over = blocks


@dataclass
class ProbeOf:
    world: World

    def want(self, probes: tuple[Probe, ...]) -> None:
        self.world.probes = probes

    def observed(self) -> tuple[ProbeResult, ...]:
        return ()


@dataclass
class DrainOf:
    world: World

    def stage(self, label: str | None, wait: float) -> Drain | None:
        assert wait > 0
        return None if label is None else self.world.drain


@dataclass
class SpeakerOf:
    world: World

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        return self.world.rejections

    def want(
        self,
        sessions: tuple[Session, ...] | None,
        announcements: tuple[Announcement, ...] | None,
        advertise: tuple[str, ...],
    ) -> None:
        del advertise
        self.world.told.append("speaker")
        self.world.sessions, self.world.announced = sessions, announcements

    def failed(self, peers: tuple[Address, ...]) -> None:
        self.world.failed = peers

    def observed(self) -> Speaker | None:
        return self.world.speaker_says


@dataclass
class BfdOf:
    world: World
    rejections: tuple[Rejection, ...] = ()

    def want(self, sessions: tuple[BfdSession, ...] | None) -> None:
        self.world.watched = sessions

    def observed(self) -> Bfd | None:
        return self.world.bfd_says


def hearing(*paths: LearnedPath) -> Speaker:
    sessions = tuple(
        ObservedSession(facts.address(peer), SessionState.ESTABLISHED, 0.0, "", 0, (), end_of_rib_sent=True)
        for peer in ("10.0.1.1", "10.0.2.1")
    )
    return Speaker(sessions, paths)


def unicast(world: World) -> list[str]:
    return [str(prefix) for prefix, route in world.routes.items() if route.next_hops]


def test_a_node_comes_up_and_then_rests() -> None:
    world = World(objects=facts.two_tors(), speaker_says=hearing(facts.path("192.0.2.0/24", "10.0.1.1")))
    world.step()
    assert world.told == ["dump", "group", "put 10.244.1.0/26", "put 192.0.2.0/24", "blocks", "speaker"]
    assert world.settings["net/ipv4/ip_forward"] == "1"
    assert [str(announcement.prefix) for announcement in world.announced or ()] == ["10.244.1.0/26"] * 2
    assert world.step().changes == ()


def test_a_lost_prefix_is_withdrawn_before_its_discard_route_goes() -> None:
    world = World(
        objects=facts.two_tors(facts.node("n1", "10.244.1.0/26", "10.244.9.0/26")), speaker_says=hearing()
    )
    world.step()
    world.objects = facts.two_tors(facts.node("n1", "10.244.1.0/26"))
    world.told.clear()
    world.step()
    assert world.told == ["dump", "blocks", "speaker", "delete 10.244.9.0/26"]


def test_before_the_source_is_read_nothing_is_touched() -> None:
    world = World(speaker_says=hearing(), kernel=Kernel(facts.UPLINKS, (facts.kernel_route("192.0.2.0/24"),)))
    outcome = world.step()
    assert world.told == ["dump", "speaker"]
    assert (world.sessions, world.announced, outcome.changes) == (None, None, ())


def test_a_silent_speaker_costs_no_route() -> None:
    world = World(objects=facts.two_tors(), speaker_says=hearing(facts.path("192.0.2.0/24", "10.0.1.1")))
    world.step()
    world.speaker_says = None
    world.step()
    assert unicast(world) == ["192.0.2.0/24"]


def test_a_router_that_withdraws_loses_its_next_hop() -> None:
    both = (facts.path("192.0.2.0/24", "10.0.1.1"), facts.path("192.0.2.0/24", "10.0.2.1", 65002))
    world = World(objects=facts.two_tors(), speaker_says=hearing(*both))
    world.step()
    world.speaker_says = hearing(both[0])
    world.step()
    assert [hop.link for hop in world.routes[facts.prefix("192.0.2.0/24")].next_hops] == ["eth1"]
    world.speaker_says = hearing()
    world.step()
    assert unicast(world) == []


def test_a_lost_router_leaves_its_groups_before_anything_else_is_looked_at() -> None:
    first, second = (
        [facts.path(f"10.244.{n}.0/26", via, asn) for n in range(2, 9)]
        for via, asn in (("10.0.1.1", 65001), ("10.0.2.1", 65002))
    )
    world = World(objects=facts.two_tors(), speaker_says=hearing(*first, *second))
    world.step()
    world.told.clear()
    world.speaker_says = hearing(*second)
    world.step()
    assert world.told == ["group", "dump", "speaker"]
    assert {hop.link for route in world.routes.values() for hop in route.next_hops} == {"eth2"}


def test_before_its_table_was_read_a_router_is_taken_out_of_no_group() -> None:
    both = [facts.path("192.0.2.0/24", via, asn) for via, asn in (("10.0.1.1", 65001), ("10.0.2.1", 65002))]
    world = World(objects=facts.two_tors(), speaker_says=hearing(*both))
    world.step()
    world.told.clear()
    world.speaker_says = replace(hearing(both[1]), unread=(facts.address("10.0.1.1"),))
    world.step()
    assert world.told == ["dump", "speaker"]


def test_a_route_that_the_kernel_refuses_harms_itself_alone() -> None:
    """Pain point 20: one bad object stops the node's agent."""
    paths = (facts.path("192.0.2.0/24", "10.0.1.1"), facts.path("10.244.2.0/26", "10.0.1.1"))
    world = World(
        objects=facts.two_tors(), speaker_says=hearing(*paths), refuses=frozenset([paths[0].prefix])
    )
    outcome = world.step()
    assert unicast(world) == ["10.244.2.0/26"]
    assert [(each.object.name, each.reason) for each in outcome.failures] == [
        ("192.0.2.0/24", Reason.KERNEL_REFUSED)
    ]
    world.refuses = frozenset()
    assert world.step().failures == ()
    assert "192.0.2.0/24" in unicast(world)


def test_each_event_is_logged_once_and_a_resting_node_is_quiet() -> None:
    world = World(
        objects=facts.two_tors(facts.node("n1", "10.244.1.0/26", "0.0.0.0/0")), speaker_says=hearing()
    )
    first = world.step()
    lines = [line for _, line in journal.events(None, first)]
    assert "route put prefix=10.244.1.0/26 kind=blackhole next_hops=" in lines
    assert sum("DefaultRoute" in line for line in lines) == 1
    second = world.step()
    assert list(journal.events(first, second)) == []


def test_ten_thousand_routes_are_a_line_in_the_log_and_not_ten_thousand() -> None:
    world = World(objects=facts.two_tors(facts.node("n1", "10.244.1.0/26")), speaker_says=hearing())
    outcome = world.step()
    routes = [Route(ip_network(f"10.0.{n // 256}.{n % 256}/32"), RouteKind.BLACKHOLE) for n in range(10_000)]
    changes = tuple(PutRoute(route, replaces=False) for route in routes)
    lines = [line for _, line in journal.events(outcome, replace(outcome, changes=changes))]
    assert len(lines) == journal.SHOWN + 1
    assert lines[-1] == "more routes changed, all in all put=10000 deleted=0"


def watched_by_bfd(*, failed: bool) -> Bfd:
    return Bfd((ObservedBfd(facts.address("10.0.1.1"), "eth1", "Down", "Down", 0.0, failed=failed),))


def test_a_router_that_bfd_takes_for_dead_is_out_of_use_at_once_and_its_session_ends() -> None:
    both = [facts.path("192.0.2.0/24", peer) for peer in ("10.0.1.1", "10.0.2.1")]
    objects = facts.two_tors()
    objects = replace(objects, peers=tuple(replace(peer, bfd=BfdTimers(300, 3)) for peer in objects.peers))
    world = World(objects=objects, speaker_says=hearing(*both))
    world.step()
    assert [session.timers.interval for session in world.watched or ()] == [300, 300]
    prefix = facts.prefix("192.0.2.0/24")
    assert len(world.routes[prefix].next_hops) == 2
    # also while a table is being read, when next hops are not taken away for other reasons
    assert world.speaker_says is not None
    world.speaker_says = replace(world.speaker_says, unread=tuple(path.peer for path in both))
    world.bfd_says = watched_by_bfd(failed=True)
    outcome = world.step()
    assert [str(hop.gateway) for hop in world.routes[prefix].next_hops] == ["10.0.2.1"]
    assert world.failed == (facts.address("10.0.1.1"),)
    assert not outcome.plan.rejections
    world.bfd_says = watched_by_bfd(failed=False)
    world.step()
    assert len(world.routes[prefix].next_hops) == 2
    assert not world.failed


def test_bfd_that_is_not_asked_for_or_not_heard_takes_nothing_away() -> None:
    path = facts.path("192.0.2.0/24", "10.0.1.1")
    world = World(objects=facts.two_tors(), speaker_says=hearing(path), bfd_says=watched_by_bfd(failed=True))
    world.step()
    assert unicast(world) == ["192.0.2.0/24"]
    assert world.watched == ()


def test_without_descriptors_routes_are_still_put_back() -> None:
    """Only what needs a file is not done, and is told."""
    world = World(facts.two_tors())
    world.step()
    world.routes.clear()
    world.out_of_descriptors = True
    outcome = world.step()
    assert facts.prefix("10.244.1.0/26") in {route.prefix for route in world.routes.values()}
    assert [(each.object.name, "Too many open files" in each.remedy) for each in outcome.failures] == [
        ("blocks.json", True)
    ]
    world.out_of_descriptors = False
    assert not world.step().failures


def with_nat() -> Declared:
    return facts.two_tors(pools=(replace(facts.pool("pods", "10.244.0.0/16"), nat_outgoing=True),))


def test_translations_are_there_before_pods_are_and_go_with_the_last_pool_that_asks() -> None:
    world = World(objects=with_nat())
    world.step()
    assert world.told.index("nat") < world.told.index("blocks")
    assert [each.pods for each in world.nat or ()] == [(ip_network("10.244.1.0/26"),)]
    assert world.step().changes == ()
    world.nat, world.told = None, []
    world.step()
    assert "nat" in world.told, "what is not known is written anew"
    world.objects, world.told = None, []
    world.step()
    assert "no nat" not in world.told, "not knowing is not emptiness"
    world.objects = facts.two_tors()
    world.step()
    assert "no nat" in world.told


def test_a_kernel_without_nftables_harms_translation_alone() -> None:
    world = World(objects=with_nat(), no_nftables=True)
    outcome = world.step()
    assert [(each.object, each.found, each.reason) for each in outcome.failures] == [
        (TABLE_REF, "10.244.1.0/26", Reason.NAT_UNAVAILABLE)
    ]
    assert "no nf_tables" in outcome.failures[0].remedy
    assert world.handed_over is not None
    assert world.announced
