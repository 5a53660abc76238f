"""Reading a CNI request's network configuration: JSON from outside, so every value is checked. Pure."""

import json
import re
from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Any, Final

from bgpnet.model.cni import (
    COOLING,
    FIRST_VERSION,
    SUPPORTED_VERSIONS,
    CniCode,
    Command,
    Dns,
    NetworkConfig,
)
from bgpnet.model.cni_json import invalid, kind, list_in, number_in, object_in, show, text_in
from bgpnet.model.cni_previous import parse_previous
from bgpnet.model.cni_request import NAME, NAME_LENGTH
from bgpnet.model.errors import CniError
from bgpnet.model.net import Address

_MTU_RANGE: Final = range(68, 65536)  # RFC 791 section 3.2; linux/veth.c, ETH_MAX_MTU
_COOLING_MAX: Final = 86400  # seconds; a day
_MAC: Final = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", re.ASCII)
_GROUP_BIT: Final = 1  # IEEE 802 section 8.2: of the first octet of a multicast address
_CAPABILITIES: Final = ("ips", "mac", "mtu")


def decode_config(text: bytes) -> dict[str, Any]:
    """The JSON object on stdin.

    Raises:
        CniError: code 6; it is no JSON object.
    """
    try:
        decoded = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CniError(
            CniCode.UNDECODABLE, f"the network configuration on stdin is not JSON: {error}"
        ) from error
    if not isinstance(decoded, dict):
        raise CniError(
            CniCode.UNDECODABLE, f"the network configuration on stdin is {kind(decoded)}, not a JSON object"
        )
    return decoded


def _refuse_constant(word: str) -> None:
    """Python's parser knows NaN and Infinity; what is passed on in a result has to be JSON."""
    raise ValueError(f"{word} is no value of JSON")


def parse_version(config: Mapping[str, Any]) -> str:
    """`cniVersion`; a configuration without one is of version 0.1.0, as the specification has it.

    Raises:
        CniError: code 1; we do not speak it.
    """
    version = config.get("cniVersion", "0.1.0")
    if version not in SUPPORTED_VERSIONS:
        raise CniError(
            CniCode.INCOMPATIBLE_VERSION,
            f"cniVersion is {show(version)}, supported are {', '.join(SUPPORTED_VERSIONS)}",
        )
    return str(version)


def parse_config(config: Mapping[str, Any], command: Command) -> NetworkConfig:
    """The plug-in configuration of a request.

    What a command has no use for is not looked at: a DEL must not fail on what an ADD would refuse.

    Raises:
        CniError: code 1 (version), 2 (a field that would change what we do, and that we do not have) or 7.
    """
    version = parse_version(config)
    first = FIRST_VERSION.get(command, version)
    if SUPPORTED_VERSIONS.index(version) < SUPPORTED_VERSIONS.index(first):
        raise CniError(
            CniCode.INCOMPATIBLE_VERSION,
            f"cniVersion is {show(version)}, and CNI_COMMAND {command} came with {first}",
        )
    name = config.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > NAME_LENGTH:
        raise CniError(
            CniCode.INVALID_CONFIG,
            f"name is {show(name)}: a network's name takes 1 to {NAME_LENGTH} letters, digits and '_.-', "
            "a letter or digit first",
        )
    match command:
        case Command.ADD:
            return _add_config(config, version, name)
        case Command.CHECK:
            return NetworkConfig(version, name, previous=parse_previous(config))
        case Command.GC:
            return NetworkConfig(version, name, valid=_valid(config))
        case Command.DEL:
            return NetworkConfig(version, name)


def _add_config(config: Mapping[str, Any], version: str, name: str) -> NetworkConfig:
    _refuse_unsupported(config)
    asked = object_in(config, "runtimeConfig")
    return NetworkConfig(
        version,
        name,
        _mtu(asked, "runtimeConfig.mtu") or _mtu(config, "mtu"),
        _mac(asked),
        _wanted(asked),
        _cooling(config),
        _dns(config),
        parse_previous(config),
    )


