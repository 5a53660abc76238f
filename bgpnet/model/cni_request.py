"""Reading a CNI request: everything in it comes from outside, so every value is checked.

A wrong value is a `CniError` that names it. The validators are written by hand: the CNI server stays thin.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from bgpnet.model.cni import SUPPORTED_VERSIONS, Attachment, CniCode, Command, Dns, NetworkConfig
from bgpnet.model.errors import CniError

NAME_LENGTH: Final = 64
"""Longest network name, in characters: with the container id it has to fit a link's alias (IFALIASZ, 256)."""

CONTAINER_LENGTH: Final = 100
"""Longest container id, in characters; runtimes use 64 or fewer."""

IFNAME_LENGTH: Final = 15
"""Longest interface name, in characters (linux/if.h, IFNAMSIZ less its NUL)."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*", re.ASCII)
_IFNAME = re.compile(r"[!-$&-.0-9;-~]+", re.ASCII)
"""Printable; neither '/' nor ':' (net/core/dev.c, dev_valid_name) nor '%' (to the kernel, a template)."""
_MTU_RANGE = range(68, 65536)  # RFC 791 section 3.2; linux/veth.c, ETH_MAX_MTU
_SHOWN = 80


def parse_command(environment: Mapping[str, str]) -> Command:
    """CNI_COMMAND.

    Raises:
        CniError: code 4; it is missing or none that a plug-in has.
    """
    value = environment.get("CNI_COMMAND", "")
    try:
        return Command(value)
    except ValueError:
        raise CniError(
            CniCode.BAD_ENVIRONMENT,
            f"CNI_COMMAND is {_show(value)}, not one of {', '.join(Command)}, VERSION",
        ) from None


def parse_attachment(environment: Mapping[str, str], network: str) -> Attachment:
    """The attachment that CNI_CONTAINERID and CNI_IFNAME name.

    Raises:
        CniError: code 4; one is missing, too long or has a character that it may not have.
    """
    container = environment.get("CNI_CONTAINERID", "")
    if not _NAME.fullmatch(container) or len(container) > CONTAINER_LENGTH:
        raise CniError(
            CniCode.BAD_ENVIRONMENT,
            f"CNI_CONTAINERID is {_show(container)}: it takes 1 to {CONTAINER_LENGTH} letters, digits and "
            "'_.-', a letter or digit first",
        )
    ifname = environment.get("CNI_IFNAME", "")
    if not _IFNAME.fullmatch(ifname) or len(ifname) > IFNAME_LENGTH or ifname in {".", ".."}:
        raise CniError(
            CniCode.BAD_ENVIRONMENT,
            f"CNI_IFNAME is {_show(ifname)}: an interface name has 1 to {IFNAME_LENGTH} printable characters "
            "without '/', ':', '%' and blanks",
        )
    return Attachment(network, container, ifname)


def decode_config(text: bytes) -> dict[str, Any]:
    """The JSON object on stdin.

    Raises:
        CniError: code 6; it is no JSON object.
    """
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CniError(
            CniCode.UNDECODABLE, f"the network configuration on stdin is not JSON: {error}"
        ) from error
    if not isinstance(decoded, dict):
        raise CniError(
            CniCode.UNDECODABLE, f"the network configuration on stdin is {_kind(decoded)}, not a JSON object"
        )
    return decoded


def parse_version(config: Mapping[str, Any]) -> str:
    """`cniVersion`; a configuration without one is of version 0.1.0, as the specification has it.

    Raises:
        CniError: code 1; we do not speak it.
    """
    version = config.get("cniVersion", "0.1.0")
    if version not in SUPPORTED_VERSIONS:
        raise CniError(
            CniCode.INCOMPATIBLE_VERSION,
            f"cniVersion is {_show(version)}, supported are {', '.join(SUPPORTED_VERSIONS)}",
        )
    return str(version)


def parse_config(config: Mapping[str, Any], command: Command) -> NetworkConfig:
    """The plug-in configuration of a request.

    Raises:
        CniError: code 1 (version), 2 (a field that would change what we do, and that we do not have) or 7.
    """
    version = parse_version(config)
    name = config.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > NAME_LENGTH:
        raise CniError(
            CniCode.INVALID_CONFIG,
            f"name is {_show(name)}: a network's name takes 1 to {NAME_LENGTH} letters, digits and '_.-', "
            "a letter or digit first",
        )
    if command is Command.ADD:
        _refuse_unsupported(config)
    return NetworkConfig(version, name, _mtu(config), _dns(config), _valid(config))


def _refuse_unsupported(config: Mapping[str, Any]) -> None:
    remedies = {
        "ipam": "addresses come from the node's own blocks; remove it",
        "prevResult": "bgpnet gives the pod its interface, so it is the first plug-in of a list",
        "runtimeConfig": "no capability is declared, so none can be asked for",
    }
    for field, remedy in remedies.items():
        if config.get(field):
            raise CniError(
                CniCode.UNSUPPORTED_FIELD,
                f"{field} is {_show(config[field])}, which is not supported: {remedy}",
            )


def _mtu(config: Mapping[str, Any]) -> int:
    mtu = config.get("mtu", 0)
    if isinstance(mtu, bool) or not isinstance(mtu, int) or (mtu and mtu not in _MTU_RANGE):
        raise CniError(
            CniCode.INVALID_CONFIG,
            f"mtu is {_show(mtu)}, not a number of bytes from {_MTU_RANGE.start} to {_MTU_RANGE.stop - 1}",
        )
    return mtu


def _dns(config: Mapping[str, Any]) -> Dns:
    dns = _object(config, "dns")
    domain = dns.get("domain", "")
    if not isinstance(domain, str):
        raise CniError(CniCode.INVALID_CONFIG, f"dns.domain is {_show(domain)}, not a string")
    return Dns(_strings(dns, "nameservers"), domain, _strings(dns, "search"), _strings(dns, "options"))


def _strings(dns: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = dns.get(field) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise CniError(CniCode.INVALID_CONFIG, f"dns.{field} is {_show(value)}, not a list of strings")
    return tuple(value)


def _object(config: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = config.get(field)
    if value is not None and not isinstance(value, dict):
        raise CniError(CniCode.INVALID_CONFIG, f"{field} is {_show(value)}, not an object")
    return value or {}


def _valid(config: Mapping[str, Any]) -> frozenset[tuple[str, str]] | None:
    field = "cni.dev/valid-attachments"
    items = config.get(field)
    if items is None:
        return None
    if not isinstance(items, list):
        raise CniError(CniCode.INVALID_CONFIG, f"{field} is {_show(items)}, not a list")
    pairs = set()
    for item in items:
        container, ifname = (
            (item.get("containerID"), item.get("ifname")) if isinstance(item, dict) else (None, None)
        )
        if not isinstance(container, str) or not isinstance(ifname, str):
            raise CniError(
                CniCode.INVALID_CONFIG,
                f"{field} holds {_show(item)}, not an object with containerID and ifname",
            )
        pairs.add((container, ifname))
    return frozenset(pairs)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _show(value: object) -> str:
    """A value from outside, quoted and bounded."""
    if value is None:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
