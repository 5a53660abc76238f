"""The agent's door to the kernel's routing: what there is, that it changed, and our routes."""

import asyncio
import errno
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Final, TypeVar

from bgpnet.drivers.netlink import links, neighbours, nexthops, routes, wire
from bgpnet.drivers.netlink.events import Events
from bgpnet.drivers.netlink.talk import AT_ONCE, Request, Talk
from bgpnet.model.diff import AddNextHop, DeleteNextHop, DeleteRoute, KernelChange, PutGroup, PutRoute
from bgpnet.model.errors import KernelError
from bgpnet.model.kernel import Kernel, KernelRoute, NextHopObject
from bgpnet.model.net import ROUTE_METRIC, Family

_TRIES: Final = 8
"""Of a dump under which things change."""

_ADD: Final = wire.CREATE | wire.EXCLUSIVE

_GONE: Final = (errno.ESRCH, errno.ENOENT)
"""What the kernel says of a route, and of a nexthop object, that is not there."""

_REMEDIES: Final = {
    errno.EEXIST: f"another's route of this prefix has our metric, {ROUTE_METRIC}; remove it or change that",
    errno.ENETUNREACH: "the next hop is not on that link's network; check the link's addresses",
    errno.EHOSTUNREACH: "the next hop is not on that link's network; check the link's addresses",
    errno.ENETDOWN: "the link is down; set it up",
    errno.ENODEV: "there is no such link; check its name",
    errno.EPERM: "the agent needs CAP_NET_ADMIN",
}

T = TypeVar("T")


