"""The agent's door to the kernel's routing: what there is, that it changed, and our routes."""

import asyncio
import errno
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final, TypeVar

from bgpnet.drivers.netlink import links, neighbours, routes, wire
from bgpnet.drivers.netlink.events import Events
from bgpnet.drivers.netlink.talk import Talk
from bgpnet.model.errors import KernelError
from bgpnet.model.net import ROUTE_METRIC, Family, Prefix
from bgpnet.model.plan import Route
from bgpnet.model.snapshot import Kernel, KernelRoute

_TRIES: Final = 8
"""Of a dump under which things change."""

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
    """Links, addresses and the routes of table main, in the network namespace of the thread that opens it.

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
        """All links, the routes of table main, and the routers that were heard.

        The kernel drops routes without a word when a carrier or an address goes: after any event believe only
        this.

        Raises:
            KernelError: it cannot be read.
        """
        async with self._lock:
            bare = await self._all("links", wire.GETLINK, links.ASK_LINKS, links.link)
            addresses = await self._all("addresses", wire.GETADDR, links.ASK_ADDRESSES, links.address)
            self._indexes = {link.name: link.index for link in bare}
            names = {link.index: link.name for link in bare}
            found: list[KernelRoute] = []
            for family in Family:
                reader = routes.Reader(family, names)
                found += await self._all(f"{family} routes", wire.GETROUTE, routes.ask(family), reader.route)
            near = await self._all("neighbours", wire.GETNEIGH, neighbours.ASK, neighbours.router)
            heard = (neighbours.heard(each, names) for each in near)
        return Kernel(
            links.joined(bare, addresses), tuple(found), tuple(each for each in heard if each is not None)
        )

    async def put(self, route: Route, *, replaces: bool) -> None:
        """Add a route of ours or, when the last dump showed one of ours, replace that in one step.

        Without `replaces` a route of equal prefix and metric is never touched, whosever it is. With it, ours
        is added if it has gone meanwhile.

        Raises:
            KernelError: the kernel refused; the routes are as they were.
        """
        async with self._lock:
            try:
                body = routes.put(route, self._indexes)
            except KeyError as error:
                raise _refused(route, OSError(errno.ENODEV, f"no link {error}")) from error
            try:
                self._put(body, replaces=replaces)
            except OSError as error:
                raise _refused(route, error) from error
        await asyncio.sleep(0)  # thousands of routes must not keep the rest of the agent waiting

    async def delete(self, prefix: Prefix, metric: int = ROUTE_METRIC) -> None:
        """Delete our route to a prefix; nothing happens when there is none.

        Raises:
            KernelError: the kernel refused.
        """
        async with self._lock:
            try:
                self._talk.change(wire.DELROUTE, 0, routes.delete(prefix, metric))
            except OSError as error:
                if error.errno != errno.ESRCH:
                    raise _refused(prefix, error) from error
        await asyncio.sleep(0)

    def _put(self, body: bytes, *, replaces: bool) -> None:
        if replaces:
            # Not with CREATE: a replace that finds nothing (ENOENT: ours went with its carrier since the
            # dump) must not go round EXCLUSIVE.
            with suppress(FileNotFoundError):
                self._talk.change(wire.NEWROUTE, wire.REPLACE, body)
                return
        self._talk.change(wire.NEWROUTE, wire.CREATE | wire.EXCLUSIVE, body)

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


def _refused(what: Route | Prefix, error: OSError) -> KernelError:
    number = error.errno or 0
    remedy = _REMEDIES.get(number, "check the route's next hops and preferred source against `ip address`")
    return KernelError(f"route {_describe(what)}: {_words(error)}; {remedy}", number)


def _words(error: OSError) -> str:
    return f"{error.strerror} ({errno.errorcode.get(error.errno or 0, error.errno)})"


def _describe(what: Route | Prefix) -> str:
    if not isinstance(what, Route):
        return str(what)
    hops = ", ".join(f"{hop.gateway or 'on link'} dev {hop.link}" for hop in what.next_hops)
    source = f" src {what.preferred_source}" if what.preferred_source else ""
    return f"{what.prefix} {what.kind}{' via ' if hops else ''}{hops}{source}"
