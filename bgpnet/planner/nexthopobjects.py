"""Nexthop objects of the kernel: which are ours, and what is to be made so that routes can refer to them.

Each next hop is an object, each set of next hops a group of them, and a route refers to a group. What becomes
of a next hop is then told to the group alone, in one message, however many routes there are.
"""

from collections.abc import Iterable, Iterator

from bgpnet.model.diff import AddNextHop, PutGroup
from bgpnet.model.kernel import NextHop, NextHopObject
from bgpnet.model.net import AGENT_PROTOCOL, NEXT_HOP_IDS, address_order
from bgpnet.model.rejection import ObjectRef, Reason, Rejection

Hops = frozenset[NextHop]

SHOWN = 10
"""Foreign objects reported one by one."""


def is_ours(found: NextHopObject) -> bool:
    """Whether a nexthop object is the agent's: by protocol number *and* id."""
    return found.protocol == AGENT_PROTOCOL and found.id in NEXT_HOP_IDS


def foreign_objects(found: Iterable[NextHopObject]) -> tuple[Rejection, ...]:
    """Objects that another program made with ids of ours: they are left alone, and we take other ids."""
    foreign = sorted((each for each in found if each.id in NEXT_HOP_IDS and not is_ours(each)), key=_by_id)
    return tuple(
        Rejection(
            ObjectRef("NextHop", str(each.id)),
            "protocol",
            str(each.protocol),
            Reason.FOREIGN_NEXT_HOP,
            "another program made a nexthop object with an id of bgpnet's; another id is used instead; find "
            f"who made it (`ip nexthop show id {each.id}`), and give it ids outside "
            f"{NEXT_HOP_IDS.start} to {NEXT_HOP_IDS.stop - 1}",
        )
        for each in foreign[:SHOWN]
    )


class Objects:
    """Our objects as the kernel has them, and those that have to be made or changed besides."""

    def __init__(self, found: Iterable[NextHopObject]) -> None:
        found = sorted(found, key=_by_id)
        taken = {each.id for each in found}
        self._free = (each for each in NEXT_HOP_IDS if each not in taken)
        singles = {each.id: each.next_hop for each in found if is_ours(each) and each.next_hop is not None}
        self._hops = {hop: each for each, hop in reversed(singles.items())}
        self._members = {each.id: each.members for each in found if each.members}
        self._content: dict[int, Hops] = {
            each.id: frozenset(singles[member] for member in each.members)
            for each in found
            if is_ours(each) and each.members and singles.keys() >= set(each.members)
        }
        self._ours = [each.id for each in found if is_ours(each)]
        self._adds: list[AddNextHop] = []
        self._puts: list[PutGroup] = []

    @property
    def changes(self) -> tuple[AddNextHop | PutGroup, ...]:
        """What has to be made, in order."""
        return (*self._adds, *self._puts)

    def content(self, group: int | None) -> Hops | None:
        """The next hops of a group of ours; None for anything else."""
        return None if group is None else self._content.get(group)

    def change(self, group: int, hops: Hops) -> None:
        """Give a group of ours other next hops."""
        self._put(group, hops, self._of(hops), replaces=True)

    def group(self, hops: Hops) -> int:
        """Id of a group of these next hops, which is made if there is none."""
        for known, content in self._content.items():
            if content == hops:
                return known
        members = self._of(hops)
        made = next(self._free)
        self._put(made, hops, members, replaces=False)
        return made

    def unused(self, used: Iterable[int]) -> Iterator[int]:
        """Ids of ours that nothing leads to, when routes refer to these: groups, then what was in them."""
        kept = set(used) | {put.id for put in self._puts}
        idle = [each for each in self._ours if each not in kept]
        yield from (each for each in idle if each in self._members)
        members = {
            member
            for group, found in self._members.items()
            if group in kept or group not in self._ours
            for member in found
        }
        yield from (each for each in idle if each not in self._members and each not in members)

    def _put(self, group: int, hops: Hops, members: tuple[int, ...], *, replaces: bool) -> None:
        self._puts.append(PutGroup(group, members, replaces))
        self._content[group] = hops
        self._members[group] = members

    def _of(self, hops: Hops) -> tuple[int, ...]:
        return tuple(self._hop(hop) for hop in sorted(hops, key=hop_order))

    def _hop(self, hop: NextHop) -> int:
        if hop not in self._hops:
            self._hops[hop] = next(self._free)
            self._adds.append(AddNextHop(self._hops[hop], hop))
        return self._hops[hop]


def _by_id(found: NextHopObject) -> int:
    return found.id


def hop_order(hop: NextHop) -> tuple[str, tuple[int, int, str]]:
    """Sort key: the link, then the gateway."""
    return (hop.link, address_order(hop.gateway) if hop.gateway is not None else (0, 0, ""))
