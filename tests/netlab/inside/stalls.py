"""How long this machine kept everybody waiting: for a processor, for the kernel's lock of links and routes.

All nodes of a lab share that lock (rtnl_mutex) with each other and with every namespace of the machine.
A line each quarter of a second: the monotonic time, and the longest wait for either in it, in seconds. Runs
in a network namespace of its own, in real time where that is permitted.
"""

import contextlib
import os
import socket
import struct
import sys
import time

PAUSE = 0.02
LINE = 0.25
_RTM_NEWLINK, _REQUEST_AND_ACK = 16, 5
_UP = struct.pack("=BxHiII", 0, 0, 1, 1, 1)
"""Of struct ifinfomsg: link 1, `lo`, shall be up."""
_REQUEST = struct.pack("=IHHII", 16 + len(_UP), _RTM_NEWLINK, _REQUEST_AND_ACK, 1, 0) + _UP


def main() -> None:
    """Tell until nobody listens."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        told, worst = time.monotonic(), [0.0, 0.0]
        while True:
            begun = time.monotonic()
            time.sleep(PAUSE)
            woken = time.monotonic()
            kernel.send(_REQUEST)
            kernel.recv(4096)
            now = time.monotonic()
            worst = [max(worst[0], woken - begun - PAUSE), max(worst[1], now - woken)]
            if now - told >= LINE:
                print(now, *worst, flush=True)
                told, worst = now, [0.0, 0.0]


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
    sys.stderr.close()
