"""What ExaBGP 5.0.15 makes of a message whose head is wrong, in its own process.

It means to report such a message, and calls its report with an argument too many. The error that this raises
ended the session without the NOTIFICATION of RFC 4271 §6.1 and without a cause.
"""

from typing import Any, Final

from exabgp.reactor.api.processes import Processes

_REPORT: Final = Processes.notification

_ARGUMENTS: Final = 7


def install() -> None:
    """Have ExaBGP use it in this process."""
    Processes.notification = report


def report(processes: Processes, *told: Any) -> None:  # noqa: ANN401 - as ExaBGP has it
    """Report a NOTIFICATION. What ExaBGP found itself is none yet: the one that it sends is reported."""
    if len(told) == _ARGUMENTS:
        _REPORT(processes, *told)
