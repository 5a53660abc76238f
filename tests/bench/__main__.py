"""`python -m tests.bench`: measure, print, write build/bench.json."""

import argparse
import sys
from pathlib import Path

from tests.bench import bgp, churn, cni, datapath, hold, host, memory, plan, reference, report

OUTPUT = Path("build/bench.json")


def main() -> int:
    """Run the parts that were asked for; by default all but `hold`, which takes an hour."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    against_plugins = {"cni": cni.compare, "churn": churn.compare, "datapath": datapath.compare}
    alone = {"bgp": bgp.compare, "plan": plan.compare, "memory": memory.compare, "host": host.compare}
    longer = {"hold": hold.compare}
    parts = [*against_plugins, *alone]
    parser.add_argument("part", nargs="*", choices=[*parts, *longer, []], help=f"of {', '.join(parts)}; hold")
    asked = parser.parse_args().part or parts
    found = reference.find() if against_plugins.keys() & set(asked) else None
    if isinstance(found, str):
        print(f"Without a reference: {found}. Our own figures follow.", flush=True)
        found = None
    rows = []
    for part in asked:
        rows += against_plugins[part](found) if part in against_plugins else (alone | longer)[part]()
    print(report.text(rows))
    report.write(OUTPUT, rows)
    print(f"written to {OUTPUT}")
    return 0


sys.exit(main())
