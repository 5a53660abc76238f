"""What a starting server makes of the links that it finds. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bgpnet.drivers.podlink.detach import is_buried
from bgpnet.drivers.podlink.names import parse_alias
from bgpnet.drivers.podlink.observe import ObservedLink
from bgpnet.model.cni import PodLink
from bgpnet.model.net import Address


@dataclass(frozen=True, slots=True)
class Recovered:
    """Links of ours: `links` with their pods, `unknown` ones to leave as they are.

    To delete are those of `aborted` ADDs, and the groups in `buried`, which DELs have cut off. `held` are the
    addresses that nobody else may get.
    """

    links: tuple[PodLink, ...]
    aborted: tuple[str, ...]
    buried: frozenset[int]
    unknown: tuple[str, ...]
    held: frozenset[Address]


def recover(observed: Iterable[ObservedLink]) -> Recovered:
    """Tell the links of pods from those whose ADD was cut off before the alias was written, or whose DEL was.

    A link with an alias that we cannot read is not ours to delete: another version's, perhaps. Its addresses
    are in use all the same.
    """
    links: list[PodLink] = []
    aborted: list[str] = []
    buried: set[int] = set()
    unknown: list[str] = []
    held: set[Address] = set()
    for one in observed:
        if is_buried(one.group):
            buried.add(one.group)
            continue
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
    return Recovered(tuple(links), tuple(aborted), frozenset(buried), tuple(unknown), frozenset(held))
