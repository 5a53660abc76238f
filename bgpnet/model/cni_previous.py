"""Reading `prevResult`: the result of the plug-ins before us, or of the ADD that a CHECK is about. Pure."""

from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Any

from bgpnet.model.cni import PreviousAddress, PreviousInterface, PreviousResult
from bgpnet.model.cni_json import invalid, list_in, number_in, object_in, text_in


def parse_previous(config: Mapping[str, Any]) -> PreviousResult | None:
    """The configuration's `prevResult`, None when it has none.

    Raises:
        CniError: code 7; it is no result.
    """
    result = object_in(config, "prevResult")
    if not result:
        return None
    interfaces = tuple(_interface(item) for item in list_in(result, "interfaces", "prevResult.interfaces"))
    addresses = tuple(_address(item, len(interfaces)) for item in list_in(result, "ips", "prevResult.ips"))
    list_in(result, "routes", "prevResult.routes")
    object_in(result, "dns", "prevResult.dns")
    return PreviousResult(interfaces, addresses, result)


def _interface(item: object) -> PreviousInterface:
    path = "prevResult.interfaces"
    if not isinstance(item, dict):
        raise invalid(path, item, "an object")
    return PreviousInterface(
        text_in(item, "name", f"{path}.name"),
        text_in(item, "mac", f"{path}.mac").lower(),
        text_in(item, "sandbox", f"{path}.sandbox"),
    )


def _address(item: object, interfaces: int) -> PreviousAddress:
    path = "prevResult.ips"
    if not isinstance(item, dict):
        raise invalid(path, item, "an object")
    text = text_in(item, "address", f"{path}.address")
    try:
        address = ip_interface(text).ip
    except ValueError:
        raise invalid(f"{path}.address", text, "an address with its length") from None
    place = number_in(item, "interface", f"{path}.interface") if "interface" in item else None
    if place is not None and not 0 <= place < interfaces:
        raise invalid(f"{path}.interface", place, f"the place of one of {interfaces} interfaces")
    return PreviousAddress(address, place)
