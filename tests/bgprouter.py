"""A real router for kernel tests: FRR's bgpd, alone in a namespace, asked through its own vtysh."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.netns import Namespace, namespace

T = TypeVar("T")

PATIENCE: Final = 15.0
"""Seconds until something that ought to happen is given up."""

CONFIG: Final = """
hostname {name}
router bgp {asn}
 bgp router-id {address}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 bgp graceful-restart
 neighbor {node} remote-as 64512
 neighbor {node} passive
 neighbor {node} timers 3 9
{extra}
 address-family ipv4 unicast
  network 0.0.0.0/0
  network 192.0.2.0/24
  neighbor {node} activate
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:ffff::/48
  neighbor {node} activate
 exit-address-family
"""


@dataclass
class Router:
    """bgpd in a namespace, on a link of its own to the node: 10.0.N.1, the node has 10.0.N.2."""

    number: int
    space: Namespace
    folder: Path
    extra: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"10.0.{self.number}.1"

    @property
    def node(self) -> str:
        return f"10.0.{self.number}.2"

    @property
    def asn(self) -> int:
        return 65000 + self.number

    def start(self) -> None:
        """Start bgpd and wait until it answers."""
        config = self.folder / "bgpd.conf"
        config.write_text(
            CONFIG.format(
                name=f"tor{self.number}", asn=self.asn, address=self.address, node=self.node, extra=self.extra
            )
        )
        argv = ["/usr/lib/frr/bgpd", "-f", str(config), "-Z", "-S", "-u", "root", "-g", "root"]
        argv += ["-i", str(self.folder / "pid"), "--vty_socket", str(self.folder), "--log", "stdout"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.space.name, *argv], stdout=log, stderr=log
            )
        until(lambda: self.vtysh("show version", check=False), "bgpd answers")

    def stop(self) -> None:
        """End bgpd as a power cut would."""
        if self.process is not None:
            self.thaw()
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """The router reads and writes nothing from now on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def vtysh(self, *commands: str, check: bool = True) -> str:
        """What FRR's shell prints."""
        words = [word for command in commands for word in ("-c", command)]
        done = subprocess.run(
            ["vtysh", "--vty_socket", self.folder, *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=check,
        )
        return done.stdout

    def show(self, command: str) -> Any:  # noqa: ANN401 - FRR's JSON
        """What a `show … json` prints."""
        return json.loads(self.vtysh(f"show {command} json"))

    def routes(self) -> dict[str, str]:
        """What the node announced: prefix -> next hop. Stale routes count: they forward."""
        found: dict[str, str] = {}
        for family in ("ipv4", "ipv6"):
            for prefix, paths in self.show(f"bgp {family} unicast")["routes"].items():
                for path in paths:
                    if path["path"].split()[:1] == ["64512"]:
                        hops = [hop["ip"] for hop in path["nexthops"] if hop.get("scope") != "link-local"]
                        found[prefix] = hops[0]
        return found

    def neighbor(self) -> dict[str, Any]:
        """`show bgp neighbors`, of the node."""
        told = self.show(f"bgp neighbors {self.node}")[self.node]
        assert isinstance(told, dict)
        return told

    def accepted(self) -> int:
        """How many of the node's prefixes the router has, stale ones too."""
        families = self.neighbor().get("addressFamilyInfo", {}).values()
        return sum(family.get("acceptedPrefixCounter", 0) for family in families)

    def established(self) -> int:
        """How often the session came up."""
        return int(self.neighbor()["connectionsEstablished"])

    def version(self) -> tuple[int, int]:
        """Counts every change of the router's tables."""
        told = self.show("bgp summary")
        return told["ipv4Unicast"]["tableVersion"], told["ipv6Unicast"]["tableVersion"]


@contextmanager
def routers(folder: Path, number: int = 1, extra: str = "") -> Iterator[tuple[Namespace, list[Router]]]:
    """A node's namespace and its routers, each on a link of its own, running."""
    with ExitStack() as stack:
        node = stack.enter_context(namespace("node"))
        made = []
        for index in range(1, number + 1):
            space = stack.enter_context(namespace(f"tor{index}"))
            router = Router(index, space, folder / f"tor{index}", extra)
            router.folder.mkdir()
            link = f"eth{index}"
            for side in (node, space):  # a router that does not read is noticed after a few kilobytes
                for setting in ("rmem", "wmem"):
                    side.run("sysctl", "-q", "-w", f"net.ipv4.tcp_{setting}=4096 8192 8192")
            node.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space.name)
            for side, name, host in ((node, link, 2), (space, "eth0", 1)):
                side.ip("address", "add", f"10.0.{index}.{host}/24", "dev", name)
                side.ip("address", "add", f"2001:db8:{index}::{host}/64", "dev", name, "nodad")
                side.ip("link", "set", name, "up")
            stack.callback(router.stop)
            router.start()
            made.append(router)
        yield node, made


def until(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """The condition's value, as soon as it is true."""
    end = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {patience} s: {what}"
        time.sleep(0.01)
    return value
