"""A router's BGP sessions by its own word. Reading is pure; asking is one command."""

import json
import re

from tests.netlab import images
from tests.netlab.errors import LabRunError
from tests.netlab.machine import Machine

_BIRD_NEIGHBOUR = re.compile(r"^\s*Neighbor address:\s*(\S+)", re.MULTILINE)
_GOBGP_STATES = ("Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established")
"""By number less one: `PeerState.SessionState` of its API."""

_BIRD_STATE = re.compile(r"^\s*BGP state:\s*(\S+)", re.MULTILINE)


def sessions(router: Machine) -> dict[str, str]:
    """State of each BGP session by the peer's address, in the words of RFC 4271 §8.2.2.

    Raises:
        LabRunError: the node is no router that we can ask, or it does not answer.

    """
    key = images.key(router.image)
    if key == "frr":
        done = router.run("vtysh", "-c", "show bgp summary json").checked(f"{router.name}: vtysh")
        return from_frr(done.stdout)
    if key == "bird":
        done = router.run("birdc", "show protocols all").checked(f"{router.name}: birdc")
        return from_bird(done.stdout)
    if key == "openbgpd":
        done = router.run("bgpctl", "-j", "show", "summary").checked(f"{router.name}: bgpctl")
        return from_openbgpd(done.stdout)
    if key == "gobgp":
        done = router.run("gobgp", "-j", "neighbor").checked(f"{router.name}: gobgp")
        return from_gobgp(done.stdout)
    raise LabRunError(
        f"node {router.name} has image {router.image}: only frr, bird, openbgpd and gobgp tell their sessions"
    )


def from_frr(text: str) -> dict[str, str]:
    """Read `show bgp summary json`; a peer of several families has the state of its best one."""
    found: dict[str, str] = {}
    for family in json.loads(text or "{}").values():
        if isinstance(family, dict):
            for peer, entry in family.get("peers", {}).items():
                if found.get(peer) != "Established":
                    found[peer] = str(entry.get("state", "unknown"))
    return found


def from_bird(text: str) -> dict[str, str]:
    """Read `show protocols all`; the passive listener of a peer range has no neighbour and is left out."""
    found: dict[str, str] = {}
    for block in re.split(r"\n\s*\n", text):
        peer = _BIRD_NEIGHBOUR.search(block)
        state = _BIRD_STATE.search(block)
        if peer and state:
            found[peer[1]] = state[1]
    return found


def from_openbgpd(text: str) -> dict[str, str]:
    """Read `bgpctl -j show summary`."""
    return {each["remote_addr"]: each["state"] for each in json.loads(text or "{}").get("neighbors", [])}


def from_gobgp(text: str) -> dict[str, str]:
    """Read `gobgp -j neighbor`; a state that is left out is none yet."""
    return {
        each["state"]["neighbor_address"]: _GOBGP_STATES[each["state"].get("session_state", 1) - 1]
        for each in json.loads(text or "[]")
    }
