"""What was found on a host -> what stands in bgpnet's way, each with the cure."""

from collections.abc import Iterator
from typing import Final

from bgpnet.model.hostfacts import HostFacts
from bgpnet.model.net import AGENT_PROTOCOL, POD_METRIC, POD_PROTOCOL, ROUTE_METRIC
from bgpnet.model.preflight import Finding, PreflightStatus, Verdict
from bgpnet.planner.fib import PROTOCOLS

SPEAKERS: Final = {
    "bgpd": "FRR or OpenBGPD",
    "bird": "BIRD (Calico has one)",
    "bird6": "BIRD",
    "gobgpd": "GoBGP",
    "kube-router": "kube-router",
    "cilium-agent": "Cilium, which speaks BGP where its control plane is on",
    "calico-node": "Calico",
    "speaker": "MetalLB's speaker",
}
"""Programs that speak BGP or program the same routes."""

WATCHED: Final = frozenset({*SPEAKERS, "systemd-network", "NetworkManager", "firewalld"})
"""Names of all programs that a check asks for."""

FOREIGN: Final = ("ManageForeignRoutes", "ManageForeignRoutingPolicyRules", "ManageForeignNextHops")

LINKS: Final = "bgp"
"""What the names of pods' links begin with."""

SHOWN: Final = 5
"""Routes, and rules, that are named; of more only the number."""


def preflight(facts: HostFacts) -> PreflightStatus:
    """Every check, in a fixed order; one that found nothing says so."""
    checks = (
        _port,
        _speakers,
        _conflists,
        _networkd,
        _network_manager,
        _firewalld,
        _forward,
        _routes,
        _rules,
        _kernel,
        _nat,
        _sysctls,
    )
    findings: list[Finding] = []
    for check in checks:
        name = check.__name__.removeprefix("_").replace("_", "-")
        found = [Finding(name, *each) for each in check(facts)]
        findings += found or [Finding(name, Verdict.FINE, "", "")]
    return PreflightStatus(tuple(findings))


_Told = Iterator[tuple[Verdict, str, str]]


def _warning(found: str, cure: str) -> tuple[Verdict, str, str]:
    return Verdict.WARNING, found, cure


def _problem(found: str, cure: str) -> tuple[Verdict, str, str]:
    return Verdict.PROBLEM, found, cure


def _port(facts: HostFacts) -> _Told:
    for each in facts.listeners:
        who = f"{each.program} (pid {each.pid})" if each.pid else "a program that cannot be seen from here"
        yield _warning(
            f"{who} listens on {each.address} port 179",
            "bgpnet connects to the routers and needs no port, but a router that sees two speakers at one "
            "address takes one for the other: stop it, or give it other peers than bgpnet's",
        )


def _speakers(facts: HostFacts) -> _Told:
    for program in sorted(facts.programs & SPEAKERS.keys()):
        yield _warning(
            f"{program} runs: {SPEAKERS[program]}",
            "two that announce the node's prefixes or program its routes undo each other's work: stop it, or "
            "keep its peers and prefixes apart from bgpnet's",
        )


def _conflists(facts: HostFacts) -> _Told:
    others = [(name, kind) for name, kind in facts.conflists if kind != "bgpnet"]
    if not others:
        return
    first = facts.conflists[0]
    listed = ", ".join(f"{name} ({kind})" for name, kind in others)
    if first[1] == "bgpnet":
        yield _warning(
            f"{listed} lies behind ours",
            "it is not used; remove it with its network plug-in",
        )
    else:
        yield _problem(
            f"the runtime takes {first[0]} ({first[1]}), the first by name; there are: {listed}",
            "pods would not get their network from bgpnet: remove the other plug-in, and its file last",
        )


def _networkd(facts: HostFacts) -> _Told:
    missing = [name for name in FOREIGN[:2] if name not in facts.networkd_keeps]
    if "systemd-network" in facts.programs and missing:
        yield _warning(
            f"systemd-networkd removes routes and rules that are not its own; not set: {', '.join(missing)}",
            "write /etc/systemd/networkd.conf.d/bgpnet.conf with [Network] and, a line each, "
            + ", ".join(f"{name}=no" for name in FOREIGN)
            + " (the last from systemd 256), then restart it; until then bgpnet puts its routes back",
        )


