"""What to look at once the configuration is in force, and what is to be seen."""

from typing import Final

from bgpnet.model.declared import AcceptRule
from bgpnet.model.net import Family
from bgpnet.model.routerconfig import FamilyPolicy, NodeGroup, RouterConfig
from bgpnet.render.routers.table import SystemTable

_SHOWN: Final = 8
"""Nodes that a list names; the others are counted."""


def verification(config: RouterConfig, table: SystemTable, notes: tuple[str, ...]) -> str:
    """A page: commands, each with the expected values."""
    identity = f"router-id {config.router_id}" if config.router_id else "with the router-id that it has"
    lines = [
        f"Router {config.name}, {table.title}, AS {config.asn}, {identity}",
        "",
        f"Apply:  {table.commands.apply.format(file=f'{config.name}.{table.suffix}')}",
        *(
            f"        with the password in place of {group.placeholder}, or rendered with --reveal"
            for group in config.groups
            if group.authenticated and group.password is None
        ),
        "",
    ]
    for group in config.groups:
        lines += _group(config, group, table)
    lines += [
        "Before maintenance of this router, so that nodes and fabric leave it first (RFC 8326):",
        f"  {table.commands.drain.format(asn=config.asn, group=_name(config.groups[0], table))}",
        "",
        "Notes",
        *(f"- {note}" for note in notes),
    ]
    return "\n".join(lines) + "\n"


def _group(config: RouterConfig, group: NodeGroup, table: SystemTable) -> list[str]:
    sessions = len(group.interfaces) or len(group.expected) + group.unplaced
    known = [*group.interfaces, *(str(node.address) for node in group.expected)]
    addresses = ", ".join(known[:_SHOWN])
    more = len(known) - _SHOWN
    shown = addresses + (f" and {more} more" if more > 0 else "")
    sample = known[0] if known else "ADDRESS-OF-A-NODE"
    words = {
        "group": _name(group, table),
        "address": sample,
        "asn": str(config.asn),
        "family": group.families[0].family,
        "protocol": f"{_name(group, table)}_…",
    }
    commands = table.commands
    whence = (
        f"from {group.range}" if group.range else f"each {'link' if group.interfaces else 'node'} a neighbour"
    )
    lines = [
        f"{group.cause.kind}/{group.cause.name}: AS {group.node_asn}, {whence}",
        "",
        f"  {commands.sessions.format(**words)}",
        f"    {sessions} {'session' if sessions == 1 else 'sessions'} Established{shown and f': {shown}'}",
    ]
    if group.hold_time:
        lines.append(f"    hold time {group.hold_time} s, keepalive {group.keepalive} s")
    for family in group.families:
        lines += _family(group, family, table, words)
    lines += [f"  {commands.restart.format(**words)}", f"    {_restart(config)}"]
    if group.bfd and commands.bfd:
        lines += [f"  {commands.bfd.format(**words)}", "    one session up for each BGP session"]
    return [*lines, ""]


def _family(group: NodeGroup, family: FamilyPolicy, table: SystemTable, words: dict[str, str]) -> list[str]:
    words = {**words, "family": family.family, "digit": "4" if family.family is Family.IPV4 else "6"}
    accepts = ", ".join(spelled(each.rule) for each in family.accepts) or "nothing"
    sends = [spelled(rule) for rule in family.sends]
    if family.default:
        when = {"learned": "while this router has it", "tracked": "while a tracked prefix is there"}
        sends.insert(0, f"{family.default.prefix} ({when.get(family.default.when, 'always')})")
    return [
        f"  {table.commands.received.format(**words)}",
        f"    {accepts}; AS path {group.node_asn} alone; at most {family.max_prefixes} prefixes",
        f"  {table.commands.sent.format(**words)}",
        f"    {', '.join(sends) or 'nothing'}; of these what this router has, and nothing else",
        f"  {table.commands.policy.format(**words)}",
        "    what is refused here, a node should not have announced",
    ]


def spelled(rule: AcceptRule) -> str:
    """A range in words."""
    if rule.min_length == rule.max_length:
        exact = rule.min_length == rule.prefix.prefixlen
        return str(rule.prefix) if exact else f"/{rule.min_length} of {rule.prefix}"
    return f"/{rule.min_length} to /{rule.max_length} of {rule.prefix}"


def _restart(config: RouterConfig) -> str:
    helper = "this router keeps the routes of a node that restarts (helper)"
    return f"{helper}, and asks nodes to keep its own" if config.restart_role == "full" else helper


def _name(group: NodeGroup, table: SystemTable) -> str:
    return group.label.lower() if table.lower_case else group.label
