"""Throw-away network namespaces for kernel tests: made for one test, gone after it."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any


@dataclass(frozen=True)
class Namespace:
    """A named network namespace. Commands run in it see its links and /proc/sys/net."""

    name: str

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program in the namespace (network only) and return what it printed."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *argv], check=check, capture_output=True, text=True, timeout=60
        )

    def ip(self, *args: str) -> None:
        """`ip ARGS` in the namespace."""
        subprocess.run(["ip", "-n", self.name, *args], check=True, capture_output=True, timeout=60)

    def ip_json(self, *args: str) -> list[dict[str, Any]]:
        """`ip -j -d ARGS` in the namespace."""
        out = subprocess.run(
            ["ip", "-n", self.name, "-j", "-d", *args], check=True, capture_output=True, text=True, timeout=60
        ).stdout
        return list(json.loads(out)) if out.strip() else []

    def own(self, address: str) -> None:
        """Give loopback an address, and return when packets can come from it and to it.

        With IPv6 a work item makes it so, once it has had the lock for links: 70 ms were seen on a busy
        machine. Until then a program that sends gets ::1 for its source, and nobody takes such a packet.

        Raises:
            TimeoutError: it cannot be used after 20 s.
        """
        self.ip("address", "add", f"{address}/{ip_address(address).max_prefixlen}", "dev", "lo")
        deadline = time.monotonic() + 20
        while not self.ip_json(f"-{ip_address(address).version}", "route", "show", "table", "local", address):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {address} cannot be used")
            time.sleep(0.005)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread's network namespace is this one inside the block: for drivers that open sockets."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            setns(there)
            yield
        finally:
            setns(home)
            os.close(there)
            os.close(home)


def setns(fd: int) -> None:
    """Move this thread to another network namespace (Python 3.11 has no call for it)."""
    import ctypes  # noqa: PLC0415 - only tests that need it pay for it

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, 0x40000000) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def namespace(label: str = "t") -> Iterator[Namespace]:
    """A new network namespace with loopback up; deleted at the end, also after a failure."""
    name = f"bgpnet-{label}-{uuid.uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True, timeout=60)
    try:
        made = Namespace(name)
        made.ip("link", "set", "lo", "up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=60)
