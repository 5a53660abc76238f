"""What a starting server makes of the links that it finds. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bgpnet.drivers.podlink.names import parse_alias
from bgpnet.drivers.podlink.observe import ObservedLink
from bgpnet.model.cni import PodLink
from bgpnet.model.net import Address


@dataclass(frozen=True, slots=True)
class Recovered:
    """Links of ours: `links` with their pods, `aborted` ADDs to delete, `unknown` ones to leave as they are.

    `held` are the addresses that nobody else may get.
    """

    links: tuple[PodLink, ...]
    aborted: tuple[str, ...]
    unknown: tuple[str, ...]
    held: frozenset[Address]


def recover(observed: Iterable[ObservedLink]) -> Recovered:
    """Tell the links of pods from those whose ADD was cut off before the alias was written.

    A link with an alias that we cannot read is not ours to delete: another version's, perhaps. Its addresses
    are in use all the same.
    """
    links: list[PodLink] = []
    aborted: list[str] = []
    unknown: list[str] = []
    held: set[Address] = set()
    for one in observed:
        alias = parse_alias(one.alias)
        if alias is not None:
            links.append(PodLink(alias.attachment, one.name, one.index, alias.addresses))
            held.update(alias.addresses)
        elif one.alias:
            unknown.append(one.name)
        else:
            aborted.append(one.name)
            continue
        held.update(one.routed)
    return Recovered(tuple(links), tuple(aborted), tuple(unknown), frozenset(held))
