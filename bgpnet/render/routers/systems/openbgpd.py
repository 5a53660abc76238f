"""OpenBGPD 7.7 and later."""

from typing import Final

from bgpnet.model.router import DefaultWhen, RestartRole, System
from bgpnet.render.routers.lint.openbgpd import OPENBGPD as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

OPENBGPD: Final = SystemTable(
    system=System.OPENBGPD,
    title="OpenBGPD",
    suffix="conf",
    max_stale=4095,
    comment="#",
    cannot={
        Ability.EXTENDED_NEXT_HOP: "nodes need an IPv4 address, which it takes and gives as the next hop of IPv4 routes",
        Ability.UNNUMBERED: "it is not written here: give the links addresses, and the peers peerAddress",
        Ability.PASSWORD_ON_RANGE: "the listening socket does not get the keys of a range: name neighbours each",
        Ability.BFD: "set the hold time instead",
        Ability.BFD_ON_RANGE: "set the hold time instead",
        Ability.SESSION_LIMIT: "any number of addresses of the range may have a session",
        Ability.WARN: "the first sign of a limit is the session that it ends",
        Ability.STALE_TIME: "stale routes go after the restart time that the node asks for",
        Ability.MULTIPATH: "it is `rde evaluate` and the kernel's part",
    },
    commands=Commands(
        sessions="bgpctl show summary",
        received="bgpctl show rib in neighbor {address}",
        sent="bgpctl show rib out neighbor {address}",
        policy="bgpctl show rib in neighbor {address} detail",
        restart="bgpctl show neighbor {address}",
        drain="add `match to any set community GRACEFUL_SHUTDOWN` as the last rule, bgpctl reload",
        apply="include it in bgpd.conf, mode 0600, bgpd -n, bgpctl reload",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="cat /etc/bgpd.conf",
        recognised=r"AS \d+|group |neighbor |router-id |include |prefix-set ",
        foreign=r"router bgp |\[",
        derived=r"rde rib Adj-RIB-In no evaluate$",
        identity=r"AS (\d+)",
        hidden=r'/ tcp md5sig (?:password|key) "?([^"\s]+)"?$',
        keys=(
            r'group "k8s_\w+" / (remote-as|holdtime|max-prefix|tcp md5sig|ttl-security|announce \w+|as-override)',
            r"router-id",
        ),
        resets=(
            (r'group "k8s_\w+" / remote-as', "as"),
            (r'group "k8s_\w+" / tcp md5sig', "password"),
            (r'group "k8s_\w+" / ttl-security', "ttl"),
            (r'group "k8s_\w+" / holdtime', "timers"),
            (r'group "k8s_\w+" / announce restart', "gr"),
            (r'group "k8s_\w+" / announce IPv', "families"),
            (r'group "k8s_\w+" / neighbor|router-id', "group"),
        ),
        ordered=r"()(deny|allow|match) ",
        no="",
    ),
    defaults=frozenset({DefaultWhen.LEARNED, DefaultWhen.ALWAYS}),
    roles=frozenset({RestartRole.HELPER}),
    lower_case=True,
    verified_by="bgpd -n",
    remarks=(
        "The limit of prefixes is of all families together.",
        "On Linux it puts no routes into the kernel: a route server, or a router on OpenBSD.",
    ),
)
