"""Cumulus Linux, by NVUE's commands. Keys changed their spelling with 5.15."""

from typing import Final

from bgpnet.model.router import System
from bgpnet.render.routers.lint.nvue import NVUE as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

NVUE: Final = SystemTable(
    system=System.NVUE,
    title="Cumulus NVUE",
    suffix="txt",
    comment="#",
    cannot={
        Ability.RECEIVED_LIMIT: "prefix-limits count accepted prefixes only: refused ones cost memory alone",
        Ability.STRIP_COMMUNITIES: "it is not written here: add set community-delete-list to the route-maps",
        Ability.BFD: "it is not written here: add a BFD profile and peer-group … bfd profile",
        Ability.BFD_ON_RANGE: "it is not written here: add a BFD profile and peer-group … bfd profile",
    },
    commands=Commands(
        sessions="nv show vrf default router bgp neighbor",
        received="sudo vtysh -c 'show bgp {family} unicast neighbors {address} routes'",
        sent="sudo vtysh -c 'show bgp {family} unicast neighbors {address} advertised-routes'",
        policy="sudo vtysh -c 'show route-map {group}_IN{digit}'",
        restart="sudo vtysh -c 'show bgp neighbors {address} graceful-restart'",
        drain="nv set router bgp graceful-shutdown enabled; nv config apply",
        apply="paste, nv config diff, nv config apply --confirm 5m, look, nv config apply --confirm-yes",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="nv config show -o commands",
        recognised=r"nv set ",
        identity=r"nv set vrf default router bgp autonomous-system (\d+)$",
        hidden=r"peer-group \S+ password (\S+)$",
        keys=(
            r"nv set router policy (prefix-list|as-path-list|route-map) \S+ rule \d+ (action|aspath-exp|match (type|ip-prefix-list|as-path-list))",
            r"nv set router policy prefix-list \S+ (type|rule \d+ match \S+ (min|max)-prefix-len)",
            r"nv set router bgp graceful-restart \S+",
            r"nv set vrf default router bgp (router-id|dynamic-neighbor limit|dynamic-neighbor listen-range \S+|neighbor \S+ \S+)",
            r"nv set vrf default router bgp address-family \S+ (multipaths ebgp|state|enable)",
            r"nv set vrf default router bgp peer-group \S+ (timers \S+|ttl-security \S+|[a-z-]+(?= \S+$))",
            r"nv set vrf default router bgp peer-group \S+ address-family \S+ (prefix-limits inbound \S+|policy \S+|[a-z-]+)",
        ),
        resets=(
            (r"peer-group \S+ remote-as", "as"),
            (r"peer-group \S+ password", "password"),
            (r"peer-group \S+ ttl-security", "ttl"),
            (r"peer-group \S+ timers", "timers"),
            (r"graceful-restart mode", "gr"),
            (r"peer-group \S+ address-family \S+ (state|enable)", "families"),
            (r"listen-range |neighbor \S+ peer-group|router-id", "group"),
        ),
        first_removed=(
            r"nv set vrf default router bgp (dynamic-neighbor|neighbor)",
            "nv set vrf",
            "nv set router policy route-map",
            "nv set",
        ),
        no="nv unset ",
        yes="nv set ",
    ),
    versions=r"5\.([0-9]|1[0-8])(\.[0-9]+)?",
    versions_text="write the version of Cumulus Linux, 5.0 to 5.18: keys are spelled otherwise since 5.15",
    dialects=(
        (r"5\.(1[5-8])(\.[0-9]+)?", {"state": "state enabled", "on": "enabled"}),
        (r".*", {"state": "enable on", "on": "on"}),
    ),
    remarks=(
        "Paths with the community graceful-shutdown get local preference 0 by themselves (RFC 8326).",
        "It has no switch for RFC 8212: neighbours of your own need policies of their own.",
    ),
)
