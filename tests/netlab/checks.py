"""One look at a lab for each kind of check: what is asked from outside, and what the answer means."""

import json
import pathlib
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from tests.netlab import bgptable, routertable
from tests.netlab.errors import LabRunError
from tests.netlab.expectfile import Bgp, Check, Command, Fib, Http, Path, Ping, Rib
from tests.netlab.machine import Machine
from tests.netlab.routertable import Entry
from tests.netlab.verdict import Verdict

FETCH = pathlib.Path(__file__).parent / "inside" / "fetch.py"
"""The program that fetches a page."""


def title(check: Check) -> str:
    """The check in plain words, unless it has a name of its own."""
    if check.name:
        return check.name
    if check.bgp:
        return _bgp_title(check.bgp)
    if check.rib:
        found = ", ".join(check.rib.has) or "nothing"
        return f"{check.rib.router} has from {check.rib.from_} exactly {found}"
    if check.fib:
        return _fib_title(check.fib)
    if check.ping:
        verb = "reaches" if check.ping.reachable else "does not reach"
        return f"{check.ping.from_} {verb} {check.ping.to} (ping)"
    if check.http:
        seen = f", which sees {check.http.sees}" if check.http.sees else ""
        return f"{check.http.from_} gets a page from {check.http.to}{seen}"
    assert check.command is not None
    return f"{check.command.at}: {check.command.run}"


def look(check: Check, machines: Mapping[str, Machine]) -> Verdict:
    """Whether the check holds now. A question that cannot be asked is a verdict too, as it may be later."""
    lab = _Lab(machines)
    try:
        if check.bgp:
            return lab.bgp(check.bgp)
        if check.rib:
            return lab.rib(check.rib)
        if check.fib:
            return lab.fib(check.fib)
        if check.ping:
            return lab.ping(check.ping)
        if check.http:
            return lab.http(check.http)
        assert check.command is not None
        return lab.command(check.command)
    except LabRunError as error:
        return Verdict(holds=False, seen=str(error))


def _bgp_title(bgp: Bgp) -> str:
    parts = []
    if isinstance(bgp.established, int):
        parts.append(f"has {bgp.established} BGP sessions")
    elif bgp.established:
        parts.append(f"has BGP sessions with {', '.join(bgp.established)}")
    if bgp.down:
        parts.append(f"has none with {', '.join(bgp.down)}")
    return f"{bgp.router} {' and '.join(parts)}"


def _fib_title(fib: Fib) -> str:
    if fib.absent:
        return f"{fib.router} has no route for {fib.prefix}"
    via = f" via {', '.join(fib.via)}" if fib.via else ""
    hops = f" with {fib.next_hops} next hops" if fib.next_hops else ""
    return f"{fib.router} has a route for {fib.prefix}{via}{hops}"


