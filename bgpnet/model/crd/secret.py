"""Secret: Kubernetes' own kind, of which we read the values that a BGPPeer names."""

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainValidator

from bgpnet.model.crd.meta import Lenient, Manifest
from bgpnet.model.declared import DeclaredSecret
from bgpnet.model.rejection import ObjectRef
from bgpnet.model.secret import Secret as Hidden


def _hidden(told: object) -> Mapping[str, Hidden | None]:
    if not isinstance(told, Mapping):
        return {}
    return {str(key): Hidden(value) if isinstance(value, str) else None for key, value in told.items()}


Values = Annotated[Mapping[str, Hidden | None], PlainValidator(_hidden)]
"""Values by key, each hidden from the moment it is read; None for one that is no text."""


class Secret(Lenient, Manifest):
    """Values that nobody may see: nothing of them is in messages, and they are not kept over a restart."""

    confidential: ClassVar[bool] = True

    api_version: Literal["v1"]
    kind: Literal["Secret"]
    data: Values = Field(default_factory=dict)
    """In Base64."""
    string_data: Values = Field(default_factory=dict)
    """As they are; before `data`, as for the API server."""

    def fact(self, ref: ObjectRef) -> DeclaredSecret:
        """The values as bytes; None for one that is no text, or not in Base64."""
        plain = {key: value.reveal().encode() if value else None for key, value in self.string_data.items()}
        coded = {key: _decoded(value) for key, value in self.data.items()}
        return DeclaredSecret(
            ref,
            tuple(
                (key, None if value is None else Hidden(value.decode("latin-1")))
                for key, value in sorted((coded | plain).items())
            ),
        )


def _decoded(value: Hidden | None) -> bytes | None:
    try:
        return None if value is None else b64decode("".join(value.reveal().split()), validate=True)
    except (Error, ValueError):
        return None
