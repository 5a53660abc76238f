"""BIRD 2."""

from typing import Final

from bgpnet.model.router import DefaultWhen, System
from bgpnet.render.routers.lint.bird import BIRD as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

BIRD: Final = SystemTable(
    system=System.BIRD,
    title="BIRD 2",
    suffix="conf",
    max_stale=65535,
    comment="#",
    cannot={
        Ability.SESSION_LIMIT: "any number of addresses of the range may have a session",
        Ability.WARN: "the first sign of a limit is the session that it ends",
        Ability.STALE_TIME: "stale routes go after the restart time that the node asks for",
        Ability.MULTIPATH: "it is `merge paths on limit 32` of your own `protocol kernel`",
    },
    commands=Commands(
        sessions="birdc show protocols '\"{group}*\"'",
        received="birdc show route protocol {protocol} all",
        sent="birdc show route export {protocol}",
        policy="birdc show route filtered protocol {protocol}",
        restart="birdc show protocols all '\"{group}*\"'",
        drain="add `bgp_community.add((65535, 0));` before `accept;` of the filters {group}_out…, birdc configure",
        apply="include it in bird.conf, birdc configure check, birdc configure",
        bfd="birdc show bfd sessions",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="cat /etc/bird/bird.conf",
        recognised=r"protocol |router id |filter |log |include |template |function |define ",
        hidden=r'/ password "([^"]*)"',
        keys=(
            r"router id",
            r"template bgp \S+ / (local|password|hold time|keepalive time|graceful restart|error wait time)",
            r"template bgp \S+ / ipv[46] / (import filter|export filter|receive limit)",
            r"protocol bgp \S+ from \S+ / neighbor",
        ),
        resets=(
            (r"bgp k8s_\S+.* / (local|neighbor) ", "as"),
            (r"bgp k8s_\S+.* / password ", "password"),
            (r"bgp k8s_\S+.* / ttl security", "ttl"),
            (r"bgp k8s_\S+.* / (hold|keepalive) time", "timers"),
            (r"bgp k8s_\S+.* / graceful restart", "gr"),
            (r"template bgp k8s_\S+ / ipv[46]$", "families"),
            (r"protocol bgp k8s_\S+ from \S+$", "group"),
        ),
        ordered=r"(filter \S+) / ",
        no="",
    ),
    defaults=frozenset({DefaultWhen.LEARNED}),
    lower_case=True,
    verified_by="bird -p",
    remarks=(
        "Needs `protocol device`, and a `protocol kernel` that exports BGP routes, in your own part.",
        "BFD needs `protocol bfd` in your own part.",
        "What is sent is what BIRD's own tables master4 and master6 have.",
    ),
)
