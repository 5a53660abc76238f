"""Types of the objects' fields: each says in plain words what it wants."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Final, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from bgpnet.model.community import WELL_KNOWN, Community, parse_community, spell_community
from bgpnet.model.net import Address
from bgpnet.model.rejection import Reason

T = TypeVar("T")

Extra = dict[str, JsonValue]
"""What a JSON schema holds beyond what pydantic writes."""

MAX_ASN: Final = 0xFFFF_FFFF

EXTERNAL: Final = "external"

_ASDOT: Final = re.compile(r"[0-9]{1,5}\.[0-9]{1,5}")

_NAMES: Final = "|".join(sorted(WELL_KNOWN))

_RESERVED_ASNS: Final = {
    0: "AS 0 is reserved (RFC 7607)",
    23456: "AS 23456 is AS_TRANS, a placeholder (RFC 6793)",
    65535: "AS 65535 is reserved (RFC 7300)",
    MAX_ASN: "AS 4294967295 is reserved (RFC 7300)",
}


def refusal(remedy: str, reason: Reason = Reason.INVALID_FIELD) -> PydanticCustomError:
    """The error that a validator raises: `refused.py` turns it into a Rejection of this reason and remedy."""
    return PydanticCustomError(reason.value, "{remedy}", {"remedy": remedy})


def rules(*checks: tuple[str, str]) -> Extra:
    """Rules of the API server for a schema: CEL expressions, each with the message that refuses.

    Each says what a validator here says as well, for the sources that have no API server in front.
    """
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in checks]}


def _unmapped(address: Address) -> Address:
    """The address as it is: an IPv4 address in the form of IPv6 stands in no packet (RFC 4291 §2.5.5.2)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is not None:
        raise refusal(f"write the IPv4 address, {mapped}, without ::ffff:")
    return address


def parse_address(value: object) -> Address:
    """An IP address without zone.

    Raises:
        PydanticCustomError: the value is none.
    """
    wanted = "write an IP address in quotes, such as '192.0.2.1' or '2001:db8::1'"
    if not isinstance(value, str) or "%" in value:
        raise refusal(wanted)
    try:
        address = ip_address(value)
    except ValueError:
        raise refusal(wanted) from None
    return _unmapped(address)


def _unicast(value: object) -> Address:
    address = parse_address(value)
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        raise refusal("write the address of one host")
    if address.version == 6 and address.is_link_local:  # noqa: PLR2004 - the IP version
        raise refusal("write a global address: a link-local one does not say on which link")
    return address


def _router_id(value: object) -> IPv4Address:
    address = parse_address(value)
    if not isinstance(address, IPv4Address) or address.is_unspecified:
        raise refusal("write a router identifier as an IPv4 address other than 0.0.0.0 (RFC 6286)")
    return address


def _no_asdot(value: object) -> object:
    if isinstance(value, float) or (isinstance(value, str) and _ASDOT.fullmatch(value)):
        high, low = str(value).split(".")
        plain = f", as {int(high) * 65536 + int(low)} for {value}" if isinstance(value, str) else ""
        raise refusal(
            f"write an AS number as one whole number{plain}: YAML reads 1.10 as 1.1 (RFC 5396, asplain)"
        )
    return value


def _peer_asn(value: object) -> object:
    if isinstance(value, str):
        if value != EXTERNAL:
            raise refusal("write an AS number without quotes, or external for any AS but ours")
        return 0
    return _asn(value) if type(value) is int else value


def _asn(value: int) -> int:
    if value in _RESERVED_ASNS:
        raise refusal(f"{_RESERVED_ASNS[value]}: take the number that was assigned to you or a private one")
    return value


def _community(value: object) -> Community:
    if not isinstance(value, str):
        raise refusal("write a community as a text in quotes, such as '64512:100'")
    try:
        return parse_community(value)
    except ValueError as error:
        raise refusal(str(error)) from None


def not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    """The list as it is.

    Raises:
        PydanticCustomError: nothing stands in it.
    """
    if not values:  # pydantic's own min_length counts a refused entry as missing, and so tells of it twice
        raise refusal("write at least one entry, or leave the field out")
    return values


