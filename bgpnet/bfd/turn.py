"""When this process gets its turn at a processor: before others, where that is permitted."""

import logging
import os
import resource
import signal
from types import FrameType
from typing import Final

NICENESS: Final = -15

MOST: Final = 0.2
"""Seconds at a stretch for which it may have a processor: a flood of packets must take it from nobody."""

_log = logging.getLogger(__name__)


def ask() -> None:
    """Ask for real time (SCHED_FIFO, the lowest priority), else for niceness.

    Niceness counts among the processes of one container or session alone (sched(7)): in a container with a
    small share of the processors it is of no help against others. Real time is; but a kernel with
    CONFIG_RT_GROUP_SCHED permits none in a container. Who uses it up gives it back.
    """
    signal.signal(signal.SIGXCPU, _give_back)
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    try:
        resource.setrlimit(resource.RLIMIT_RTTIME, (int(MOST * 1e6), hard))
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (OSError, ValueError):
        _be_nice()


def _be_nice() -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    except PermissionError:
        _log.info("running with the priority of others, as CAP_SYS_NICE is missing")


def _give_back(_signal: int, _frame: FrameType | None) -> None:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    _log.warning("more packets than can be read: real time is given back")
    _be_nice()
