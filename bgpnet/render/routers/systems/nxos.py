"""Cisco NX-OS."""

from typing import Final

from bgpnet.model.router import System
from bgpnet.render.routers.lint.nxos import NXOS as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

NXOS: Final = SystemTable(
    system=System.NXOS,
    title="Cisco NX-OS",
    suffix="conf",
    comment="!",
    cannot={
        Ability.EXTENDED_NEXT_HOP: "nodes need an IPv4 address, which it takes and gives as the next hop of IPv4 routes",
        Ability.UNNUMBERED: "it is not written here: give the links addresses, and the peers peerAddress",
        Ability.BFD_TIMERS: "they are those of the interface: bfd interval … min_rx … multiplier …",
        Ability.STRIP_COMMUNITIES: "it is not written here: add set comm-list … delete to the route-maps",
    },
    commands=Commands(
        sessions="show bgp {family} unicast summary",
        received="show bgp {family} unicast neighbors {address} received-routes",
        sent="show bgp {family} unicast neighbors {address} advertised-routes",
        policy="show route-map {group}_IN{digit}",
        restart="show bgp {family} unicast neighbors {address}",
        drain="router bgp {asn}; graceful-shutdown activate",
        apply="checkpoint before-bgpnet; copy {file} running-config; back: rollback running-config checkpoint before-bgpnet",
        bfd="show bfd neighbors",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="show running-config",
        recognised=r"!Command: |version |hostname |feature |router bgp |interface |ip prefix-list ",
        foreign=r"frr |transceiver |ip prefix-list \S+$|router bgp \d+ / neighbor \S+ (peer-group|peer group|interface)",
        identity=r"router bgp (\d+)$",
        hidden=r"/ password (?:\d+ )?(\S+)$",
        silent=r"graceful-restart stalepath-time 300",
        keys=(
            r"(ip|ipv6) prefix-list \S+ seq \d+",
            r"ip as-path access-list \S+ seq \d+",
            r"router bgp \d+ / (router-id|graceful-restart stalepath-time)",
            r"router bgp \d+ / address-family \S+ unicast / maximum-paths",
            r"router bgp \d+ / template peer \S+ / (remote-as|timers|password|ttl-security)",
            r"router bgp \d+ / template peer \S+ / address-family \S+ unicast / (maximum-prefix|default-originate|route-map(?= \S+ in$))",
            r"router bgp \d+ / neighbor \S+ / (inherit peer|maximum-peers|description)",
            r"route-map \S+ permit \d+ / match (as-path|ip address|ipv6 address)",
        ),
        resets=(
            (r"template peer \S+ / remote-as", "as"),
            (r"template peer \S+ / password", "password"),
            (r"template peer \S+ / ttl-security", "ttl"),
            (r"template peer \S+ / timers", "timers"),
            (r"/ graceful-restart(-helper)?$", "gr"),
            (r"template peer \S+ / address-family \S+ unicast$", "families"),
            (r"inherit peer|/ router-id|/ neighbor \S+$", "group"),
        ),
        first_removed=(r"router bgp \d+ / neighbor", "router bgp", "route-map", "ip ", "ipv6"),
    ),
    remarks=(
        "Paths with the community graceful-shutdown get local preference 0 by themselves (RFC 8326).",
        "Whether MD5, GTSM and BFD work on a dynamic range depends on the release: try it, or render neighbours each.",
        "timers prefix-peer-timeout ends sessions of a range that are away: keep it above the nodes' restart time.",
        "It has no switch for RFC 8212: neighbours of your own need route-maps of their own.",
    ),
)
