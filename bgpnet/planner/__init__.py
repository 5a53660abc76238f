"""The pure core: Snapshot -> Plan, and Plan with what was observed -> ordered changes."""

from bgpnet.planner.diff import diff
from bgpnet.planner.failover import failover
from bgpnet.planner.plan import make_plan

__all__ = ["diff", "failover", "make_plan"]