def _refuse_unsupported(config: Mapping[str, Any]) -> None:
    if config.get("ipam"):
        raise _unsupported("ipam", config["ipam"], "addresses come from the node's own blocks; remove it")
    for field, value in object_in(config, "runtimeConfig").items():
        if field not in _CAPABILITIES and value:
            raise _unsupported(
                f"runtimeConfig.{field}",
                value,
                f"the capabilities of bgpnet are {', '.join(_CAPABILITIES)}; "
                "declare another one at the plug-in that has it",
            )
    for field, value in object_in(object_in(config, "args"), "cni", "args.cni").items():
        if field in _CAPABILITIES and value:
            raise _unsupported(f"args.cni.{field}", value, f"ask with runtimeConfig.{field}")


def _unsupported(path: str, value: object, remedy: str) -> CniError:
    return CniError(CniCode.UNSUPPORTED_FIELD, f"{path} is {show(value)}, which is not supported: {remedy}")


def _mtu(parent: Mapping[str, Any], path: str) -> int:
    mtu = number_in(parent, "mtu", path)
    if mtu and mtu not in _MTU_RANGE:
        raise invalid(path, mtu, f"a number of bytes from {_MTU_RANGE.start} to {_MTU_RANGE.stop - 1}")
    return mtu


def _mac(asked: Mapping[str, Any]) -> bytes:
    path = "runtimeConfig.mac"
    value = text_in(asked, "mac", path)
    if not value:
        return b""
    if not _MAC.fullmatch(value):
        raise invalid(path, value, "six octets in hexadecimal with colons")
    mac = bytes.fromhex(value.replace(":", "").replace("-", ""))
    if mac[0] & _GROUP_BIT or not any(mac):
        raise invalid(path, value, "an address that one interface may have")
    return mac


def _wanted(asked: Mapping[str, Any]) -> tuple[Address, ...]:
    """Addresses with or without a length, which says nothing: the pod gets the address alone."""
    path = "runtimeConfig.ips"
    wanted: dict[int, Address] = {}
    for item in list_in(asked, "ips", path):
        try:
            address = ip_interface(item if isinstance(item, str) else "").ip
        except ValueError:
            raise invalid(path, item, "an IP address") from None
        if address.version in wanted:
            raise CniError(
                CniCode.INVALID_CONFIG,
                f"{path} asks for {wanted[address.version]} and for {address}: "
                "a pod has one address of a family",
            )
        wanted[address.version] = address
    return tuple(wanted.values())


def _cooling(config: Mapping[str, Any]) -> float:
    seconds = config.get("coolingSeconds", COOLING)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _COOLING_MAX:
        raise invalid("coolingSeconds", seconds, f"a number of seconds from 0 to {_COOLING_MAX}")
    return float(seconds)


def _dns(config: Mapping[str, Any]) -> Dns:
    dns = object_in(config, "dns")
    return Dns(
        _strings(dns, "nameservers"),
        text_in(dns, "domain", "dns.domain"),
        _strings(dns, "search"),
        _strings(dns, "options"),
    )


def _strings(dns: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = list_in(dns, field, f"dns.{field}")
    if not all(isinstance(item, str) for item in value):
        raise invalid(f"dns.{field}", value, "a list of strings")
    return tuple(value)


def _valid(config: Mapping[str, Any]) -> frozenset[tuple[str, str]] | None:
    # Early runtime libraries of version 1.1.0 had the second name. They write null for an empty list.
    fields = [name for name in ("cni.dev/valid-attachments", "cni.dev/attachments") if name in config]
    if not fields:
        return None
    field = fields[0]
    pairs = set()
    for item in list_in(config, field):
        container, ifname = (
            (item.get("containerID"), item.get("ifname")) if isinstance(item, dict) else (None, None)
        )
        if not isinstance(container, str) or not isinstance(ifname, str):
            raise CniError(
                CniCode.INVALID_CONFIG,
                f"{field} holds {show(item)}, not an object with containerID and ifname",
            )
        pairs.add((container, ifname))
    return frozenset(pairs)
