"""The specification's answers as JSON: the result of an ADD in the shape of its version, and errors. Pure."""

import json
from typing import Any, Final

from bgpnet.drivers.podlink.attach import GATEWAYS, LinkPlan
from bgpnet.drivers.podlink.requests import End
from bgpnet.model.cni import Dns, NetworkConfig
from bgpnet.model.errors import CniError
from bgpnet.model.net import Address, default_prefix, family_of

_GATEWAYS: Final = {family: str(gateway) for family, gateway in GATEWAYS.items()}
_DEFAULTS: Final = {family: str(default_prefix(family)) for family in GATEWAYS}
_ENCODER: Final = json.JSONEncoder(check_circular=False)
_ADDRESS_WITH_VERSION: Final = {"0.3.0", "0.3.1", "0.4.0"}
_INTERFACE_WITH_MTU: Final = {"1.1.0"}
_POD_INTERFACE: Final = 1  # its place among our `interfaces`


def add_result(config: NetworkConfig, plan: LinkPlan, sandbox: str) -> bytes:
    """The result of an ADD, behind that of the plug-ins before us. `sandbox` is CNI_NETNS as it was given."""
    before = config.previous.json if config.previous else {}
    interfaces = before.get("interfaces") or []
    families = [family_of(address) for address in plan.link.addresses]
    place = len(interfaces) + _POD_INTERFACE
    result: dict[str, Any] = {
        "cniVersion": config.version,
        "interfaces": [
            *interfaces,
            _interface(config, plan.host, plan.mtu),
            _interface(config, plan.pod, plan.mtu) | {"sandbox": sandbox},
        ],
        "ips": [
            *(before.get("ips") or []),
            *(_address(config, address, place) for address in plan.link.addresses),
        ],
        "routes": [
            *(before.get("routes") or []),
            *({"dst": _DEFAULTS[family], "gw": _GATEWAYS[family]} for family in families),
        ],
        "dns": _dns(config.dns) or before.get("dns") or {},
    }
    return _ENCODER.encode(result).encode()


def error_result(version: str, error: CniError) -> bytes:
    """The error answer, in the version of the request or, where it names none of ours, in our newest."""
    result: dict[str, Any] = {"cniVersion": version, "code": int(error.code), "msg": str(error)}
    if error.details:
        result["details"] = error.details
    return json.dumps(result).encode()


def _interface(config: NetworkConfig, end: End, mtu: int) -> dict[str, Any]:
    interface: dict[str, Any] = {"name": end.name, "mac": end.mac.hex(":")}
    if config.version in _INTERFACE_WITH_MTU:
        interface["mtu"] = mtu
    return interface


def _address(config: NetworkConfig, address: Address, place: int) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "address": f"{address}/{address.max_prefixlen}",
        "gateway": _GATEWAYS[family_of(address)],
        "interface": place,
    }
    if config.version in _ADDRESS_WITH_VERSION:
        shape["version"] = str(address.version)
    return shape


def _dns(dns: Dns) -> dict[str, Any]:
    shape = {
        "nameservers": list(dns.nameservers),
        "domain": dns.domain,
        "search": list(dns.search),
        "options": list(dns.options),
    }
    return {name: value for name, value in shape.items() if value}
