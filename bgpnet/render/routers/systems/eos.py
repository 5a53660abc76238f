"""Arista EOS."""

from typing import Final

from bgpnet.model.router import DefaultWhen, System
from bgpnet.render.routers.lint.eos import EOS as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

EOS: Final = SystemTable(
    system=System.EOS,
    title="Arista EOS",
    suffix="conf",
    comment="!",
    cannot={
        Ability.SESSION_LIMIT: "any number of addresses of the range may have a session",
        Ability.RESTART_TIMER: "a session that broke the limit waits for clear ip bgp",
        Ability.STALE_TIME: "stale routes go after the restart time that the node asks for",
        Ability.STRIP_COMMUNITIES: "it is not written here: add set community … delete to the route-maps",
    },
    commands=Commands(
        sessions="show bgp summary",
        received="show bgp neighbors {address} {family} unicast received-routes",
        sent="show bgp neighbors {address} {family} unicast advertised-routes",
        policy="show route-map {group}_IN{digit}",
        restart="show bgp neighbors {address}",
        drain="maintenance; quiesce of the BGP unit, or a route-map that sets community GSHUT on the way out",
        apply="configure session bgpnet; copy terminal: session-config; show session-config diffs; commit timer 00:05:00",
        bfd="show bfd peers",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="show running-config",
        recognised=r"! ?device: |hostname |router bgp |interface |ip routing|ip prefix-list |transceiver |service ",
        foreign=r"frr |feature \S+$|router bgp \d+ / (template peer |address-family ipv[46] unicast$)",
        identity=r"router bgp (\d+)$",
        hidden=r"neighbor \S+ password (?:\d+ )?(\S+)$",
        keys=(
            r"(ip|ipv6) prefix-list \S+ / seq \d+",
            r"router bgp \d+ / neighbor \S+ (remote-as|timers|password|ttl|maximum-routes|description|bfd interval|peer group(?= \S))",
            r"router bgp \d+ / bgp listen range \S+",
            r"router bgp \d+ / (router-id|maximum-paths|graceful-restart restart-time|bgp missing-policy direction \S+)",
            r"router bgp \d+ / address-family \S+ / neighbor \S+ (default-originate|route-map(?= \S+ in$))",
            r"route-map \S+ permit \d+ / (description|match (as-path|ip address|ipv6 address|community)|set local-preference)",
        ),
        resets=(
            (r"remote-as", "as"),
            (r"neighbor \S+ password", "password"),
            (r"neighbor \S+ ttl", "ttl"),
            (r"neighbor \S+ timers", "timers"),
            (r" / graceful-restart(?!-helper)", "gr"),
            (r"neighbor K8S_\S+ activate", "families"),
            (r"bgp listen range|neighbor \S+ peer group|/ router-id", "group"),
        ),
        first_removed=(r"router bgp \d+ / bgp listen range", "router bgp", "route-map", "ip ", "ipv6"),
    ),
    defaults=frozenset({DefaultWhen.LEARNED, DefaultWhen.ALWAYS}),
    remarks=(
        "The limit of prefixes is of all families together.",
        "Without the lines missing-policy a neighbour without policy is let in and told everything.",
        "A password is written in clear and shown as type 7.",
    ),
)
