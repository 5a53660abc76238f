"""Which pods' connections are translated, and towards whom they are not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import collapse_addresses

from bgpnet.model.declared import Declared, DeclaredNode, DeclaredPeer, DeclaredPool
from bgpnet.model.kernel import Link
from bgpnet.model.nat import TABLE_REF, Translation
from bgpnet.model.net import Address, Family, Prefix, covers, family_of
from bgpnet.model.plan import Plan
from bgpnet.model.rejection import Reason, Rejection
from bgpnet.model.status import NatStatus
from bgpnet.planner.advertised import pool_of
from bgpnet.planner.selectors import selects


@dataclass(frozen=True, slots=True)
class Nat:
    """What is to be translated, and what cannot be."""

    translations: tuple[Translation, ...]
    rejections: tuple[Rejection, ...] = ()


def nat(
    node: DeclaredNode,
    declared: Declared,
    own: Iterable[Prefix],
    links: Iterable[Link],
    sources: Mapping[Family, Address],
) -> Nat:
    """A translation for each family in which a pool of the node's asks for it.

    Pods keep their addresses towards every pool, the node's own prefixes, what the configuration lists, and
    what the node's peers are asked for: who is reached by BGP has a way back, so a VM sees the pod itself.
    A default route, and all prefixes of a family, name nobody: to there is translated.

    They get the node's loopback address where it has one (`sources`): it outlives the loss of an uplink. In a
    family of which the node has no address nothing is translated: the kernel would drop what it cannot.
    """
    own = tuple(own)
    pods = [prefix for prefix in own if _asks(prefix, node, declared.pools)]
    kept = [*own, *_kept(node, declared)]
    addresses = {family_of(at.address) for link in links for at in link.addresses if _is_source(at.address)}
    found, refused = [], []
    for family in Family:
        asking = _merged(pods, family)
        if asking and family not in addresses:
            refused.append(_no_source(node, family, asking))
        elif asking:
            found.append(Translation(family, asking, _merged(kept, family), sources.get(family)))
    return Nat(tuple(found), tuple(refused))


def _is_source(address: Address) -> bool:
    return not (address.is_link_local or address.is_loopback)


def _no_source(node: DeclaredNode, family: Family, pods: tuple[Prefix, ...]) -> Rejection:
    remedy = (
        f"no link of this node has an {family} address that these pods' connections could get, so they keep "
        "their own towards everybody; give it one, on lo and in loopbackCIDRs if the uplinks shall have none"
    )
    found = ", ".join(map(str, pods))
    return Rejection(node.ref, "natOutgoing", found, Reason.NAT_UNAVAILABLE, remedy)


def _asks(prefix: Prefix, node: DeclaredNode, pools: tuple[DeclaredPool, ...]) -> bool:
    """Whether its pool does; one that no longer selects the node counts while the node has the prefix."""
    pool = pool_of(prefix, node, pools)
    if pool is None:
        holding = (each for each in pools if covers(each.cidr, prefix))
        pool = min(holding, key=lambda each: (-each.cidr.prefixlen, each.ref), default=None)
    return pool is not None and pool.nat_outgoing


def _kept(node: DeclaredNode, declared: Declared) -> Iterator[Prefix]:
    yield from (pool.cidr for pool in declared.pools)
    if declared.configuration is not None:
        yield from declared.configuration.nat_except
    labels = dict(node.labels)
    for peer in declared.peers:
        if selects(peer.node_selector, labels):
            yield from (prefix for prefix in _asked(peer, declared) if prefix.prefixlen)


def _asked(peer: DeclaredPeer, declared: Declared) -> Iterator[Prefix]:
    """What the peer is asked for: by `accept`, else by the rules of its import filters."""
    if peer.accept:
        yield from (rule.prefix for rule in peer.accept)
        return
    for found in declared.filters:
        if found.ref.name in peer.import_filters:
            rules = (rule for rule in found.imports if rule.accept)
            yield from (each.prefix for rule in rules for each in rule.prefixes)


def _merged(prefixes: Iterable[Prefix], family: Family) -> tuple[Prefix, ...]:
    of_family = [prefix for prefix in prefixes if family_of(prefix) is family]
    return tuple(collapse_addresses(of_family))  # type: ignore[type-var]


def nat_status(plan: Plan, failures: Iterable[Rejection]) -> tuple[NatStatus, ...]:
    """What is translated. `failures` are what carrying the plan out ran into."""
    in_place = all(each.object != TABLE_REF for each in failures)
    return tuple(
        NatStatus(
            each.family,
            tuple(map(str, each.pods)),
            str(each.source or ""),
            tuple(map(str, each.kept)),
            in_place,
        )
        for each in plan.nat or ()
    )
