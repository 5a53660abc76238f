"""Fills the templates in. Nothing but plain words gets into a configuration, whatever a template asks for."""

import re
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from bgpnet.model.community import WELL_KNOWN, Community, spell_community
from bgpnet.model.declared import AcceptRule
from bgpnet.model.net import Address, Prefix
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.router import System
from bgpnet.model.routerconfig import NodeGroup, RouterConfig
from bgpnet.render.routers.table import SystemTable

_WORD: Final = re.compile(r"[A-Za-z0-9_.:/+=@%,^~*${}()\[\]|\\ -]*")
"""No quote, semicolon, comment sign or line break: whatever is put in stays one word or a few."""


def filled(table: SystemTable, config: RouterConfig) -> str:
    """The configuration's text.

    Raises:
        ValueError: a value has a character that could end the place where it stands.
    """
    text: str = _template(table.system, lower_case=table.lower_case).render(
        router=config, words=_words(table, config.version)
    )
    return re.sub(r"\n{3,}", "\n\n", text)


@cache  # compiling a template takes 50 ms, and a fabric has many routers of one system
def _template(system: System, *, lower_case: bool) -> Template:
    environment = Environment(
        loader=PackageLoader("bgpnet.render.routers", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_plain,
        autoescape=False,  # noqa: S701 - no markup; `_plain` refuses what is not a plain word
    )
    environment.filters.update(_filters(lower_case=lower_case))
    return environment.get_template(f"{system}.j2")


def _words(table: SystemTable, version: str) -> Mapping[str, str]:
    return next(words for versions, words in table.dialects if re.fullmatch(versions, version))


def _plain(value: object) -> object:
    if isinstance(value, bool) or not isinstance(
        value, str | int | IPv4Address | IPv6Address | IPv4Network | IPv6Network
    ):
        raise TypeError(f"a template put in a {type(value).__name__}")
    if isinstance(value, str) and not _WORD.fullmatch(value):
        raise ValueError(f"{value!r} has characters that no configuration takes")
    return value


def _filters(*, lower_case: bool) -> Mapping[str, Any]:
    def name(group: NodeGroup) -> str:
        return group.label.lower() if lower_case else group.label

    def secret(group: NodeGroup) -> str:
        return group.password.reveal() if group.password else group.placeholder

    return {
        "name": name,
        "secret": secret,
        "cause": _cause,
        "origin": _origin,
        "digit": _digit,
        "ge_le": _ge_le,
        "braces": _braces,
        "prefixlen": _prefixlen,
        "eq_ge_le": _eq_ge_le,
        "junos": _junos,
        "community": _community,
        "frr_community": _frr_community,
        "symbol": _symbol,
    }


def _cause(ref: ObjectRef) -> str:
    """`BGPPeer/tor1`, without file and line, which change when nothing else does."""
    return f"{ref.kind}/{ref.name}"


def _origin(group: NodeGroup) -> str:
    """A regular expression of paths with the nodes' AS alone, without its ends; `_` stands between two."""
    return f"{group.node_asn}(_{group.node_asn})*" if group.prepends else str(group.node_asn)


def _digit(value: Prefix | Address) -> int:
    return value.version


def _ge_le(rule: AcceptRule) -> str:
    """As Cisco's and FRR's prefix lists have it, in the form in which they show it again."""
    text = str(rule.prefix)
    if rule.min_length > rule.prefix.prefixlen:
        text += f" ge {rule.min_length}"
    open_end = rule.max_length == rule.prefix.max_prefixlen and rule.min_length > rule.prefix.prefixlen
    if rule.max_length > rule.prefix.prefixlen and not open_end:
        text += f" le {rule.max_length}"
    return text


def _braces(rule: AcceptRule) -> str:
    """As BIRD's prefix sets have it."""
    return f"{rule.prefix}{{{rule.min_length},{rule.max_length}}}"


def _eq_ge_le(rule: AcceptRule) -> str:
    """As NX-OS has it: one length is `eq`."""
    single = rule.min_length == rule.max_length != rule.prefix.prefixlen
    return f"{rule.prefix} eq {rule.min_length}" if single else _ge_le(rule)


def _junos(rule: AcceptRule) -> str:
    """As Junos' route filters have it."""
    if rule.min_length == rule.max_length == rule.prefix.prefixlen:
        return f"{rule.prefix} exact"
    return f"{rule.prefix} prefix-length-range /{rule.min_length}-/{rule.max_length}"


def _prefixlen(rule: AcceptRule) -> str:
    """As OpenBGPD's prefix sets have it."""
    if rule.min_length == rule.max_length:
        return str(rule.prefix) + (
            "" if rule.min_length == rule.prefix.prefixlen else f" prefixlen = {rule.min_length}"
        )
    return f"{rule.prefix} prefixlen {rule.min_length} - {rule.max_length}"


def _community(community: Community, separator: str = ":") -> str:
    return separator.join(map(str, community))


def _frr_community(community: Community) -> str:
    """As FRR writes it before it holds it against a regular expression: by name where it has one.

    `community_str_get` in its bgpd/bgp_community.c. The number would match nothing.
    """
    return "local-AS" if community == WELL_KNOWN["no-export-subconfed"] else spell_community(community)


def _symbol(address: Address | str) -> str:
    """An address or a port as part of a name: every one another."""
    if isinstance(address, str):
        return re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):02x}", address)
    return f"{int(address):032x}" if address.version == 6 else str(address).replace(".", "_")  # noqa: PLR2004
