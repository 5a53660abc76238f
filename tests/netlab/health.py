"""A node's health check, as Docker counts it."""

import threading
import time

from tests.netlab.errors import LabRunError
from tests.netlab.node import RunningNode
from tests.netlab.topofile import HealthCheck


def wait(node: RunningNode, check: HealthCheck, given_up: threading.Event) -> None:
    """Wait until the check passes.

    Args:
        node: whose health.
        check: what to run, how often, and how many failures make the node unhealthy.
        given_up: set when nobody waits for the answer any more.

    Raises:
        LabRunError: the node is unhealthy, or the lab was given up.

    """
    argv = ("sh", "-c", check.test[1]) if check.test[0] == "CMD-SHELL" else tuple(check.test[1:])
    begun = time.monotonic()
    failures = 0
    while True:
        reason = _failure(node, argv, check.timeout)
        if not reason:
            return
        # Docker counts failures only once the start period is over.
        failures += time.monotonic() - begun >= check.start_period
        if failures >= check.retries:
            raise LabRunError(f"node {node.name} is not healthy: {' '.join(argv)}: {reason}")
        if given_up.wait(check.interval):
            raise LabRunError(f"node {node.name}: its health is no longer awaited")


def _failure(node: RunningNode, argv: tuple[str, ...], timeout: float) -> str:
    """Why the check failed; empty when it did not."""
    try:
        done = node.run(*argv, timeout=timeout)
    except LabRunError as error:
        return str(error)
    return "" if done.code == 0 else f"exit code {done.code}: {(done.stderr or done.stdout).strip()[-200:]}"
