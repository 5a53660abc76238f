"""`python -m tests.bench`: measure, print, write build/bench.json."""

import argparse
import sys
from pathlib import Path

from tests.bench import churn, cni, datapath, reference, report

OUTPUT = Path("build/bench.json")


def main() -> int:
    """Run the parts that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parts = {"cni": cni.compare, "churn": churn.compare, "datapath": datapath.compare}
    parser.add_argument("part", nargs="*", choices=[*parts, []], help=f"of {', '.join(parts)}")
    asked = parser.parse_args().part or list(parts)
    found = reference.find()
    if isinstance(found, str):
        print(f"Without a reference: {found}. Our own figures follow.", flush=True)
    rows = []
    for part in asked:
        rows += parts[part](None if isinstance(found, str) else found)
    print(report.text(rows))
    report.write(OUTPUT, rows)
    print(f"written to {OUTPUT}")
    return 0


sys.exit(main())
