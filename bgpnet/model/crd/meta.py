"""What every object has in common: apiVersion, kind, metadata."""

from abc import abstractmethod
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, ClassVar, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from bgpnet.model.crd.fields import LabelKey, Name
from bgpnet.model.declared import (
    DeclaredBlock,
    DeclaredConfiguration,
    DeclaredFilter,
    DeclaredNamespace,
    DeclaredNode,
    DeclaredPeer,
    DeclaredPool,
    DeclaredSecret,
)
from bgpnet.model.rejection import ObjectRef

GROUP: Final = "bgpnet.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

Fact = (
    DeclaredBlock
    | DeclaredConfiguration
    | DeclaredFilter
    | DeclaredNamespace
    | DeclaredNode
    | DeclaredPeer
    | DeclaredPool
    | DeclaredSecret
)
"""What the objects say once they are read; everything above the edge knows only these."""

T = TypeVar("T")

OrEmpty = Annotated[T, BeforeValidator(lambda value: {} if value is None else value)]
"""A mapping that may be left empty: YAML reads `labels:` with nothing behind it as null."""

Unread = Annotated[object, BeforeValidator(lambda _: None)]
"""Part of an object that others write, `status`: not read, not kept."""


class Strict(BaseModel):
    """Part of an object of our own group: an unknown field is refused."""

    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Fields that one may expect here and that are not, with what to do instead."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


_LIKE_OURS: Final = frozenset({"deletionTimestamp"})
"""Kubernetes' own fields with a name that looks like that of one we read."""


class Lenient(BaseModel):
    """Part of an object of Kubernetes' own, of which we read a few fields.

    The others are passed over, but for those whose name looks like a field that we read, mistyped: they are
    refused, as a Node that loses its prefixes for want of a letter would be cut off without a word.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _pass_over(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        ours = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: inner for key, inner in value.items() if key in ours or _looks_like(key, ours)}


def _looks_like(key: str, ours: set[str]) -> bool:
    folded = (name.casefold() for name in ours)
    return key not in _LIKE_OURS and bool(get_close_matches(key.casefold(), folded, n=1, cutoff=0.8))


class Metadata(Lenient):
    """The object's name and labels."""

    name: Name
    labels: OrEmpty[dict[LabelKey, str]] = Field(default_factory=dict)
    creation_timestamp: str | None = None
    """RFC 3339; the API server sets it, a manifest may."""


class Manifest(BaseModel):
    """A whole object. Each kind says its `apiVersion` and `kind` and turns itself into a fact."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    separable: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Paths of fields and lists that stand for themselves: what cannot be read there is left out alone."""

    confidential: ClassVar[bool] = False
    """Whether nothing of the object may be shown or kept."""

    api_version: str
    kind: str
    metadata: Metadata

    @abstractmethod
    def fact(self, ref: ObjectRef) -> Fact:
        """What this object says, as the planner knows it."""