def each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    """The list as it is.

    Raises:
        PydanticCustomError: a value stands in it twice.
    """
    twice = next((value for position, value in enumerate(values) if value in values[:position]), None)
    if twice is not None:
        text = spell_community(twice) if isinstance(twice, tuple) else twice
        raise refusal(f"write each once: {text} stands here twice")
    return values


def _hold_time(value: int) -> int:
    if value in {1, 2}:
        raise refusal("write 0 (no keepalives) or at least 3 seconds (RFC 4271 §4.2)")
    return value


_UNICAST: Final = (
    "!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLoopback()"
    " || ip(self).family() == 4 && ip(self).isLinkLocalUnicast()"
)

UnicastAddress = Annotated[
    Address,
    PlainValidator(_unicast),
    WithJsonSchema(
        {"type": "string", "maxLength": 45}
        | rules(
            ("isIP(self)", "write an IP address, such as 192.0.2.1 or 2001:db8::1"),
            (
                _UNICAST,
                "write the global address of one host",
            ),
        )
    ),
]
"""The address of one host."""

RouterId = Annotated[
    IPv4Address,
    PlainValidator(_router_id),
    WithJsonSchema(
        {"type": "string", "maxLength": 15}
        | rules(
            (
                "isIP(self) && ip(self).family() == 4 && !ip(self).isUnspecified()",
                "write a router identifier as an IPv4 address other than 0.0.0.0 (RFC 6286)",
            )
        )
    ),
]
"""A BGP identifier (RFC 6286)."""

Asn = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MAX_ASN,
        json_schema_extra=rules(
            *(
                (f"self != {number}", f"{why}: take the one assigned to you or a private one")
                for number, why in _RESERVED_ASNS.items()
            )
        ),
    ),
    AfterValidator(_asn),
    BeforeValidator(_no_asdot),
]
"""An AS number that a speaker may use."""

PeerAsn = Annotated[
    int,
    Field(strict=True, ge=0, le=MAX_ASN),
    BeforeValidator(_peer_asn),
    BeforeValidator(_no_asdot),
    PlainSerializer(lambda value: value or EXTERNAL),
    WithJsonSchema(
        {"x-kubernetes-int-or-string": True}
        | rules(
            (
                f"type(self) == string ? self == '{EXTERNAL}' : self >= 0 && self <= {MAX_ASN}",
                "write an AS number as one whole number, or external for any AS but ours",
            ),
            *(
                (f"type(self) == string || self != {number}", f"{why}: take the one assigned to the router")
                for number, why in _RESERVED_ASNS.items()
            ),
        )
    ),
]
"""A peer's AS number; 0 for `external`, which is any but ours."""

HoldTime = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=65535,
        json_schema_extra=rules(
            ("self == 0 || self >= 3", "write 0 (no keepalives) or at least 3 seconds (RFC 4271 §4.2)")
        ),
    ),
    AfterValidator(_hold_time),
]
"""Seconds (RFC 4271 §4.2). The speaker sends a keepalive every third of it (§10)."""

CommunityField = Annotated[
    Community,
    PlainValidator(_community),
    WithJsonSchema(
        {"type": "string", "maxLength": 32}
        | rules(
            (
                rf"self.matches('^([0-9]{{1,5}}:[0-9]{{1,5}}|[0-9]{{1,10}}(:[0-9]{{1,10}}){{2}}|{_NAMES})$')",
                "write a community as AS:value, AS:value:value or by its well-known name",
            )
        )
    ),
]
"""A standard or large community."""

SET: Final[Extra] = {"x-kubernetes-list-type": "set"}
"""Of a list whose entries stand in it once each: the API server refuses others, and merges by entry."""

Communities = Annotated[
    tuple[CommunityField, ...], Field(max_length=32, json_schema_extra=SET), AfterValidator(each_once)
]
"""Communities, each once."""

Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9._]{0,251}[A-Za-z0-9])?$", max_length=253)
]
"""The name of an object."""

SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._A-Za-z0-9]{1,253}$")]
"""A key of a Secret's data."""

LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=317)]
"""A label's key: an optional DNS name of up to 253 characters, a slash and up to 63 characters."""

LabelValue = Annotated[str, StringConstraints(max_length=63)]
