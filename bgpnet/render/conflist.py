"""The network configuration list by which a container runtime finds our plug-in."""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from bgpnet.model.cni_chain import PLUGIN, VERSIONS

_CAPABILITIES: Final[Mapping[str, tuple[str, ...]]] = {
    PLUGIN: ("ips", "mac", "mtu"),
    "portmap": ("portMappings",),
    "bandwidth": ("bandwidth",),
}
"""What a runtime passes to a plug-in only where the list says that it may."""

_SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {"portmap": {"backend": "nftables"}}
"""What else a plug-in is told. Left to choose, portmap runs iptables for each pod, whatever it wants."""


def conflist_text(chain: tuple[str, ...], socket: PurePosixPath) -> str:
    """The list: our plug-in, which finds its server at `socket`, then those of the chain.

    A runtime passes its own environment to a plug-in and none of ours: what the shim has to know stands here.
    """
    content = {
        "cniVersion": VERSIONS[0],
        "cniVersions": list(VERSIONS),
        "name": PLUGIN,
        "plugins": [_plugin(PLUGIN) | {"socket": str(socket)}, *map(_plugin, chain)],
    }
    return json.dumps(content, indent=2) + "\n"


def _plugin(name: str) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": name, **_SETTINGS.get(name, {})}
    if name in _CAPABILITIES:
        shape["capabilities"] = dict.fromkeys(_CAPABILITIES[name], True)
    return shape
