"""The planner at work as in a cluster of 5,000 nodes, to keep a processor busy: `python -m tests.bench.load`.

Prints one line when it begins, and works until it is ended.
"""

from bgpnet.model.declared import Declared
from bgpnet.model.snapshot import Snapshot
from bgpnet.planner import make_plan
from tests.unit import facts

NODES = 5000


def main() -> None:
    """Plan, again and again."""
    nodes = tuple(
        facts.node(
            f"n{number}",
            f"10.{128 + number // 256}.{number % 256}.0/24",
            addresses=(f"10.1.{number // 250}.{1 + number % 250}",),
        )
        for number in range(NODES)
    )
    snapshot = Snapshot("n0", Declared(configuration=facts.configuration(), nodes=nodes), None, None)
    print("planning", flush=True)
    while True:
        make_plan(snapshot)


main()
