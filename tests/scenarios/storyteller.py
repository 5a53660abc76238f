"""Carries a story out, step by step, and says where it does not hold."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Any

import yaml

from bgpnet.model.community import parse_community, spell_community
from bgpnet.model.kernel import HeardRouter, KernelRoute, NextHop, RouteKind
from bgpnet.model.net import ROUTE_METRIC, Prefix
from bgpnet.planner.peerstatus import peers_status
from bgpnet.planner.status import node_status
from tests.scenarios.exabgp_model import Peer
from tests.scenarios.storytext import Step, steps
from tests.scenarios.storyworld import World, link, ours

STATIC = 4
"""Protocol number of the routes of other programs."""


class Storyteller:
    """One story."""

    def __init__(self) -> None:
        self.world = World()
        self._heard: dict[str, int] = {}

    def tell(self, text: str) -> None:
        """Carry it out.

        Raises:
            AssertionError: something is not as the story says; with the step's line.
            ValueError: a step makes no sense.
        """
        self.world.settle()
        for step in steps(text):
            self._carry_out(step)

    def _carry_out(self, step: Step) -> None:
        for pattern, act in _STEPS.items():
            if found := re.fullmatch(pattern, step.heading):
                act(self, step, *found.groups())
                self.world.settle()
                return
        raise ValueError(f"{step}: no such step; the docstring of storytext.py has them all")

    # --- what happens ---------------------------------------------------------------------------------

    def object(self, step: Step, kind: str, name: str) -> None:
        told = yaml.safe_load("\n".join(step.lines)) or {}
        document = self.world.objects.setdefault((kind, name), {"spec": {}})
        for part in ("labels", "annotations"):
            if part in told:
                document.setdefault("metadata", {})[part] = told.pop(part)
        if kind == "Node" and "addresses" in told:
            addresses = [{"type": "InternalIP", "address": each} for each in told.pop("addresses")]
            document["status"] = {"addresses": addresses}
        document["spec"] = {k: v for k, v in (document["spec"] | told).items() if v is not None}

    def no_object(self, _: Step, kind: str, name: str) -> None:
        del self.world.objects[kind, name]

    def announces(self, step: Step, name: str) -> None:
        peer = self.world.neighbour(name)
        told = [prefix for line in step.lines for prefix in self._offered(peer, line)]
        self.world.tell(peer, told)

    def withdraws(self, step: Step, name: str) -> None:
        peer = self.world.neighbour(name)
        gone = tuple(prefix for line in step.lines for prefix in _prefixes(line.split())[0])
        for prefix in gone:
            del peer.offers[prefix]
        self.world.tell(peer, (), gone)

    def lacks_rfc_8950(self, _: Step, name: str) -> None:
        self.world.neighbour(name).extended_next_hop = False

    def answers_no_refresh(self, _: Step, name: str) -> None:
        self.world.neighbour(name).answers_refresh = False

    def goes_down(self, _: Step, name: str) -> None:
        self.world.leave(self.world.neighbour(name))

    def comes_up(self, _: Step, name: str) -> None:
        self.world.come(self.world.neighbour(name))

    def fails_by_bfd(self, _: Step, name: str) -> None:
        self.world.watcher.failed.add(self.world.address_of(name))

    def is_back_by_bfd(self, _: Step, name: str) -> None:
        self.world.watcher.failed.discard(self.world.address_of(name))

    def links(self, step: Step) -> None:
        for line in step.lines:
            name, *words = line.split()
            known = self.world.host.links
            index = known[name].index if name in known else len(known) + 1
            if "gone" in words:
                self.world.host.remove(name)
                continue
            addresses = [word for word in words if word != "down"]
            carrier = "down" not in words
            if not addresses and name in known:
                addresses = [f"{at.address}/{at.prefix.prefixlen}" for at in known[name].addresses]
            self.world.host.set(link(index, name, addresses, carrier=carrier))

    def heard(self, step: Step) -> None:
        found = (line.split() for line in step.lines)
        self.world.host.routers = tuple(HeardRouter(name, ip_address(address)) for name, address in found)

    def pods(self, step: Step) -> None:
        self.world.host.pods(step.lines)

    def foreign_routes(self, step: Step) -> None:
        self.world.host.others(STATIC, map(_kernel_route, step.lines))

    def wait(self, _: Step, seconds: str) -> None:
        self.world.wait(float(seconds))

    def agent_restarts(self, _: Step) -> None:
        self.world.restart_agent()

    def exabgp_restarts(self, _: Step) -> None:
        self.world.restart_exabgp()

    # --- what must then be ----------------------------------------------------------------------------

    def sees(self, step: Step, name: str) -> None:
        peer = self.world.neighbour(name)
        table = {_seen(peer, prefix) for prefix in peer.table}
        _same(step, table, {" ".join(line.split()) for line in step.lines})

    def was_told(self, step: Step, name: str) -> None:
        peer = self.world.neighbour(name)
        since, self._heard[name] = self._heard.get(name, 0), len(peer.heard)
        heard = [
            " ".join(words.split()[:2]) if words.startswith("eor") else words.split()[0]
            for words in peer.heard[since:]
        ]
        assert heard == list(step.lines), f"{step}\nit was told: {heard}"

    def kernel(self, step: Step) -> None:
        found = {_spelled(route) for route in ours(self.world.host)}
        _same(step, found, {_spelled(_kernel_route(line)) for line in step.lines})

    def refused(self, step: Step) -> None:
        outcome = self.world.outcome
        assert outcome is not None
        found = sorted({str(each) for each in (*outcome.plan.rejections, *outcome.failures)})
        begin = tuple(line.strip() for line in step.lines)
        strange = [text for text in found if not text.startswith(begin)]
        missing = [text for text in begin if not any(each.startswith(text) for each in found)]
        assert not strange, f"{step}\nrefused, and not told of: {strange}"
        assert not missing, f"{step}\nnot refused: {missing}\nbut: {found}"

    def is_in_state(self, step: Step, name: str, state: str, words: str | None) -> None:
        outcome = self.world.outcome
        assert outcome is not None
        told = peers_status(outcome.snapshot, outcome.plan, outcome.failures, "")
        address = str(self.world.address_of(name))
        (peer,) = [each for each in told.peers if address == each.peer]
        assert peer.state == state, f"{step}\nit is {peer.state}: {peer.reason}"
        assert (words or "") in peer.reason, f"{step}\nits reason is: {peer.reason}"

    def ready(self, step: Step, without: str | None, words: str | None) -> None:
        outcome = self.world.outcome
        assert outcome is not None
        missing = node_status(outcome.snapshot, outcome.plan, (), "").not_ready_because
        assert bool(missing) == bool(without), f"{step}\nmissing: {missing}"
        assert (words or "") in "; ".join(missing), f"{step}\nmissing: {missing}"

    # --- inside ---------------------------------------------------------------------------------------

    def _offered(self, peer: Peer, line: str) -> Iterable[Prefix]:
        """What a line announces; the neighbour offers it from now on."""
        prefixes, words = _prefixes(line.split())
        told = dict(_fields(words))
        asn = peer.asn
        for (kind, _), value in self.world.objects.items():
            if kind == "BGPPeer" and value["spec"].get("peerAddress") == str(peer.address):
                asn = value["spec"]["peerASN"]
        default = [] if asn == peer.local_asn and peer.up else [str(asn)]
        path = tuple(int(number) for number in told.get("path", default))
        attributes = _attributes(told)
        for prefix in prefixes:
            peer.offers[prefix], peer.attributes[prefix] = path, attributes
            peer.hops.pop(prefix, None)
            if "via" in told:
                peer.hops[prefix] = ip_address(told["via"][0])
        return prefixes


def _attributes(told: Mapping[str, list[str]]) -> dict[str, Any]:
    """As ExaBGP tells them."""
    attributes: dict[str, Any] = {}
    for word, name in (("med", "med"), ("pref", "local-preference")):
        if word in told:
            attributes[name] = int(told[word][0])
    for word, name in (("origin", "origin"), ("originator", "originator-id")):
        if word in told:
            attributes[name] = told[word][0]
    if "clusters" in told:
        attributes["cluster-list"] = told["clusters"]
    communities = [parse_community(text) for text in told.get("communities", ())]
    for name, length in (("community", 2), ("large-community", 3)):
        if found := [list(each) for each in communities if len(each) == length]:
            attributes[name] = found
    return attributes


def _prefixes(words: list[str]) -> tuple[list[Prefix], list[str]]:
    """The prefixes that a line begins with, and its other words."""
    if words[0] != "first":
        return [ip_network(words[0])], words[1:]
    _, number, length, _, outer, *rest = words
    inside = ip_network(outer).subnets(new_prefix=int(length[1:]))
    return list(islice(inside, int(number))), rest


def _fields(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Words with what follows each."""
    names = {"via", "path", "med", "pref", "origin", "communities", "originator", "clusters"}
    while words:
        name, *words = words
        if name not in names:
            raise ValueError(f"{name!r} is none of {', '.join(sorted(names))}")
        end = next((at for at, word in enumerate(words) if word in names), len(words))
        yield name, words[:end]
        words = words[end:]


