"""Juniper Junos, as `set` commands."""

from typing import Final

from bgpnet.model.router import System
from bgpnet.render.routers.lint.junos import JUNOS as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

JUNOS: Final = SystemTable(
    system=System.JUNOS,
    title="Juniper Junos",
    suffix="set",
    max_stale=600,
    comment="#",
    cannot={
        Ability.EXTENDED_NEXT_HOP: "nodes need an IPv4 address, which it takes and gives as the next hop of IPv4 routes",
        Ability.UNNUMBERED: "it is not written here: give the links addresses, and the peers peerAddress",
        Ability.TTL_SECURITY: "it has no such statement: a firewall filter on TTL 255 and multihop ttl 255; remove ttlSecurity",
        Ability.SESSION_LIMIT: "any number of addresses of the range may have a session",
        Ability.PASSWORD_ON_RANGE: "authentication-key with allow is not supported on every release: name neighbours each",
    },
    commands=Commands(
        sessions="show bgp summary group {group}",
        received="show route receive-protocol bgp {address}",
        sent="show route advertising-protocol bgp {address}",
        policy="test policy {group}_IN 0.0.0.0/0",
        restart="show bgp neighbor {address}",
        drain="set protocols bgp graceful-shutdown sender; commit",
        apply="load set {file}; show | compare; commit confirmed 5; look; commit",
        bfd="show bfd session",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="show configuration | display set",
        recognised=r"set (version|system|interfaces|protocols|routing-options|policy-options|chassis) ",
        identity=r"set routing-options autonomous-system (\d+)$",
        hidden=r"authentication-key (.+)$",
        keys=(
            r"set routing-options (autonomous-system|router-id)",
            r"set policy-options as-path \S+",
            r"set protocols bgp graceful-restart stale-routes-time",
            r"set protocols bgp group \S+ (local-address|peer-as|hold-time|authentication-key|import|export)",
            r"set protocols bgp group \S+ (family \S+ unicast prefix-limit \S+|bfd-liveness-detection \S+)",
        ),
        resets=(
            (r"group \S+ peer-as", "as"),
            (r"group \S+ authentication-key", "password"),
            (r"group \S+ hold-time", "timers"),
            (r"routing-options graceful-restart", "gr"),
            (r"group \S+ family \S+ unicast prefix-limit maximum", "families"),
            (r"group \S+ (allow|neighbor|type|local-address) |router-id", "group"),
        ),
        first_removed=(r"set protocols", "set policy-options policy-statement", "set"),
        no="delete ",
        yes="set ",
    ),
    remarks=(
        "Paths with the community graceful-shutdown get local preference 0 by themselves since 19.1 (RFC 8326).",
        "defaults ebgp no-policy needs 20.3R1: older releases let in and tell a neighbour without policy everything.",
        "Equal-cost paths need `forwarding-table export` with a load-balance policy of your own.",
    ),
)
