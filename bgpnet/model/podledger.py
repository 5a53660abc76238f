"""What the kernel does not keep about pods: their names, when which address was freed, who got none. Pure.

The kernel is the record of who has which address. What is here may be lost with the run directory: after a
reboot there is no pod, and nothing is left that would have to cool down.

One record is one line of JSON, times are in seconds of CLOCK_MONOTONIC::

    {"at": 71.5, "attached": ["pods", "4f0c", "eth0"], "addresses": ["10.1.0.7"], "pod": ["ns", "db-0", ""]}
    {"at": 93.1, "freed": ["10.1.0.7"]}
    {"at": 97.4, "refused": 101, "times": 1}
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from bgpnet.model.cni import Attachment, PodName
from bgpnet.model.net import Address

FREED_KEPT: Final = 4096
"""Freed addresses that are remembered; of those before them nobody asks any more when they were freed."""

_ENCODER: Final = json.JSONEncoder(check_circular=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class PodRecord:
    """An attachment with its pod. `since` in seconds of CLOCK_MONOTONIC."""

    attachment: Attachment
    addresses: tuple[Address, ...]
    pod: PodName
    since: float


class PodLedger:
    """Everything that is recorded, as of now."""

    def __init__(self) -> None:
        self._pods: dict[Address, PodRecord] = {}
        self._freed: OrderedDict[Address, float] = OrderedDict()
        self._refused: Counter[int] = Counter()

    @property
    def pods(self) -> Mapping[Address, PodRecord]:
        """Who has which address; a pod with two stands there twice."""
        return self._pods

    @property
    def freed(self) -> Mapping[Address, float]:
        """When which free address was freed, the longest free first."""
        return self._freed

    @property
    def refused(self) -> Mapping[int, int]:
        """How often a pod was refused its network, by the code of the answer (model/cni.py)."""
        return self._refused

    def __len__(self) -> int:
        """How many lines the whole of it has."""
        return len(self._pods) + len(self._freed) + len(self._refused)

    def attach(self, record: PodRecord) -> None:
        """A pod has got its addresses."""
        for address in record.addresses:
            self._pods[address] = record
            self._freed.pop(address, None)

    def free(self, addresses: Iterable[Address], at: float) -> None:
        """Addresses were freed."""
        for address in addresses:
            self._pods.pop(address, None)
            self._freed.pop(address, None)
            self._freed[address] = at
        while len(self._freed) > FREED_KEPT:
            self._freed.popitem(last=False)

    def refuse(self, code: int, times: int = 1) -> None:
        """A pod was refused its network."""
        self._refused[code] += times

    def read(self, line: bytes) -> bool:
        """Take a line in; False when it is none, as the last one after a crash."""
        try:
            decoded = json.loads(line)
            at = float(decoded["at"])
            if "freed" in decoded:
                self.free([ip_address(text) for text in decoded["freed"]], at)
            elif "refused" in decoded:
                self.refuse(int(decoded["refused"]), int(decoded["times"]))
            else:
                addresses = tuple(ip_address(text) for text in decoded["addresses"])
                whose = Attachment(*decoded["attached"])
                self.attach(PodRecord(whose, addresses, PodName(*decoded["pod"]), at))
        except (ValueError, TypeError, KeyError):
            return False
        return True

    def lines(self) -> Iterator[bytes]:
        """The whole of it, in as few lines as possible."""
        for address, at in self._freed.items():
            yield freed_line((address,), at)
        for record in dict.fromkeys(self._pods.values()):
            yield attached_line(record)
        for code, times in self._refused.items():
            yield refused_line(code, 0.0, times)


def attached_line(record: PodRecord) -> bytes:
    """The line for a pod that has got its addresses."""
    whose, pod = record.attachment, record.pod
    return _line(
        {
            "at": record.since,
            "attached": [whose.network, whose.container, whose.ifname],
            "addresses": [str(address) for address in record.addresses],
            "pod": [pod.namespace, pod.name, pod.uid],
        }
    )


def freed_line(addresses: Iterable[Address], at: float) -> bytes:
    """The line for addresses that were freed."""
    return _line({"at": at, "freed": [str(address) for address in addresses]})


def refused_line(code: int, at: float, times: int = 1) -> bytes:
    """The line for a pod that was refused its network, or for several."""
    return _line({"at": at, "refused": code, "times": times})


def _line(record: dict[str, object]) -> bytes:
    return _ENCODER.encode(record).encode() + b"\n"
