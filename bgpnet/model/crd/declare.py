"""Facts, one by one, to what a source declares as a whole."""

from collections.abc import Iterable

from bgpnet.model.crd.meta import Fact
from bgpnet.model.declared import (
    Declared,
    DeclaredBlock,
    DeclaredConfiguration,
    DeclaredFilter,
    DeclaredNamespace,
    DeclaredNode,
    DeclaredPeer,
    DeclaredPool,
)
from bgpnet.model.rejection import Rejection


def declare(facts: Iterable[Fact], rejections: Iterable[Rejection]) -> Declared:
    """Sort facts by kind. No two may be of the same kind and name."""
    told = tuple(facts)
    return Declared(
        configuration=next((fact for fact in told if isinstance(fact, DeclaredConfiguration)), None),
        nodes=tuple(fact for fact in told if isinstance(fact, DeclaredNode)),
        pools=tuple(fact for fact in told if isinstance(fact, DeclaredPool)),
        peers=tuple(fact for fact in told if isinstance(fact, DeclaredPeer)),
        rejections=tuple(rejections),
        filters=tuple(fact for fact in told if isinstance(fact, DeclaredFilter)),
        namespaces=tuple(fact for fact in told if isinstance(fact, DeclaredNamespace)),
        blocks=tuple(fact for fact in told if isinstance(fact, DeclaredBlock)),
    )
