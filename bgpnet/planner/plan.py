"""Snapshot -> Plan: the composition of the planner's nouns, and nothing else."""

from dataclasses import replace

from bgpnet.model.attributes import Attributes
from bgpnet.model.blocks import Blocks
from bgpnet.model.declared import DeclaredNode
from bgpnet.model.plan import Plan
from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner.advertised import advertised, pod_addresses
from bgpnet.planner.announcements import announcements, not_taken
from bgpnet.planner.bfd import bfd_sessions, failed_peers
from bgpnet.planner.blocks import NodeBlocks, sound_pools
from bgpnet.planner.crossed import without_crossed
from bgpnet.planner.drain import left
from bgpnet.planner.elsewhere import elsewhere
from bgpnet.planner.exports import Export
from bgpnet.planner.fib import Manner, fib
from bgpnet.planner.filters import filters_of
from bgpnet.planner.host import pod_mtu, sysctls
from bgpnet.planner.imports import import_policy
from bgpnet.planner.loopbacks import loopbacks
from bgpnet.planner.maxprefix import allowed
from bgpnet.planner.namespaces import blocks
from bgpnet.planner.nat import nat
from bgpnet.planner.ownership import ownership
from bgpnet.planner.peers import advertised_links, no_address, sessions
from bgpnet.planner.probes import probes
from bgpnet.planner.readiness import route_ready
from bgpnet.planner.unread import Unread, with_kept

DEFAULT_BUDGET = 100
"""Prefixes a node, while there is no BGPConfiguration."""


def make_plan(snapshot: Snapshot) -> Plan:
    """What ought to be on this node, from all that is known.

    The same facts in any order give the same plan. What is not known (a source that has not synced, the
    kernel not dumped yet, a Node object that is not there or names no address) leaves the parts that hang on
    it None: untouched.
    """
    declared, kernel = snapshot.declared, snapshot.kernel
    if declared is None or kernel is None:
        return Plan(snapshot.node_name, rejections=_sorted(*snapshot.unread))
    node = next((node for node in declared.nodes if node.name == snapshot.node_name), None)
    if node is None:
        return Plan(
            snapshot.node_name, rejections=_sorted(*declared.rejections, _no_node(snapshot.node_name))
        )
    configuration = declared.configuration
    budget = configuration.max_prefixes_per_node if configuration else DEFAULT_BUDGET
    asked_sessions, refused_peers = sessions(node, declared, kernel, snapshot.speaker)
    given = ownership(node, declared, kernel, snapshot.claimed, budget)
    mine = without_crossed(node, given, asked_sessions or (), kernel.links)
    loopback = loopbacks(configuration, kernel.links)
    told_of = advertised(node, mine.own, declared.pools, loopback, pod_addresses(kernel.routes), budget)
    refused = (
        *declared.rejections,
        *no_address(declared.nodes),
        *mine.rejections,
        *loopback.rejections,
        *told_of.rejections,
        *refused_peers,
    )
    if asked_sessions is None:
        return Plan(node.name, mine.own, wanted=mine.wanted, rejections=_sorted(*refused))
    wanted_sessions, stopped = allowed(asked_sessions, snapshot.speaker)
    attributes = Attributes(configuration.communities if configuration else ())
    filters, refused_filters = filters_of(wanted_sessions, declared)
    exports = Export(filters, attributes)
    all_told, exported, untold = announcements(node, told_of.prefixes, wanted_sessions, kernel.links, exports)
    speaker, drain = snapshot.speaker, snapshot.drain
    told = left(all_told, drain, speaker, loopback.prefixes)
    leaves = drain is not None and drain.withdrawn
    held = () if drain is not None and drain.ended else wanted_sessions
    untaken = not_taken(told, wanted_sessions, speaker)
    policy = import_policy(declared, wanted_sessions, filters, (*mine.own, *told_of.prefixes), kernel)
    watched, unwatchable = bfd_sessions(declared, held, kernel.links, snapshot.bfd)
    failed = failed_peers(watched, snapshot.bfd)
    manner = Manner.of(configuration, loopback.sources)
    unread = Unread.of(wanted_sessions, speaker, failed, sure=declared.age is None)
    routes = fib(mine.own, speaker.paths if speaker else (), policy, kernel, manner, failed)
    translated = nat(node, declared, mine.own, kernel.links, loopback.sources)
    mtu = pod_mtu(configuration.mtu if configuration else None, wanted_sessions, kernel.links)
    return Plan(
        node_name=node.name,
        own_prefixes=mine.own,
        sessions=tuple(
            replace(session, exports_known=leaves or filters[session.peer].exports_known) for session in held
        ),
        announcements=told,
        routes=with_kept(routes.routes, kernel, unread),
        sysctls=sysctls(mine.own, wanted_sessions),
        blocks=_blocks(snapshot, node, mine, mtu),
        nat=translated.translations if declared.age is None else None,
        wanted=mine.wanted,
        imports=routes.imports,
        exports=exported,
        offered=told_of.prefixes,
        rejections=_sorted(
            *refused,
            *stopped,
            *refused_filters,
            *untold,
            *untaken,
            *routes.rejections,
            *elsewhere(node, mine.own, routes.inside),
            *unwatchable,
            *translated.rejections,
        ),
        probes=probes(mine.own, wanted_sessions, told, speaker, route_ready(snapshot)),
        advertise=advertised_links(node, declared, kernel),
        bfd=watched,
        failed=failed,
    )


def _blocks(snapshot: Snapshot, node: DeclaredNode, mine: NodeBlocks, mtu: int) -> Blocks | None:
    declared = snapshot.declared
    if declared is None or declared.age is not None:
        return None
    pools = declared.pools if snapshot.claimed is None else sound_pools(declared.pools)[0]
    found = blocks(node, pools, mine.giving, declared.namespaces, mtu)
    return None if found is None else replace(found, growing=mine.growing)


def _no_node(name: str) -> Rejection:
    return Rejection(
        ObjectRef("Node", name),
        "metadata.name",
        "not there",
        Reason.NO_NODE,
        "no Node object has this node's name (--node); until one has, all stays as it is",
    )


def _sorted(*rejections: Rejection) -> tuple[Rejection, ...]:
    return tuple(sorted(set(rejections)))
