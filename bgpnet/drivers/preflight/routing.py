"""Routes and policy rules of the host that meet ours, read with pyroute2: its memory is no matter here."""

from collections.abc import Iterator
from socket import AF_INET, AF_INET6
from typing import Any, Final

from pyroute2 import IPRoute

from bgpnet.model.hostfacts import HostRoute, PolicyRule
from bgpnet.model.net import AGENT_METRICS, AGENT_PROTOCOL, POD_METRIC, POD_PROTOCOL

_MAIN: Final = 254  # RT_TABLE_MAIN (linux/rtnetlink.h)
_FAMILIES: Final = frozenset((AF_INET, AF_INET6))
_METRICS: Final = AGENT_METRICS | {POD_METRIC}
_OURS: Final = frozenset((AGENT_PROTOCOL, POD_PROTOCOL))
_TO_TABLE: Final = 1  # FR_ACT_TO_TBL (linux/fib_rules.h)
_KERNELS: Final = frozenset((253, _MAIN, 255))  # default, main and local: the rules that a kernel starts with


def look() -> tuple[tuple[HostRoute, ...], tuple[PolicyRule, ...]]:
    """What is in table main, and which packets are not sent there.

    Routes that are not ours with a metric of ours, or with a protocol number of ours and another metric; and
    the rules of other tables.
    """
    with IPRoute() as kernel:
        return tuple(_routes(kernel)), tuple(_rules(kernel))


def _routes(kernel: IPRoute) -> Iterator[HostRoute]:
    for route in kernel.get_routes(table=_MAIN):
        metric, protocol = _told(route, "RTA_PRIORITY") or 0, route["proto"]
        if route["family"] in _FAMILIES and (metric in _METRICS) is not (protocol in _OURS):
            address = _told(route, "RTA_DST")
            prefix = f"{address}/{route['dst_len']}" if address else "default"
            yield HostRoute(prefix, protocol, metric)


def _rules(kernel: IPRoute) -> Iterator[PolicyRule]:
    for rule in kernel.get_rules():
        table, priority = _told(rule, "FRA_TABLE") or 0, _told(rule, "FRA_PRIORITY") or 0
        if rule["family"] in _FAMILIES and rule["action"] == _TO_TABLE and table not in _KERNELS:
            yield PolicyRule(priority, table)


def _told(message: Any, attribute: str) -> Any:  # noqa: ANN401 - pyroute2 is not typed
    return message.get_attr(attribute)
