"""What happens to a cluster under a running node, judged from the router: pods are reached, or it is told."""

import time
from collections.abc import Iterator
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.blocks import drop
from tests.cluster.controlplane import ControlPlane, manifest, until
from tests.cluster.rack import API, LEASES, OURS, Rack, announce, declared, make_node, pod, rack
from tests.steppedclock import Clock

pytestmark = pytest.mark.cluster

BOOTSTRAP = f"""
apiVersion: v1
kind: Node
metadata: {{name: n1}}
status: {{addresses: [{{type: InternalIP, address: 10.0.1.2}}]}}
---
apiVersion: bgpnet.io/v1alpha1
kind: BGPConfiguration
metadata: {{name: default}}
spec: {{localASN: 64512}}
---
apiVersion: bgpnet.io/v1alpha1
kind: BGPPeer
metadata: {{name: tor}}
spec: {{peerAddress: 10.0.1.1, peerASN: 65001, accept: [{{prefix: {API}/32}}]}}
"""


@pytest.fixture
def running(plane: ControlPlane, folder: Path) -> Iterator[Rack]:
    with declared(plane), rack(plane, folder) as made:
        until(made.routes, "the router has a route", made.log)
        yield made


def block(plane: ControlPlane, name: str) -> Any:  # noqa: ANN401 - decoded JSON
    code, found = plane.request("GET", f"{OURS}/ipblocks/{name}")
    return found if code == HTTPStatus.OK else None


def owners(plane: ControlPlane, name: str) -> list[str]:
    found = block(plane, name)
    alive = found is not None and "deletionTimestamp" not in found["metadata"]
    return [each["uid"] for each in found["metadata"]["ownerReferences"]] if alive else []


def refused(running: Rack) -> set[tuple[str, str]]:
    return {(each["reason"], each["found"]) for each in running.status()["rejections"]}


def test_a_node_that_is_deleted_and_made_anew_keeps_its_pods_reached(
    plane: ControlPlane, running: Rack
) -> None:
    """Its block dies with it, into the quarantine, and is taken back under the new UID; so is its report."""
    (cidr,) = running.routes()
    network = cidr.split("/")[0]
    name = cidr.replace("/", "-")
    pod(running.node, f"{network.rsplit('.', 1)[0]}.{int(network.rsplit('.', 1)[1]) + 9}")
    until(lambda: plane.request("GET", f"{OURS}/bgpnodestatuses/n1")[0] == HTTPStatus.OK, "a report")
    running.events.clear()
    plane.start_controllers("garbage-collector-controller")
    try:
        plane.request("DELETE", "/api/v1/nodes/n1")
        until(lambda: block(plane, name) and not owners(plane, name), "it is in quarantine", running.log)
        until(lambda: plane.request("GET", f"{OURS}/bgpnodestatuses/n1")[0] != HTTPStatus.OK, "no report")
        uid = make_node(plane)
        until(lambda: owners(plane, name) == [uid], "the block is the new Node's", running.log)

        def reported() -> bool:
            code, found = plane.request("GET", f"{OURS}/bgpnodestatuses/n1")
            return code == HTTPStatus.OK and found["metadata"]["ownerReferences"][0]["uid"] == uid

        until(reported, "the report is the new Node's", running.log)
    finally:
        plane.stop_controllers()
    assert running.routes() == {cidr}
    assert running.events == []  # it never was away


def test_pods_in_a_block_that_another_node_has_are_named_and_it_is_not_announced(
    plane: ControlPlane, running: Rack
) -> None:
    (own,) = running.routes()
    spec = {"cidr": "10.1.77.0/26", "node": "n2", "pool": "pods"}
    assert plane.request("POST", f"{OURS}/ipblocks", manifest("IPBlock", "10.1.77.0-26", spec))[0] == 201
    pod(running.node, "10.1.77.5")
    until(lambda: ("Contested", "10.1.77.0/26") in refused(running), "it is contested", running.log)
    assert running.routes() == {own}
    drop(plane, "10.1.77.0-26")
    until(lambda: "10.1.77.0/26" in running.routes(), "once it is free it is taken back", running.log)
    assert ("Contested", "10.1.77.0/26") not in refused(running)


def test_addresses_of_the_node_that_somebody_else_announces_are_named(running: Rack) -> None:
    """Two clusters with overlapping pools on one fabric: seen from what the router sends."""
    (own,) = running.routes()
    other = f"{next(ip_network(own).hosts())}"
    announce(running.tor, other)
    until(lambda: ("AnnouncedElsewhere", f"{other}/32") in refused(running), "it is named", running.log)
    assert running.routes() == {own}
    running.tor.ip("link", "del", "api")
    until(lambda: not refused(running), "all is well again", running.log)


def test_of_two_pools_that_overlap_the_older_stays_whole_and_the_other_is_told_of(
    plane: ControlPlane, running: Rack
) -> None:
    before = running.routes()
    body = manifest("IPPool", "late", {"cidr": "10.1.0.0/17", "blockSize": 28})
    assert plane.request("POST", f"{OURS}/ippools", body)[0] == HTTPStatus.CREATED

    def condition() -> tuple[str, str]:
        status = plane.request("GET", f"{OURS}/ippools/late")[1].get("status") or {}
        return next(((each["status"], each["message"]) for each in status.get("conditions", ())), ("", ""))

    try:
        until(lambda: ("PoolConflict", "10.1.0.0/17") in refused(running), "it is named", running.log)
        until(lambda: condition()[0] == "False", "the object itself says it", running.log)
        assert "IPPool/pods" in condition()[1]
        assert running.routes() == before
    finally:
        plane.request("DELETE", f"{OURS}/ippools/late")
    until(lambda: not refused(running), "all is well again", running.log)
    assert running.routes() == before
    assert not any(line.startswith("Deleted") for _, line in running.events)


