"""The shape of expect.yml: what must hold in a lab, each thing judged from outside."""

from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from tests.netlab.topofile import Model

PlaceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$")]
"""A node, or a pod of it: `vm`, `node1/pod1`."""
Seconds = Annotated[float, Field(gt=0, le=600)]


def _network(text: str) -> str:
    ip_network(text)  # its ValueError says what is wrong
    return text


Network = Annotated[str, AfterValidator(_network)]


class Bgp(Model):
    """BGP sessions of a router, by its own word (`vtysh`, `birdc`, `bgpctl`, `gobgp`).

    Peers are named by address (or interface, for unnumbered ones). A number stands for that many sessions.
    """

    router: PlaceName
    established: list[str] | Annotated[int, Field(ge=0)] = Field(default_factory=list)
    down: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_something(self) -> "Bgp":
        if self.established == [] and self.down == []:
            raise ValueError("must name peers under established or down, or give a number as established")
        return self


class Path(Model):
    """A path as a router has it; only what is written is compared. Communities: all of them."""

    next_hop: str | None = None
    as_path: list[int] | None = None
    med: int | None = None
    communities: list[str] | None = None


class Rib(Model):
    """What a router has from a peer, by its own word: exactly these prefixes."""

    router: PlaceName
    from_: Annotated[str, Field(alias="from")]
    has: dict[Network, Path | None]


class Fib(Model):
    """A route in a node's kernel table, for exactly this prefix."""

    router: PlaceName
    prefix: Network
    next_hops: Annotated[int, Field(ge=1, le=256)] | None = None
    via: Annotated[list[str], Field(min_length=1)] | None = None
    absent: bool = False

    @model_validator(mode="after")
    def _agrees(self) -> "Fib":
        if self.absent and (self.next_hops is not None or self.via is not None):
            raise ValueError("a route that must be absent has no next-hops and no via: remove them")
        return self


class Ping(Model):
    """Echo requests from a place to a place or address; all answered, or none when `reachable: false`."""

    from_: Annotated[PlaceName, Field(alias="from")]
    to: str
    count: Annotated[int, Field(ge=1, le=100)] = 3
    reachable: bool = True


class Http(Model):
    """A page fetched from a place; `sees` is the client's address as the server must see it (no NAT)."""

    from_: Annotated[PlaceName, Field(alias="from")]
    to: str
    port: Annotated[int, Field(ge=1, le=65535)] = 80
    path: Annotated[str, Field(pattern="^/")] = "/"
    sees: str | None = None
    contains: str | None = None


class Command(Model):
    """A command run at a place; no shell (`sh -c '…'` where one is wanted)."""

    at: PlaceName
    run: Annotated[str, Field(min_length=1)]
    exit_code: Annotated[int, Field(ge=0, le=255)] = 0
    contains: str | list[str] = Field(default_factory=list)
    lacks: str | list[str] = Field(default_factory=list)
    matches: str | None = None


class Check(Model):
    """One thing that must hold: exactly one of bgp, rib, fib, ping, http, command. `within` in seconds."""

    name: str | None = None
    within: Seconds | None = None
    bgp: Bgp | None = None
    rib: Rib | None = None
    fib: Fib | None = None
    ping: Ping | None = None
    http: Http | None = None
    command: Command | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        kinds = ("bgp", "rib", "fib", "ping", "http", "command")
        if isinstance(value, dict) and sum(kind in value for kind in kinds) != 1:
            raise ValueError(f"each check has exactly one of {', '.join(kinds)}")
        return value


class ExpectFile(Model):
    """A whole expect.yml. `within`: seconds from the first look until all holds; see `judge.verdicts`."""

    within: Seconds = 30.0
    checks: Annotated[list[Check], Field(min_length=1)]
