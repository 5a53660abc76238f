"""FRR (8.4 and later), by its integrated configuration."""

from typing import Final

from bgpnet.model.router import System
from bgpnet.render.routers.lint.frr import FRR as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

FRR: Final = SystemTable(
    system=System.FRR,
    title="FRR",
    suffix="conf",
    max_stale=4095,
    comment="!",
    cannot={
        Ability.RECEIVED_LIMIT: "maximum-prefix counts accepted prefixes only: refused ones cost memory alone",
    },
    commands=Commands(
        sessions="vtysh -c 'show bgp summary'",
        received="vtysh -c 'show bgp {family} unicast neighbors {address} routes'",
        sent="vtysh -c 'show bgp {family} unicast neighbors {address} advertised-routes'",
        policy="vtysh -c 'show route-map {group}_IN{digit}'",
        restart="vtysh -c 'show bgp neighbors {address} graceful-restart'",
        drain="vtysh -c 'configure terminal' -c 'router bgp {asn}' -c 'bgp graceful-shutdown'",
        apply="vtysh -f {file}, look, then write it into frr.conf",
        bfd="vtysh -c 'show bfd peers brief'",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="vtysh -c 'show running-config'",
        recognised=r"frr version |frr defaults |router bgp |hostname |interface |ip prefix-list |Current configuration",
        foreign=r"feature \S+$|transceiver |ip prefix-list \S+$|router bgp \d+ / (template peer |neighbor \S+ peer group)",
        identity=r"router bgp (\d+)$",
        silent=r"bgp ebgp-requires-policy|bgp graceful-restart stalepath-time 360|bgp listen limit 100|maximum-paths 64",
        shown=(r"frr defaults datacenter$", r"bgp ebgp-requires-policy"),
        keys=(
            r"(ip|ipv6) prefix-list \S+ seq \d+",
            r"bgp (as-path access-list|community-list expanded|large-community-list expanded) \S+ seq \d+",
            r"bgp route-map delay-timer",
            r"router bgp \d+ / neighbor \S+ (remote-as|timers(?! connect)|password|ttl-security|bfd profile|description)",
            r"router bgp \d+ / neighbor ([0-9a-f.:]+|\S+ interface) peer-group",
            r"router bgp \d+ / bgp (router-id|listen limit|listen range \S+|graceful-restart stalepath-time)",
            r"router bgp \d+ / address-family \S+ unicast / neighbor \S+ (maximum-prefix|default-originate)",
            r"router bgp \d+ / address-family \S+ unicast / neighbor \S+ route-map(?= \S+ in$)",
            r"router bgp \d+ / address-family \S+ unicast / maximum-paths",
            r"bfd / profile \S+ / \S+",
            r"route-map \S+ permit \d+ / (match (as-path|ip address|ipv6 address)|set (comm|large-comm)-list)",
        ),
        hidden=r"neighbor \S+ password (\S+)$",
        resets=(
            (r"neighbor \S+ remote-as", "as"),
            (r"neighbor \S+ password", "password"),
            (r"neighbor \S+ ttl-security", "ttl"),
            (r"neighbor \S+ timers(?! connect)", "timers"),
            (r"bgp graceful-restart$", "gr"),
            (r"neighbor K8S_\S+ activate", "families"),
            (r"bgp router-id", "group"),
            (r"neighbor \S+ capability extended-nexthop", "families"),
            (r"bgp listen range|neighbor \S+ (interface )?peer-group", "group"),
        ),
        first_removed=(
            r"router bgp \d+ / bgp listen range",
            "router bgp",
            "bfd",
            "route-map",
            "bgp ",
            "ip",
            "ipv6",
        ),
    ),
    verified_by="vtysh and bgpd",
    unchecked=("static routes and BFD profiles beyond their syntax: no staticd and no bfdd is started",),
    remarks=(
        "Paths with the community graceful-shutdown get local preference 0 by themselves (RFC 8326).",
        "MD5 keys of some hundred nodes need more socket memory: sysctl net.core.optmem_max=131072.",
    ),
)