def _seen(peer: Peer, prefix: Prefix) -> str:
    words = peer.carried[prefix].replace("large-community", "communities").replace("community", "communities")
    told: dict[str, list[str]] = {}
    for name, inner, value in re.findall(r"(\S+) (?:\[ ([^]]*) \]|(\S+))", words):
        told.setdefault(name, []).extend((inner or value).split())
    parts = [str(prefix), "via", str(peer.table[prefix])]
    for name, spelled in (
        ("as-path", "path"),
        ("med", "med"),
        ("local-preference", "pref"),
        ("communities", "communities"),
    ):
        if name in told:
            values = told[name]
            if name == "communities":
                values = [spell_community(parse_community(text)) for text in values]
            parts += [spelled, *values]
    return " ".join(parts)


def _kernel_route(line: str) -> KernelRoute:
    words = line.split()
    if words[0] == "blackhole":
        return KernelRoute(ip_network(words[1]), 0, ROUTE_METRIC, RouteKind.BLACKHOLE, ())
    prefix, *words = words
    hops, source, metric = [], None, ROUTE_METRIC
    pairs = list(zip(words[::2], words[1::2], strict=True))
    for (name, value), (_, device) in zip(pairs, [*pairs[1:], ("", "")], strict=True):
        match name:
            case "via":
                hops.append(NextHop(ip_address(value), device))
            case "src":
                source = ip_address(value)
            case "metric":
                metric = int(value)
    return KernelRoute(ip_network(prefix), STATIC, metric, RouteKind.UNICAST, tuple(hops), source)


