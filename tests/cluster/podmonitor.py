"""The CustomResourceDefinition of PodMonitor, from the Prometheus Operator's module: kept in the cache."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.gobuild import NoProgramsError, cache, find_go

MODULE: Final = "github.com/prometheus-operator/prometheus-operator@v0.85.0"

SUM: Final = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="
"""Of the module's files (golang.org/ref/mod, go.sum)."""

_PATH: Final = "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"


def definition() -> Path:
    """Its file, fetched now when it is not there.

    Raises:
        NoProgramsError: it cannot be had.
    """
    made = cache() / MODULE.rpartition("/")[2] / "podmonitors.yaml"
    if made.exists():
        return made
    argv = [find_go("PodMonitor"), "mod", "download", "-json", MODULE]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    told = json.loads(done.stdout or "{}")
    if told.get("Sum") != SUM:
        raise NoProgramsError(
            f"{MODULE} cannot be had: {told.get('Error') or told.get('Sum') or done.stderr}"
        )
    made.parent.mkdir(parents=True, exist_ok=True)
    new = made.with_suffix(".new")
    shutil.copyfile(Path(told["Dir"], _PATH), new)
    return new.replace(made)
