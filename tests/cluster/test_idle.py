"""What an agent costs that has nothing to do: requests, and memory among thousands of nodes."""

from collections.abc import Callable

import pytest

from tests.cluster.audit import Audit
from tests.cluster.controlplane import ControlPlane, until
from tests.cluster.crowd import crowd
from tests.cluster.rack import OURS, Rack, pss

pytestmark = pytest.mark.cluster

Measured = Callable[[str], None]

NODES = 5000


def judged(plane: ControlPlane, plural: str) -> bool:
    """Whether every object of a kind says if the nodes take it."""
    items = plane.request("GET", f"{OURS}/{plural}")[1]["items"]
    return all(item.get("status", {}).get("conditions") for item in items)


def test_an_idle_agent_asks_hardly_anything(plane: ControlPlane, running: Rack, measured: Measured) -> None:
    """From when it holds the Lease, and has told what the tests before this one did."""

    def holds() -> bool:
        said = running.whole_log().rpartition("agent starts")[2].count("lease held") > 0
        return said and all(judged(plane, plural) for plural in ("bgpconfigurations", "bgppeers", "ippools"))

    until(holds, "the agent holds the Lease and has judged every object", running.log, 120)
    audit = Audit(plane)
    until(lambda: audit.quiet(60), "for a minute it asks nothing", lambda: str(audit.asked()), 120)
    measured("an idle agent: no request in a minute, beside watches and lease")


def test_thousands_of_nodes_cost_no_memory(plane: ControlPlane, running: Rack, measured: Measured) -> None:
    """Neither an agent as it starts, nor the one that reads what all of them report."""
    before = pss(running.process("agent"))
    with crowd(plane, NODES):
        agent = running.process("agent")
        running.node.run("kill", "-9", str(agent))
        until(lambda: running.process("agent") not in (0, agent), "the supervisor starts it again")
        until(lambda: running.status().get("ready"), "an agent that starts now is ready", running.log)
        started = pss(running.process("agent"))

        def summed() -> bool:
            told = plane.request("GET", f"{OURS}/bgppeers/tor")[1].get("status", {})
            return bool(told.get("sessionsWanted") == 2 * NODES + 1)

        until(summed, "the holder of the Lease has read every report", running.log, 180)
        holder = pss(running.process("agent"))
    measured(
        f"agent with {NODES} Nodes in the cluster: {started:.1f} MiB PSS as it starts, {holder:.1f} as the "
        f"Lease's holder that has read their reports ({before:.1f} before, with one Node)"
    )
    assert max(started, holder) < 70
