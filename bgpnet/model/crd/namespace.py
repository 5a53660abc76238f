"""Namespace: Kubernetes' own kind, of which we read the labels."""

from typing import Literal

from bgpnet.model.crd.meta import Manifest, Unread
from bgpnet.model.declared import DeclaredNamespace
from bgpnet.model.rejection import ObjectRef


class Namespace(Manifest):
    """A namespace of pods."""

    api_version: Literal["v1"]
    kind: Literal["Namespace"]
    spec: Unread = None
    status: Unread = None

    def fact(self, ref: ObjectRef) -> DeclaredNamespace:
        """What this object says, as the planner knows it."""
        return DeclaredNamespace(ref, self.metadata.name, tuple(sorted(self.metadata.labels.items())))