def test_an_api_server_that_restarts_changes_nothing_on_the_wire(plane: ControlPlane, running: Rack) -> None:
    before = running.routes()
    running.events.clear()
    plane.stop_apiserver()
    until(running.stale, "the agent sees that it is away", running.log)
    plane.start_apiserver()
    until(lambda: not running.stale(), "every kind is followed again", running.log)
    assert running.events == []
    began = time.monotonic()
    spec = {"cidr": "10.1.78.0/26", "node": "n1", "pool": "pods"}
    assert plane.request("POST", f"{OURS}/ipblocks", manifest("IPBlock", "10.1.78.0-26", spec))[0] == 201
    until(lambda: "10.1.78.0/26" in running.routes(), "changes are heard of again", running.log)
    print(f"API server restarted; a change is in the router's kernel after {time.monotonic() - began:.2f} s")
    assert before < running.routes()


def replaced(running: Rack) -> None:
    """Kill the agent, until the next one answers."""
    agent = running.process("agent")
    running.node.run("kill", "-9", str(agent))
    until(lambda: running.process("agent") not in (0, agent), "an agent is there again", running.log)
    until(running.status, "it answers", running.log)


def test_an_agent_that_restarts_keeps_a_session_with_a_password(plane: ControlPlane, folder: Path) -> None:
    """With the API server and without it: the router sees one TCP connection throughout."""
    secrets = "/api/v1/namespaces/bgpnet-system/secrets"
    password = {"passwordSecret": {"name": "upheaval", "key": "md5"}}
    with declared(plane, **password), rack(plane, folder, password="s3cret") as running:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "upheaval"}}
        try:
            plane.request("POST", secrets, secret | {"stringData": {"md5": "s3cret"}})
            until(running.routes, "the session is up", running.log)
            (first,) = running.connections()
            (own,) = running.routes()
            network = own.split("/")[0]
            pod(running.node, f"{network.rsplit('.', 1)[0]}.{int(network.rsplit('.', 1)[1]) + 9}")
            until(lambda: not running.status()["rejections"], "the agent is content", running.log)
            for away in (False, True):
                if away:
                    running.line.cut()
                replaced(running)
                until(lambda: running.status().get("sessions"), "it knows its session", running.log)
                assert running.stale() is away
                assert running.connections() == {first}
            running.line.mend()
            until(lambda: not running.stale(), "the API is read again", running.log)
            assert running.connections() == {first}
        finally:
            plane.request("DELETE", f"{secrets}/upheaval")


def test_a_first_start_whose_way_to_the_api_server_comes_over_bgp(plane: ControlPlane, folder: Path) -> None:
    accept = [{"prefix": f"{API}/32"}]
    with declared(plane, accept=accept), rack(plane, folder, BOOTSTRAP) as running:
        until(running.routes, "the API was read over BGP, and the block is announced", running.log)
        until(lambda: not running.stale(), "every kind is followed", running.log)
        assert any(route["dst"] == API for route in running.node.ip_json("route"))
        assert "bootstrap's objects are taken" in running.whole_log()
        (session,) = running.status()["sessions"]
        assert (session["state"], session["flaps"]) == ("Established", 0)


def test_a_clock_that_is_set_changes_nothing_of_what_the_agent_does_with_the_api_server(
    plane: ControlPlane, folder: Path
) -> None:
    """An hour on, two back, an hour on: no session ends, changes are heard, the Lease is renewed as before.

    A back-off or a term that followed the wall would last an hour after a step back.
    """
    clock = Clock(folder)

    def holder() -> tuple[str, str]:
        code, lease = plane.request("GET", f"{LEASES}/bgpnet-quarantine")
        if code != HTTPStatus.OK:
            return "", ""
        return lease["spec"]["holderIdentity"], lease["metadata"]["resourceVersion"]

    with declared(plane), rack(plane, folder, environment=clock.environment) as running:
        until(running.routes, "the router has a route", running.log)
        until(lambda: holder()[0] == "n1", "the agent holds the Lease", running.log)
        assert "clock.so" in Path(f"/proc/{running.process('agent')}/maps").read_text(encoding="utf-8")
        before, sessions = running.routes(), running.connections()
        running.events.clear()
        for number, step in enumerate((3600, -3600, 0), 80):
            clock.set(step)
            term = holder()
            running.line.cut()
            until(running.stale, "the agent sees that the API server is away", running.log)
            running.line.mend()
            name, cidr = f"10.1.{number}.0-26", f"10.1.{number}.0/26"
            spec = {"cidr": cidr, "node": "n1", "pool": "pods"}
            assert plane.request("POST", f"{OURS}/ipblocks", manifest("IPBlock", name, spec))[0] == 201
            until(lambda cidr=cidr: cidr in running.routes(), "changes are heard of", running.log)  # type: ignore[misc]
            until(lambda: not running.stale(), "every kind is followed", running.log)
            if step < 0:
                until(lambda term=term: holder() != term, "the Lease is renewed", running.log)  # type: ignore[misc]
            assert holder()[0] == "n1"
        assert running.connections() == sessions
        assert before < running.routes()
        assert [each for _, each in running.events if each.startswith("Deleted")] == []