def _spelled(route: KernelRoute) -> str:
    if route.kind is RouteKind.BLACKHOLE:
        return f"blackhole {route.prefix}"
    hops = sorted(f"via {hop.gateway} dev {hop.link}" for hop in route.next_hops)
    source = [f"src {route.preferred_source}"] if route.preferred_source else []
    metric = [f"metric {route.metric}"] if route.metric != ROUTE_METRIC else []
    return " ".join([str(route.prefix), *hops, *source, *metric])


def _same(step: Step, found: set[str], expected: set[str]) -> None:
    strange, missing = sorted(found - expected), sorted(expected - found)
    assert not strange, f"{step}\nthere, and not told of: {strange[:10]}; missing: {missing[:10]}"
    assert not missing, f"{step}\nmissing: {missing[:10]}"


_STEPS: dict[str, Callable[..., None]] = {
    r"no ([A-Z]\S+) (\S+)": Storyteller.no_object,
    r"((?:BGP|IP)\w+|Node) (\S+)": Storyteller.object,
    r"(\S+) announces": Storyteller.announces,
    r"(\S+) withdraws": Storyteller.withdraws,
    r"(\S+) lacks RFC 8950": Storyteller.lacks_rfc_8950,
    r"(\S+) answers no refresh": Storyteller.answers_no_refresh,
    r"(\S+) goes down": Storyteller.goes_down,
    r"(\S+) comes up": Storyteller.comes_up,
    r"(\S+) fails by BFD": Storyteller.fails_by_bfd,
    r"(\S+) is back by BFD": Storyteller.is_back_by_bfd,
    r"links": Storyteller.links,
    r"heard": Storyteller.heard,
    r"pods": Storyteller.pods,
    r"foreign routes": Storyteller.foreign_routes,
    r"wait (\S+)": Storyteller.wait,
    r"the agent restarts": Storyteller.agent_restarts,
    r"ExaBGP restarts": Storyteller.exabgp_restarts,
    r"(\S+) sees": Storyteller.sees,
    r"(\S+) was told": Storyteller.was_told,
    r"kernel": Storyteller.kernel,
    r"refused": Storyteller.refused,
    r"(\S+) is (\w+)(?:: (.*))?": Storyteller.is_in_state,
    r"(not )?ready(?:: (.*))?": Storyteller.ready,
}
"""What each heading asks for."""
