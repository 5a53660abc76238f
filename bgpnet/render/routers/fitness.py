"""What a system cannot express of a configuration: refused where it would be unsafe, else noted."""

import re
from collections.abc import Iterator
from typing import Final

from bgpnet.model.rejection import ObjectRef, Reason, Rejection
from bgpnet.model.routerconfig import NodeGroup, RouterConfig
from bgpnet.render.routers.table import REFUSED, Ability, SystemTable


def refusals(config: RouterConfig, table: SystemTable) -> tuple[Rejection, ...]:
    """Why this router gets no configuration; empty when it can have one."""
    return tuple(sorted(set(_refusals(config, table))))


def notes(config: RouterConfig, table: SystemTable) -> tuple[str, ...]:
    """What the engineer has to know: what is left out, and what the system does otherwise."""
    wanted = sorted({ability for ability, _ in _wanted(config)})
    missing = [
        f"Not in it: {ability}: {table.cannot[ability]}." for ability in wanted if ability in table.cannot
    ]
    unplaced = [
        f"{group.cause.kind}/{group.cause.name}: of {group.unplaced} selected nodes no address of their own "
        f"in {group.range or group.local_address} is known"
        + ("." if group.range else ": they are no neighbours.")
        for group in config.groups
        if group.unplaced
    ]
    listed = [
        f"{group.cause.kind}/{group.cause.name}: no IPPool holds the nodes' prefixes, so each is listed by "
        "itself and every new node changes this configuration."
        for group in config.groups
        if any(each.cause.kind == "Node" for family in group.families for each in family.accepts)
    ]
    return (*missing, *unplaced, *listed, *table.remarks)


def _refusals(config: RouterConfig, table: SystemTable) -> Iterator[Rejection]:
    first = config.groups[0].cause
    for asn, cause, field in [
        (config.asn, first, "spec.peerASN"),
        *((group.node_asn, group.cause, "spec.localASN") for group in config.groups),
    ]:
        if asn in table.reserved_asns or not 0 < asn <= table.max_asn:
            remedy = f"{table.title} does not take this AS number; take one from 1 to {table.max_asn}"
            yield _refused(cause, field, str(asn), remedy)
    if table.versions and not re.fullmatch(table.versions, config.version):
        yield _refused(first, "spec.router.version", config.version or "not set", table.versions_text)
    if config.stale_time > table.max_stale:
        remedy = f"{table.title} keeps stale routes for {table.max_stale} s at most; ask for less"
        cause = ObjectRef("BGPConfiguration", "default")
        yield _refused(cause, "spec.gracefulRestartTime", str(config.stale_time), remedy)
    if config.restart_role not in table.roles:
        remedy = f"{table.title} has no such role; write {' or '.join(sorted(table.roles))}"
        yield _refused(first, "spec.router.gracefulRestart", config.restart_role, remedy)
    for ability, cause in set(_wanted(config)):
        if ability in REFUSED and ability in table.cannot and not _told_already(ability, table):
            remedy = f"{table.title} cannot do it ({ability}): {table.cannot[ability]}"
            yield _refused(cause, REFUSED[ability], "set", remedy)
    for group in config.groups:
        yield from _group_refusals(group, table)


def _group_refusals(group: NodeGroup, table: SystemTable) -> Iterator[Rejection]:
    if group.password is not None and not re.fullmatch(table.password, group.password.reveal()):
        remedy = f"{table.title} cannot hold every character safely; use letters, digits and . _ + = - only"
        yield _refused(group.cause, "spec.passwordFile", "", remedy)
    for family in group.families:
        if family.default and family.default.when not in table.defaults:
            remedy = (
                f"{table.title} cannot: have your own part originate or learn the route, and write learned"
            )
            yield _refused(group.cause, "spec.router.defaultRoute.when", family.default.when, remedy)


_ALWAYS: Final = (
    Ability.RECEIVED_LIMIT,
    Ability.WARN,
    Ability.RESTART_TIMER,
    Ability.STALE_TIME,
    Ability.MULTIPATH,
    Ability.STRIP_COMMUNITIES,
    Ability.FIXED_ROUTER_ID,
)


def _told_already(ability: Ability, table: SystemTable) -> bool:
    """What is lacking altogether is not told again of a range."""
    whole = {
        Ability.BFD_ON_RANGE: Ability.BFD,
        Ability.PASSWORD_ON_RANGE: Ability.PASSWORD,
        Ability.AS_OVERRIDE_ON_RANGE: Ability.AS_OVERRIDE,
    }
    return ability in whole and whole[ability] in table.cannot


def _wanted(config: RouterConfig) -> Iterator[tuple[Ability, ObjectRef]]:
    """What is asked for, and an object because of which."""
    first = config.groups[0].cause
    for ability in _ALWAYS:
        yield ability, first
    if config.aggregates:
        yield Ability.AGGREGATE, first
    if config.large_communities:
        yield Ability.LARGE_COMMUNITIES, first
    for group in config.groups:
        ranged = group.range is not None
        wishes = {
            Ability.RANGE: ranged,
            Ability.SESSION_LIMIT: ranged,
            Ability.PASSWORD: group.authenticated,
            Ability.PASSWORD_ON_RANGE: group.authenticated and ranged,
            Ability.TTL_SECURITY: group.ttl_security,
            Ability.BFD: group.bfd is not None,
            Ability.BFD_ON_RANGE: group.bfd is not None and ranged,
            Ability.BFD_TIMERS: group.bfd is not None,
            Ability.AS_OVERRIDE: group.as_override,
            Ability.AS_OVERRIDE_ON_RANGE: group.as_override and ranged,
            Ability.UNNUMBERED: bool(group.interfaces),
            Ability.EXTENDED_NEXT_HOP: group.extended_next_hop,
        }
        yield from ((ability, group.cause) for ability, wished in wishes.items() if wished)


def _refused(ref: ObjectRef, field: str, found: str, remedy: str) -> Rejection:
    return Rejection(ref, field, found, Reason.NOT_EXPRESSIBLE, remedy)
