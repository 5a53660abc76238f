"""Reading a CNI request's environment: it comes from outside, so every value is checked. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from bgpnet.model.cni import Attachment, CniCode, Command, PodName
from bgpnet.model.cni_json import show
from bgpnet.model.errors import CniError

NAME_LENGTH: Final = 64
"""Longest network name, in characters: with the container id it has to fit a link's alias (IFALIASZ, 256)."""

CONTAINER_LENGTH: Final = 100
"""Longest container id, in characters; runtimes use 64 or fewer."""

IFNAME_LENGTH: Final = 15
"""Longest interface name, in characters (linux/if.h, IFNAMSIZ less its NUL)."""

NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*", re.ASCII)
"""What the specification allows for the names of networks and containers."""

_IFNAME = re.compile(r"[!-$&-.0-9;-~]+", re.ASCII)
"""Printable; neither '/' nor ':' (net/core/dev.c, dev_valid_name) nor '%' (to the kernel, a template)."""
_POD_TEXT: Final = 253  # characters; the longest name in Kubernetes, a DNS subdomain


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
            f"CNI_COMMAND is {show(value)}, not one of {', '.join(Command)}, STATUS, VERSION",
        ) from None


def parse_attachment(environment: Mapping[str, str], network: str) -> Attachment:
    """The attachment that CNI_CONTAINERID and CNI_IFNAME name.

    Raises:
        CniError: code 4; one is missing, too long or has a character that it may not have.
    """
    container = environment.get("CNI_CONTAINERID", "")
    if not NAME.fullmatch(container) or len(container) > CONTAINER_LENGTH:
        raise CniError(
            CniCode.BAD_ENVIRONMENT,
            f"CNI_CONTAINERID is {show(container)}: it takes 1 to {CONTAINER_LENGTH} letters, digits and "
            "'_.-', a letter or digit first",
        )
    ifname = environment.get("CNI_IFNAME", "")
    if not _IFNAME.fullmatch(ifname) or len(ifname) > IFNAME_LENGTH or ifname in {".", ".."}:
        raise CniError(
            CniCode.BAD_ENVIRONMENT,
            f"CNI_IFNAME is {show(ifname)}: an interface name has 1 to {IFNAME_LENGTH} printable characters "
            "without '/', ':', '%' and blanks",
        )
    return Attachment(network, container, ifname)


def parse_pod(environment: Mapping[str, str]) -> PodName:
    """The pod that CNI_ARGS tells of. Other arguments are passed over, but for those that ask for something.

    Raises:
        CniError: code 4; an argument asks for what is asked for in another way.
    """
    pairs = (pair.partition("=") for pair in environment.get("CNI_ARGS", "").split(";"))
    arguments = {name: value for name, _, value in pairs}
    for name, field in (("IP", "ips"), ("MAC", "mac")):
        if arguments.get(name):
            raise CniError(
                CniCode.BAD_ENVIRONMENT,
                f"CNI_ARGS has {name}={show(arguments[name])}, which is not supported: "
                f'ask with runtimeConfig.{field}, and declare "capabilities": {{"{field}": true}}',
            )

    def told(name: str) -> str:
        return arguments.get(name, "")[:_POD_TEXT]

    return PodName(told("K8S_POD_NAMESPACE"), told("K8S_POD_NAME"), told("K8S_POD_UID"))
