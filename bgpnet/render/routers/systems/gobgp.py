"""GoBGP 3."""

from typing import Final

from bgpnet.model.router import DefaultWhen, System
from bgpnet.render.routers.lint.gobgp import GOBGP as GRAMMAR
from bgpnet.render.routers.running import Running
from bgpnet.render.routers.table import Ability, Commands, SystemTable

GOBGP: Final = SystemTable(
    system=System.GOBGP,
    title="GoBGP 3",
    suffix="toml",
    max_stale=4095,
    comment="#",
    cannot={
        Ability.EXTENDED_NEXT_HOP: "nodes need an IPv4 address, which it takes and gives as the next hop of IPv4 routes",
        Ability.UNNUMBERED: "it is not written here: give the links addresses, and the peers peerAddress",
        Ability.PASSWORD_ON_RANGE: "the listening socket does not get the keys of a range: name neighbours each",
        Ability.AS_OVERRIDE_ON_RANGE: "nodes would not be sent each other's blocks: name neighbours each",
        Ability.BFD: "set the hold time instead",
        Ability.BFD_ON_RANGE: "set the hold time instead",
        Ability.AGGREGATE: "its file has no routes: gobgp global rib add, and a discard route of the host's",
        Ability.SESSION_LIMIT: "any number of addresses of the range may have a session",
        Ability.RESTART_TIMER: "a session that broke the limit waits for gobgp neighbor … reset",
        Ability.STALE_TIME: "stale routes go after the restart time that the node asks for",
        Ability.STRIP_COMMUNITIES: "it cannot take off all but some, and graceful-shutdown has to stay",
    },
    commands=Commands(
        sessions="gobgp neighbor",
        received="gobgp neighbor {address} adj-in -a {family}",
        sent="gobgp neighbor {address} adj-out -a {family}",
        policy="gobgp neighbor {address} adj-in -a {family}; gobgp global rib -a {family}",
        restart="gobgp neighbor {address}",
        drain="gobgp neighbor all softresetout, with `set-community` 65535:0 in {group}_OUT",
        apply="put it in gobgpd.toml, gobgpd -d -f, send gobgpd a SIGHUP",
    ),
    grammar=GRAMMAR,
    running=Running(
        show="cat /etc/gobgpd.toml",
        recognised=r"global / ",
        identity=r"global / config / as = (\d+)",
        hidden=r"/ auth-password = ['\"](.*)['\"]$",
        keys=(
            r"peer-groups K8S_\w+ .*/ [a-z-]+ =",
            r"global / config / router-id",
            r"global / apply-policy / config / default-(import|export)-policy",
        ),
        ordered=r"(policy-definitions \S+) / statements \S+ / name = ",
        resets=(
            (r"^peer-groups K8S_\w+ .*/ peer-as", "as"),
            (r"^peer-groups K8S_\w+ .*/ auth-password", "password"),
            (r"^peer-groups K8S_\w+ .*/ ttl-security", "ttl"),
            (r"^peer-groups K8S_\w+ .*/ timers", "timers"),
            (r"^peer-groups K8S_\w+ .*graceful-restart", "gr"),
            (r"^peer-groups K8S_\w+ .*/ afi-safi-name", "families"),
            (r"^(neighbors|dynamic-neighbors) |router-id", "group"),
        ),
        no="",
    ),
    defaults=frozenset({DefaultWhen.LEARNED}),
    verified_by="gobgpd",
    remarks=(
        "It puts no routes into the kernel without zebra: a route server.",
        "One list of policies serves all neighbours: policies of your own go into the same lists.",
    ),
)
