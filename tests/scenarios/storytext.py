"""Stories: one text file tells what comes in, in order, and what the neighbours and the kernel must see.

A story stands in `stories/NAME.txt`. Its first lines say what it is about; then come steps, each a heading
that begins with `==` and its lines. `#` begins a comment. What no story says is the *rack*: node n1 with the
prefix 10.244.1.0/26 and the address 10.0.1.11, links eth1 (10.0.1.11/24, fd00:1::11/64) and eth2
(10.0.2.11/24, fd00:2::11/64), local AS 64512, and BGPPeers tor1 (10.0.1.1, AS 65001) and tor2 (10.0.2.1,
AS 65002), whose sessions come up by themselves.

What happens:

    == BGPPeer tor1                 # any kind and name: YAML, laid over the object's spec; null removes
    accept: [{prefix: 192.0.2.0/24}]    # `labels` and `annotations` go to the metadata, a Node's `addresses`
                                        # to its status
    == no BGPPeer tor2              # the object is deleted
    == tor1 announces               # also an address instead of a BGPPeer's name
    192.0.2.0/24                    # via the router itself, path its AS; else:
    10.9.0.0/24 via 10.0.1.7 path 65001 65001 med 5 origin egp pref 200 communities 65001:1 64512:1:2
    10.9.1.0/24 originator 10.0.9.1 clusters 10.0.9.2 10.0.9.3
    first 1200 /32 of 198.18.0.0/15
    == tor1 withdraws
    == tor1 lacks RFC 8950          # its next session takes no IPv6 next hop for IPv4
    == tor1 answers no refresh      # it never tells its table again on a session that is up
    == tor1 goes down               # and its session stays so until
    == tor1 comes up
    == tor1 fails by BFD            # the path to it, where its BGPPeer has `bfd`; until
    == tor1 is back by BFD
    == links                        # of the host: name, addresses, `down` for no carrier, `gone`; others stay
    lo 10.255.0.11/32
    == heard                        # routers by their advertisements, all of them
    eth1 fe80::1
    == pods                         # addresses that pods have, all of them
    == foreign routes               # of other programs, all of them
    0.0.0.0/0 via 10.0.1.254 dev eth1 metric 100
    == wait 300                     # seconds
    == the agent restarts
    == ExaBGP restarts

What must then be, exactly:

    == tor1 sees                    # our routes in its table: AS path only where it is not our AS alone
    10.244.1.0/26 via 10.0.1.11 path 64512 64512 med 7 communities 64512:100
    == kernel                       # our routes in table main; metric only where it is not 179
    blackhole 10.244.1.0/26
    192.0.2.0/24 via 10.0.1.1 dev eth1 via 10.0.2.1 dev eth2 src 10.255.0.11
    == refused                      # how each rejection begins, as `bgpnet status` tells it
    Path/from 10.0.1.1: prefix is 0.0.0.0/0: NotRequested
    == tor1 is Established          # state; behind a colon words of the reason
    == tor1 was told                # in order, since the last such heading: +PREFIX, -PREFIX, eor ipv4
    == ready                        # or `== not ready: words`
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """A heading with its lines."""

    line: int
    heading: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"line {self.line}: == {self.heading}"


def steps(text: str) -> list[Step]:
    """The steps of a story.

    Raises:
        ValueError: it does not say what it is about.
    """
    found: list[tuple[int, str, list[str]]] = []
    about = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.partition(" #")[0].rstrip() if not line.lstrip().startswith("#") else ""
        if bare.startswith("=="):
            found.append((number, bare[2:].strip(), []))
        elif bare and found:
            found[-1][2].append(bare)
        elif bare:
            about += bare
    if not about:
        raise ValueError("the first lines of a story say what it is about")
    return [Step(number, heading, tuple(lines)) for number, heading, lines in found]


def stories(folder: Path) -> list[Path]:
    """All of a folder."""
    return sorted(folder.glob("*.txt"))
