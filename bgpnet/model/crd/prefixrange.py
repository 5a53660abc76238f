"""A prefix with a range of lengths, as in a router's prefix list."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from bgpnet.model.crd.fields import refusal
from bgpnet.model.crd.meta import Strict
from bgpnet.model.crd.prefixfield import PrefixField
from bgpnet.model.declared import AcceptRule

PrefixLength = Annotated[int, Field(strict=True, ge=0, le=128)]


class PrefixRange(Strict):
    """Prefixes inside one prefix, by their length.

    Neither length given: exactly this prefix. `maxLength` alone: from the prefix's own length up to it
    (`le`). `minLength` alone: from it up to host routes (`ge`).
    """

    prefix: PrefixField
    """All of them lie in it."""
    min_length: PrefixLength | None = None
    """The shortest prefix length."""
    max_length: PrefixLength | None = None
    """The longest prefix length."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        rule, least, most = self.fact(), self.prefix.prefixlen, self.prefix.max_prefixlen
        if not least <= rule.min_length <= rule.max_length <= most:
            raise refusal(f"write lengths with {least} <= minLength <= maxLength <= {most}")
        return self

    def fact(self) -> AcceptRule:
        """The range with both lengths written out."""
        least = self.prefix.prefixlen if self.min_length is None else self.min_length
        open_end = self.prefix.prefixlen if self.min_length is None else self.prefix.max_prefixlen
        return AcceptRule(self.prefix, least, open_end if self.max_length is None else self.max_length)
