"""Builds what the tests of this tier need, before they are timed: `python -m tests.cluster`."""

import sys
import time

from tests.bench import reference
from tests.cluster import binaries, podmonitor
from tests.cluster.rig import podimage, release
from tests.gobuild import NoProgramsError


def main() -> int:
    """Build what is not there; 1 when something cannot be had."""
    began = time.monotonic()
    try:
        binaries.find_all()
        binaries.CONTAINERD.find()
        binaries.HELM.find()
        podmonitor.definition()
        podimage.first()
        release.image()
    except NoProgramsError as error:
        print(error, file=sys.stderr)
        return 1
    plugins = reference.find()
    if isinstance(plugins, str):
        print(plugins, file=sys.stderr)
        return 1
    print(f"Programs and image are there ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