class Netlink:
    """What the network namespace of the thread that opens it has for routing.

    Close it when done; `run` does so at its end.

    Args:
        changed: called in the event loop when links, addresses or routes changed, by whomever. One call
            stands for any number of changes: dump again.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._talk = Talk()
        self._events = Events(changed)
        self._lock = asyncio.Lock()
        self._indexes: dict[str, int] = {}

    @property
    def overruns(self) -> int:
        """Times the kernel's queue of notifications overran; a dump made up for each."""
        return self._events.overruns

    def close(self) -> None:
        """Close the sockets."""
        self._talk.close()
        self._events.close()

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            KernelError: the kernel ended the subscription.
        """
        try:
            await self._events.run()
        except OSError as error:
            raise KernelError(
                f"netlink subscription ended: {error}; restart the agent", error.errno or 0
            ) from error
        finally:
            self.close()

    async def dump(self) -> Kernel:
        """All links, the routes of table main, all nexthop objects, and the routers that were heard.

        The kernel drops routes, objects and members of groups without a word when a carrier or an address
        goes: after any event believe only this.

        Raises:
            KernelError: it cannot be read.
        """
        async with self._lock:
            bare = await self._all("links", wire.GETLINK, links.ASK_LINKS, links.link)
            addresses = await self._all("addresses", wire.GETADDR, links.ASK_ADDRESSES, links.address)
            self._indexes = {link.name: link.index for link in bare}
            names = {link.index: link.name for link in bare}
            objects = await self._next_hops(names)
            ways = nexthops.ways(objects)
            found: list[KernelRoute] = []
            for family in Family:
                reader = routes.Reader(family, names, ways)
                found += await self._all(f"{family} routes", wire.GETROUTE, routes.ask(family), reader.route)
            near = await self._all("neighbours", wire.GETNEIGH, neighbours.ASK, neighbours.router)
            heard = (neighbours.heard(each, names) for each in near)
        return Kernel(
            links.joined(bare, addresses),
            tuple(found),
            tuple(each for each in heard if each is not None),
            tuple(objects),
        )

    async def next_hops(self) -> tuple[NextHopObject, ...]:
        """All nexthop objects, with the names that links had at the last dump.

        Raises:
            KernelError: they cannot be read.
        """
        async with self._lock:
            return tuple(await self._next_hops({index: name for name, index in self._indexes.items()}))

    async def apply(self, changes: Sequence[KernelChange]) -> tuple[tuple[KernelChange, KernelError], ...]:
        """Carry out changes in order, and tell which the kernel refused: there all is as it was.

        What replaces one of ours adds it if that has gone meanwhile; without `replaces`, what is of equal key
        is never touched, whosever it is. Deleting what is gone is no error.
        """
        failed: list[tuple[KernelChange, KernelError]] = []
        for begin in range(0, len(changes), AT_ONCE):
            async with self._lock:
                failed += self._carried_out(changes[begin : begin + AT_ONCE])
            await asyncio.sleep(0)  # thousands of routes must not keep the rest of the agent waiting
        return tuple(failed)

    def _carried_out(self, changes: Sequence[KernelChange]) -> list[tuple[KernelChange, KernelError]]:
        failed: list[tuple[KernelChange, OSError]] = []
        requests: list[tuple[KernelChange, Request]] = []
        for change in changes:
            try:
                requests.append((change, _request(change, self._indexes)))
            except KeyError as missing:
                failed.append((change, OSError(errno.ENODEV, f"no link {missing}")))
        again: list[tuple[KernelChange, Request]] = []
        for change, (kind, flags, body), refused in self._sent(requests):
            if refused.errno == errno.ENOENT and flags == wire.REPLACE:
                # Not with CREATE at first: a replace that finds nothing (ours went with its carrier since the
                # dump) must not go round EXCLUSIVE.
                again.append((change, (kind, _ADD, body)))
            elif refused.errno not in _GONE or not isinstance(change, DeleteRoute | DeleteNextHop):
                failed.append((change, refused))
        failed += [(change, refused) for change, _, refused in self._sent(again)]
        return [(change, _refused(change, error)) for change, error in failed]

    def _sent(
        self, requests: Sequence[tuple[KernelChange, Request]]
    ) -> list[tuple[KernelChange, Request, OSError]]:
        """What the kernel refused of these."""
        if not requests:
            return []
        refused = self._talk.changes([request for _, request in requests])
        return [(*requests[place], error) for place, error in refused.items()]

    async def _next_hops(self, names: Mapping[int, str]) -> list[NextHopObject]:
        def read(body: memoryview) -> NextHopObject:
            return nexthops.found(body, names)

        return await self._all("nexthop objects", wire.GETNEXTHOP, nexthops.ASK, read)

    async def _all(self, what: str, kind: int, ask: bytes, read: Callable[[memoryview], T | None]) -> list[T]:
        for _ in range(_TRIES):
            found: list[T] = []
            try:
                with closing(self._talk.dump(kind, ask)) as parts:
                    for part in parts:
                        found += [fact for body in part if (fact := read(body)) is not None]
                        await asyncio.sleep(0)
            except InterruptedError:
                continue
            except FileNotFoundError:  # ENOENT: a table that has never had a route does not exist
                return []
            except OSError as error:
                raise KernelError(f"{what} cannot be read: {_words(error)}", error.errno or 0) from error
            return found
        raise KernelError(
            f"{what} cannot be read: they changed each of {_TRIES} times; it is tried again", errno.EINTR
        )


def _request(change: KernelChange, indexes: Mapping[str, int]) -> Request:
    match change:
        case AddNextHop():
            return wire.NEWNEXTHOP, _ADD, nexthops.add(change, indexes)
        case PutGroup():
            return wire.NEWNEXTHOP, wire.REPLACE if change.replaces else _ADD, nexthops.put(change)
        case PutRoute():
            return wire.NEWROUTE, wire.REPLACE if change.replaces else _ADD, routes.put(change)
        case DeleteRoute(prefix, metric):
            return wire.DELROUTE, 0, routes.delete(prefix, metric)
        case DeleteNextHop(number):
            return wire.DELNEXTHOP, 0, nexthops.delete(number)


def _refused(change: KernelChange, error: OSError) -> KernelError:
    number = error.errno or 0
    remedy = _REMEDIES.get(number, "check the route's next hops and preferred source against `ip address`")
    return KernelError(f"{_describe(change)}: {_words(error)}; {remedy}", number)


def _words(error: OSError) -> str:
    return f"{error.strerror} ({errno.errorcode.get(error.errno or 0, error.errno)})"


def _describe(change: KernelChange) -> str:
    match change:
        case AddNextHop(number, hop):
            return f"next hop {hop.gateway or 'on link'} dev {hop.link} (id {number})"
        case PutGroup(number, members):
            return f"next hop group {number} of {', '.join(map(str, members))}"
        case PutRoute(route):
            hops = ", ".join(f"{hop.gateway or 'on link'} dev {hop.link}" for hop in route.next_hops)
            source = f" src {route.preferred_source}" if route.preferred_source else ""
            return f"route {route.prefix} {route.kind}{' via ' if hops else ''}{hops}{source}"
        case DeleteRoute(prefix):
            return f"route {prefix}"
        case DeleteNextHop(number):
            return f"next hop object {number}"