def _network_manager(facts: HostFacts) -> _Told:
    if "NetworkManager" in facts.programs and not any(LINKS in each for each in facts.nm_unmanaged):
        yield _warning(
            "NetworkManager may take over pods' links",
            "write /etc/NetworkManager/conf.d/bgpnet.conf with [keyfile] and "
            f"unmanaged-devices=interface-name:{LINKS}*, then `nmcli general reload`",
        )


def _firewalld(facts: HostFacts) -> _Told:
    if "firewalld" in facts.programs and not any(LINKS in each for each in facts.firewalld_trusts):
        yield _problem(
            "firewalld rejects what is forwarded to pods",
            f"`firewall-cmd --permanent --zone=trusted --add-interface={LINKS}+`, the same for the uplinks "
            "or `--add-source=` the pods' prefixes, then `firewall-cmd --reload`; or stop firewalld",
        )


def _forward(facts: HostFacts) -> _Told:
    if facts.firewall_unseen:
        yield _warning(
            f"rules cannot be read: {facts.firewall_unseen}",
            "run this on the host, as root",
        )
    for chain in facts.forward:
        if not chain.lets_pods:
            yield _problem(
                f"{chain.name} drops what no rule accepts, and none accepts {LINKS}*",
                f"let pods pass: `iptables -I FORWARD -i {LINKS}+ -j ACCEPT` and `iptables -I FORWARD -o "
                f"{LINKS}+ -j ACCEPT` (ip6tables too), or with nft `insert rule … iifname "
                f'"{LINKS}*" accept` and the same with oifname',
            )


def _routes(facts: HostFacts) -> _Told:
    told = [
        f"{each.prefix} (protocol {PROTOCOLS.get(each.protocol, each.protocol)}, metric {each.metric})"
        for each in facts.routes
    ]
    if told:
        yield _warning(
            f"table main has routes with a metric or a protocol number of bgpnet's: {_some(told)}",
            f"bgpnet's are those of protocol {AGENT_PROTOCOL} with metric {ROUTE_METRIC} and of protocol "
            f"{POD_PROTOCOL} with metric {POD_METRIC}; it leaves these alone, and has none of its own to "
            "the same prefix: have the program that makes them use another metric",
        )


def _rules(facts: HostFacts) -> _Told:
    told = [f"priority {each.priority} to table {each.table}" for each in facts.rules]
    if told:
        yield _warning(
            f"policy rules have packets routed by other tables: {_some(told)}",
            "ours are in table main alone: see to it that pods' packets are not among them (`ip rule`)",
        )


def _some(told: list[str]) -> str:
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return ", ".join(told[:SHOWN]) + more


def _kernel(facts: HostFacts) -> _Told:
    for feature in facts.features:
        if not feature.there:
            yield _problem(
                f"the kernel has no {feature.name}, needed for {feature.needed_for}",
                f"take a kernel with {feature.option}, or load its module",
            )


def _nat(facts: HostFacts) -> _Told:
    if facts.nat_lacks:
        yield _warning(
            f"no IPPool can have natOutgoing here: {facts.nat_lacks}",
            "nothing to do where none has; else put the Debian package nftables into the agent's image, and "
            "take a kernel that has what is missing",
        )


def _sysctls(facts: HostFacts) -> _Told:
    if not facts.sysctls_writable:
        yield _problem(
            "/proc/sys/net cannot be written",
            "give the container a writable /proc/sys (in Kubernetes: hostNetwork and privileged, or a mount)",
        )
    for each in facts.settings:
        yield _warning(
            f"{each.file} sets {each.path.replace('/', '.')} = {each.value}",
            "bgpnet needs another value and sets it, but whoever applies that file again (`sysctl --system`, "
            "a package's update) cuts pods off until bgpnet puts it back: remove the line",
        )
