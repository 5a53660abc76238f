"""Fields that are address prefixes: any, or such as somebody routes to."""

import re
from ipaddress import ip_interface
from typing import Annotated, Final

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from bgpnet.model.crd.fields import refusal, rules
from bgpnet.model.martians import MARTIANS, martian_in
from bgpnet.model.net import Prefix
from bgpnet.model.rejection import Reason

_PREFIX: Final = re.compile(r"[^/%]+/[0-9]{1,3}")

_RULES: Final = (
    ("isCIDR(self)", "write an address prefix, such as 10.1.2.0/24 or 2001:db8::/64"),
    (
        "!isCIDR(self) || cidr(self) == cidr(self).masked()",
        "bits are set behind the prefix length: write the prefix, or the address with /32 or /128",
    ),
)

_NOWHERE: Final = "nobody routes such addresses (RFC 6890); write a range that the fabric routes"

_SPELLED: Final = ", ".join(f"'{each}'" for each in MARTIANS if "ffff:" not in str(each))
"""To the API server an IPv4-mapped prefix is none at all."""

_CROSSED: Final = "cidr(each).containsCIDR(self) || cidr(self).containsCIDR(each)"


def _prefix(value: object) -> Prefix:
    wanted = "write an address prefix in quotes, such as '10.1.2.0/24' or '2001:db8::/64'"
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise refusal(wanted)
    try:
        written = ip_interface(value)
    except ValueError:
        raise refusal(wanted) from None
    if written.ip != written.network.network_address:
        host = f"{written.ip}/{written.max_prefixlen}"
        raise refusal(
            f"write {written.network} for the prefix, or {host} for the address", Reason.HOST_BITS_SET
        )
    return written.network


def _routed(prefix: Prefix) -> Prefix:
    martian = martian_in(prefix)
    if martian is not None:
        which = "" if martian == prefix else f"{martian}: "
        raise refusal(f"{which}{_NOWHERE}", Reason.MARTIAN)
    return prefix


PrefixField = Annotated[
    Prefix,
    PlainValidator(_prefix),
    WithJsonSchema({"type": "string", "maxLength": 43} | rules(*_RULES)),
]
"""An address prefix without host bits."""

RoutedPrefix = Annotated[
    PrefixField,
    AfterValidator(_routed),
    WithJsonSchema(
        {"type": "string", "maxLength": 43}
        | rules(*_RULES, (f"!isCIDR(self) || ![{_SPELLED}].exists(each, {_CROSSED})", _NOWHERE))
    ),
]
"""An address prefix without host bits and without addresses that are routed nowhere."""
