"""Builds what the tests of this tier need, before they are timed: `python -m tests.cluster`."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench import reference
from tests.cluster import binaries, podmonitor
from tests.cluster.rig import podimage, release
from tests.gobuild import NoProgramsError


def main() -> int:
    """Build what is not there; 1 when something cannot be had."""
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        works = [pool.submit(work) for work in (_programs, _images)]
        try:
            for work in works:
                work.result()
        except NoProgramsError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"Programs and image are there ({time.monotonic() - began:.0f} s)")
    return 0


def _programs() -> None:
    """With Go, which has every processor busy."""
    binaries.find_all()
    binaries.CONTAINERD.find()
    binaries.HELM.find()
    podmonitor.definition()
    plugins = reference.find()
    if isinstance(plugins, str):
        raise NoProgramsError(plugins)


def _images() -> None:
    """These wait for the network and the disk more than they compute."""
    podimage.first()
    release.image()


if __name__ == "__main__":
    sys.exit(main())
