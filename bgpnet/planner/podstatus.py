"""What `bgpnet status` tells of pods and of the addresses that are left for more."""

from collections.abc import Iterable
from typing import Final

from bgpnet.model.blocks import Blocks
from bgpnet.model.cni import CniCode
from bgpnet.model.net import Prefix, family_of
from bgpnet.model.podledger import PodLedger
from bgpnet.model.podrange import pod_range
from bgpnet.model.status import BlockStatus, PodStatus, RefusedPodsStatus

NAMED: Final = 5
"""Namespaces that are told one by one."""

_CODES: Final = frozenset(CniCode)


def pod_status(ledger: PodLedger) -> tuple[PodStatus, ...]:
    """Every pod, in the order in which they came."""
    records = sorted(dict.fromkeys(ledger.pods.values()), key=lambda record: record.since)
    return tuple(
        PodStatus(
            pod="/".join(part for part in (record.pod.namespace, record.pod.name) if part),
            uid=record.pod.uid,
            container=record.attachment.container,
            interface=record.attachment.ifname,
            addresses=tuple(map(str, record.addresses)),
        )
        for record in records
    )


def refused_pods(ledger: PodLedger) -> tuple[RefusedPodsStatus, ...]:
    """Pods that got no network, by the code of the answer."""
    return tuple(
        RefusedPodsStatus(code, CniCode(code).meaning if code in _CODES else "", times)
        for code, times in sorted(ledger.refused.items())
    )


def block_status(
    prefixes: Iterable[Prefix], ledger: PodLedger, blocks: Blocks | None = None
) -> tuple[BlockStatus, ...]:
    """How much of each of the node's prefixes is in use, and by whom as `blocks` has it."""
    used = [(address.version, int(address)) for address in ledger.pods]
    return tuple(
        BlockStatus(
            prefix=str(prefix),
            used=sum(version == prefix.version and number in numbers for version, number in used),
            size=len(numbers),
            note="" if blocks is None else _whose(prefix, blocks),
        )
        for prefix, numbers in ((prefix, pod_range(prefix)) for prefix in prefixes)
    )


def _whose(prefix: Prefix, blocks: Blocks) -> str:
    if prefix not in blocks.prefixes:
        return "no new pod gets an address of it"
    reserved = [each for each in blocks.reserved if prefix in each.prefixes]
    if not reserved:
        others = any(each.family == family_of(prefix) for each in blocks.reserved)
        return "for pods of namespaces that no IPPool selects" if others else ""
    names = sorted(set[str]().union(*(each.namespaces for each in reserved)))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"for pods of namespace {', '.join(names[:NAMED])}{more}"
        if names
        else "for pods of no namespace there is"
    )
