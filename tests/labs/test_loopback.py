"""The lab dual-tor with an address on the loopback of a node: announced to both ToRs, and its source."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator

import pytest

from bgpnet.cli import main
from tests.netlab import demo, faults, life, reading
from tests.netlab.lab import REPOSITORY, Lab

pytestmark = pytest.mark.lab

FOLDER = REPOSITORY / "containerlab" / "dual-tor"
LOOPBACK, RANGE = "10.255.1.11", "10.255.1.0/24"
SECONDS, STREAMS = 6, 8

ECHO = """
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer(("192.0.2.10", 7), Echo).serve_forever()
"""
ASK = f"""
import socket, threading, time
def stream():
    with socket.create_connection(("192.0.2.10", 7), timeout=5) as made:
        made.settimeout(5)
        worst, end = 0.0, time.monotonic() + {SECONDS}
        while time.monotonic() < end:
            begin = time.monotonic()
            made.sendall(b"line\\n")
            assert made.recv(5) == b"line\\n"
            worst = max(worst, time.monotonic() - begin)
            time.sleep(0.02)
        print(f"{{made.getsockname()[0]}} {{worst:.3f}}\\n", end="", flush=True)
streams = [threading.Thread(target=stream) for _ in range({STREAMS})]
for each in streams: each.start()
for each in streams: each.join()
"""


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, told of the nodes' loopback addresses; what ToRs take from nodes is generated anew."""
    work = tmp_path_factory.mktemp("loopback")
    folder = shutil.copytree(FOLDER, work / "dual-tor")
    bgp = folder / "configs" / "manifests" / "00-bgp.yaml"
    told = bgp.read_text(encoding="utf-8").replace(
        "localASN: 64512", f"localASN: 64512\n  loopbackCIDRs: [{RANGE}]"
    )
    bgp.write_text(told, encoding="utf-8")
    generated = work / "generated"
    assert main(["routers", "render", str(bgp.parent), "-o", str(generated)]) == 0
    blocks = "ip prefix-list POD_BLOCKS seq 10"  # what goes on to the leaf is the operator's to say
    for name in ("leaf", "tor1", "tor2"):
        path = folder / "configs" / name / "frr.conf"
        base = path if name == "leaf" else path.with_name("frr.base.conf")
        text = base.read_text(encoding="utf-8")
        text = text.replace(blocks, f"ip prefix-list POD_BLOCKS seq 5 permit {RANGE} ge 32\n{blocks}", 1)
        if name != "leaf":
            text += (generated / f"{name}.conf").read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
    options = reading.Options(work / "out", os.environ, name_prefix=f"lo{os.getpid()}-")
    with life.running(reading.read(folder, options), work / "out", print) as up:
        node = up.node("node1")
        node.run("ip", "address", "add", f"{LOOPBACK}/32", "dev", "lo").checked("ip address")
        demo.until("two ways to the node's own address", lambda: demo.ecmp(up.node("leaf"), LOOPBACK))
        demo.until("two ways to the VM", lambda: demo.ecmp(node, "192.0.2.0/24"))
        demo.until("its source", lambda: node.ip_json("route", "get", "192.0.2.10")[0]["prefsrc"] == LOOPBACK)
        yield up


def test_the_nodes_own_connections_outlive_an_uplink(lab: Lab) -> None:
    """Pain point 21: the VM is served, the node is not: its connections die with the uplink they came by."""
    node, vm = lab.node("node1"), lab.node("vm")
    server = vm.spawn(sys.executable, "-ISE", "-c", ECHO)
    dark = threading.Timer(2.0, lambda: faults.power_off(lab.node("tor1"), links_go_dark=True))
    try:
        demo.until("the VM listens", lambda: ":7 " in vm.run("ss", "-Htln").checked("ss").stdout)
        dark.start()
        done = node.run(sys.executable, "-ISE", "-c", ASK, timeout=60)
    finally:
        if dark.is_alive():
            dark.join()
        server.kill()
        server.wait()
    assert done.code == 0, done.stderr
    assert not any(port["dev"] == "eth1" for port in node.ip_json("route", "get", "192.0.2.10"))
    streams = [line.split() for line in done.stdout.splitlines()]
    assert [source for source, _ in streams] == [LOOPBACK] * STREAMS, done.stderr
    assert max(float(worst) for _, worst in streams) < 2.0
