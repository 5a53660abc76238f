"""A thousand pods held while pods come and go for a minute: does what waits for deletion stay small?"""

import statistics
import time
from collections import deque
from dataclasses import dataclass, field

from tests.bench.cni import ours
from tests.bench.plugin import Call, Plugin
from tests.bench.reference import Reference
from tests.bench.report import Row, row
from tests.cninode import built_shim
from tests.podspaces import podspaces

PODS = 1000
SECONDS = 60
WINDOW = 10  # seconds at the start and at the end that are compared
AT_ONCE = 32


@dataclass
class Seen:
    """When batches ended, and how many links there were beyond those of the pods."""

    ends: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)


def compare(_reference: Reference | None) -> list[Row]:
    """The pace at the start and at the end, and what waited at most."""
    built_shim()
    with ours() as plugin, podspaces(PODS + AT_ONCE) as spaces:
        seen = churn(plugin, spaces)
    began = seen.ends[0]
    paces = [
        AT_ONCE * sum(first <= end - began < first + WINDOW for end in seen.ends) / WINDOW
        for first in (0, SECONDS - WINDOW)
    ]
    return [
        row("cni/churn/first-10s", paces[0], None, "", "pods/s"),
        row("cni/churn/last-10s", paces[1], None, "", "pods/s"),
        row("cni/churn/waiting", max(seen.waiting), None, "", "links"),
        row("cni/churn/waiting-median", statistics.median(seen.waiting), None, "", "links"),
    ]


def churn(plugin: Plugin, spaces: list[str]) -> Seen:
    """A DEL of the oldest pods for each ADD of new ones, as fast as it goes."""
    seen = Seen()
    free = deque(spaces)
    held: deque[tuple[str, str]] = deque()
    count = 0

    def fresh() -> Call:
        nonlocal count
        count += 1
        pod = (f"churn{count}", free.popleft())
        held.append(pod)
        return Call("ADD", *pod)

    with plugin.ready() as runner:
        runner.burst([fresh() for _ in range(PODS)], AT_ONCE)
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            runner.burst([fresh() for _ in range(AT_ONCE)], AT_ONCE)
            old = [held.popleft() for _ in range(AT_ONCE)]
            runner.burst([Call("DEL", *pod) for pod in old], AT_ONCE)
            free += [space for _, space in old]
            seen.ends.append(time.perf_counter())
            if len(seen.ends) % 16 == 0:  # looking at a thousand links takes as long as a batch
                seen.waiting.append(plugin.links() - len(held))
        runner.burst([Call("DEL", *pod) for pod in held], AT_ONCE)
    return seen
