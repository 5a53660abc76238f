"""How to reach the API server: from a pod's own mount, or from a kubeconfig."""

import os
import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bgpnet.model.errors import UsageError
from bgpnet.model.secret import Secret

MOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet keeps a pod's token and the cluster's certificate."""


DEFAULT_NAMESPACE: Final = "bgpnet-system"


@dataclass(frozen=True, slots=True)
class Access:
    """Server, certificates, and who we are."""

    server: str
    """`https://host:port`."""
    tls: ssl.SSLContext
    token: Secret | None = None
    namespace: str = DEFAULT_NAMESPACE
    """Ours: that of the pod, or of the kubeconfig's context."""
    token_file: Path | None = None
    """Read anew for each request: kubelet replaces it before the old one ends."""

    def bearer(self) -> str | None:
        """The token of this moment; None where a certificate says who we are.

        Raises:
            OSError: its file cannot be read.
        """
        if self.token_file is not None:
            return self.token_file.read_text().strip()
        return None if self.token is None else self.token.reveal()


def in_cluster(environment: Mapping[str, str], mount: Path = MOUNT) -> Access:
    """The access that every pod has.

    Raises:
        UsageError: this is no pod, or its token is not mounted.
    """
    host, port = (
        environment.get("KUBERNETES_SERVICE_HOST", ""),
        environment.get("KUBERNETES_SERVICE_PORT", ""),
    )
    if not host or not port:
        raise UsageError(
            "--source is 'kubernetes'; this process is in no pod (KUBERNETES_SERVICE_HOST is not set): give "
            "kubernetes:KUBECONFIG, or run it in the DaemonSet"
        )
    try:
        tls = ssl.create_default_context(cafile=str(mount / "ca.crt"))
        (mount / "token").read_bytes()
        namespace = (mount / "namespace").read_text().strip()
    except OSError as error:
        raise UsageError(
            f"--source is 'kubernetes'; {mount} cannot be read ({error.strerror}): mount the service "
            "account's token into the pod"
        ) from error
    shown = f"[{host}]" if ":" in host else host
    return Access(f"https://{shown}:{port}", tls, None, namespace, mount / "token")


def kubeconfig(path: Path) -> Access:
    """The access of a kubeconfig's current context: a token, a token file, or a client certificate.

    Raises:
        UsageError: it cannot be read, or wants something else (a program, a proxy).
    """
    import yaml  # noqa: PLC0415 - 1 MiB that agents in pods spare

    try:
        return _access(yaml.safe_load(path.read_bytes()), path.parent)
    except (OSError, ValueError, TypeError, KeyError, LookupError, yaml.YAMLError) as error:
        why = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
        raise UsageError(
            f"--source is 'kubernetes:{path}'; it is no kubeconfig that can be used ({why}): its current "
            "context needs a server and a token, tokenFile or client certificate"
        ) from error


def _access(config: Mapping[str, Any], folder: Path) -> Access:
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"]).get("user") or {}
    authority = cluster.get("certificate-authority")
    inline = cluster.get("certificate-authority-data")
    tls = ssl.create_default_context(
        cafile=str(folder / authority) if authority else None,
        cadata=b64decode(inline).decode() if inline else None,
    )
    if "client-certificate" in user:
        tls.load_cert_chain(folder / user["client-certificate"], folder / user["client-key"])
    elif "client-certificate-data" in user:
        _load_inline(tls, user)
    elif "token" not in user and "tokenFile" not in user:
        raise ValueError("the user has no token, tokenFile or client certificate")
    token = Secret(user["token"]) if "token" in user else None
    file = folder / user["tokenFile"] if "tokenFile" in user else None
    namespace = str(context.get("namespace") or DEFAULT_NAMESPACE)
    return Access(str(cluster["server"]).rstrip("/"), tls, token, namespace, file)


def _load_inline(tls: ssl.SSLContext, user: Mapping[str, Any]) -> None:
    """The ssl module takes certificates from files alone: this one is in memory, and nobody else's."""
    descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, b64decode(user["client-certificate-data"]) + b"\n")
        os.write(descriptor, b64decode(user["client-key-data"]))
        tls.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _named(entries: list[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