@dataclass(frozen=True, slots=True)
class _Lab:
    machines: Mapping[str, Machine]

    def _at(self, place: str) -> tuple[Machine, str]:
        """A place's node and pod."""
        node, _, pod = place.partition("/")
        if node not in self.machines:
            raise LabRunError(f"there is no node {node!r} in this lab")
        return self.machines[node], pod

    def _ip(self, place: str, *args: str) -> list[dict[str, Any]]:
        machine, pod = self._at(place)
        done = machine.run_in_network("ip", "-j", "-d", *args, pod=pod).checked(
            f"{place}: ip {' '.join(args)}"
        )
        return list(json.loads(done.stdout)) if done.stdout.strip() else []

    def _addresses(self, place: str) -> list[str]:
        """A place's global addresses, IPv4 first; an address stands for itself."""
        try:
            return [str(ip_address(place))]
        except ValueError:
            links = self._ip(place, "address", "show", "scope", "global")
        # iproute2 leaves an empty object for each address that the scope filters out
        entries = [entry for link in links for entry in link.get("addr_info", []) if entry]
        found = [str(entry["local"]) for entry in sorted(entries, key=lambda entry: str(entry["family"]))]
        if not found:
            raise LabRunError(f"{place} has no address")
        return found

    def bgp(self, check: Bgp) -> Verdict:
        machine, _ = self._at(check.router)
        states = bgptable.sessions(machine)
        seen = ", ".join(f"{peer} {state}" for peer, state in sorted(states.items())) or "no sessions"
        up = {peer for peer, state in states.items() if state == "Established"}
        if isinstance(check.established, int):
            wanted = len(up) == check.established
        else:
            wanted = up.issuperset(check.established)
        return Verdict(wanted and up.isdisjoint(check.down), seen)

    def rib(self, check: Rib) -> Verdict:
        machine, _ = self._at(check.router)
        found = routertable.table(machine, check.from_)
        wrong = {prefix: _told(entry) for prefix, entry in found.items() if prefix not in check.has}
        for prefix, path in check.has.items():
            entry = found.get(prefix)
            if entry is None:
                wrong[prefix] = "not there"
            elif path is not None and not _as_expected(entry, path):
                wrong[prefix] = _told(entry)
        seen = "; ".join(f"{prefix} {told}" for prefix, told in sorted(wrong.items()))
        return Verdict(not wrong, seen or f"{len(found)} prefixes")

    def fib(self, check: Fib) -> Verdict:
        family = f"-{ip_network(check.prefix).version}"
        machine, pod = self._at(check.router)
        command = ("ip", family, "-j", "route", "show", "exact", check.prefix)
        done = machine.run_in_network(*command, pod=pod).checked(f"{check.router}: {' '.join(command)}")
        routes = list(json.loads(done.stdout)) if done.stdout.strip() else []
        hops = [hop for route in routes for hop in route.get("nexthops", [route]) if _usable(hop)]
        gateways = sorted(
            str(hop.get("gateway") or hop.get("via", {}).get("host") or hop.get("dev")) for hop in hops
        )
        seen = f"{len(hops)} next hops: {', '.join(gateways)}" if routes else "no route"
        if check.absent:
            return Verdict(not routes, seen)
        holds = bool(routes)
        if check.next_hops is not None:
            holds = holds and len(hops) == check.next_hops
        if check.via is not None:
            holds = holds and gateways == sorted(check.via)
        return Verdict(holds, seen)

    def ping(self, check: Ping) -> Verdict:
        machine, pod = self._at(check.from_)
        target = self._addresses(check.to)[0]
        command = ("ping", "-n", "-q", "-c", str(check.count), "-i", "0.2", "-W", "1", target)
        done = machine.run_in_network(*command, pod=pod, timeout=check.count * 1.5 + 10)
        summary = re.search(r"(\d+) packets transmitted, (\d+) received", done.stdout)
        if summary is None:
            return Verdict(not check.reachable and done.code != 0, (done.stderr or done.stdout).strip())
        answered = int(summary[2])
        holds = answered == check.count if check.reachable else answered == 0
        return Verdict(holds, f"{answered} of {summary[1]} requests to {target} answered")

    def http(self, check: Http) -> Verdict:
        machine, pod = self._at(check.from_)
        target = self._addresses(check.to)[0]
        url = f"http://[{target}]" if ":" in target else f"http://{target}"
        command = (sys.executable, "-ISE", str(FETCH), f"{url}:{check.port}{check.path}")
        done = machine.run_in_network(*command, pod=pod, timeout=20)
        if done.code != 0:
            return Verdict(
                holds=False, seen=f"no page from {target}: {(done.stderr or done.stdout).strip()[-200:]}"
            )
        page = done.stdout.strip()
        holds = check.contains is None or check.contains in page
        if check.sees is not None:
            words = set(page.split())
            holds = holds and not words.isdisjoint(self._addresses(check.sees))
        return Verdict(holds, f"the page says {page[:200]!r}")

    def command(self, check: Command) -> Verdict:
        machine, pod = self._at(check.at)
        done = machine.run(*shlex.split(check.run), pod=pod)
        output = done.stdout + done.stderr
        holds = done.code == check.exit_code
        holds = holds and all(text in output for text in _texts(check.contains))
        holds = holds and not any(text in output for text in _texts(check.lacks))
        if check.matches is not None:
            holds = holds and re.search(check.matches, output, re.MULTILINE) is not None
        return Verdict(holds, f"exit code {done.code}: {output.strip()[-300:]}")


def _as_expected(entry: Entry, path: Path) -> bool:
    return (
        path.next_hop in (None, entry.next_hop)
        and path.med in (None, entry.med)
        and (path.as_path is None or tuple(path.as_path) == entry.as_path)
        and (path.communities is None or frozenset(path.communities) == entry.communities)
    )


def _told(entry: Entry) -> str:
    words = f"via {entry.next_hop} path {list(entry.as_path)} med {entry.med}"
    return f"{words} communities {sorted(entry.communities)}"


def _usable(hop: dict[str, Any]) -> bool:
    return not {"dead", "linkdown"} & set(hop.get("flags", []))


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
