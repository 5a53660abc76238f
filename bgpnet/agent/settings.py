"""The agent's settings, from flags and environment."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final

from bgpnet.model.cni_chain import parse_chain
from bgpnet.model.errors import UsageError
from bgpnet.model.net import Address
from bgpnet.model.rundir import RunDir

PORTS: Final = 65536

SAVED: Final = "kubernetes.json"
"""In the state directory: the last state of the API server."""

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """An address of this host's, or 0.0.0.0 or :: for all of them, and a port."""

    address: Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if isinstance(self.address, IPv6Address) else str(self.address)
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ConflistSettings:
    """Where the container runtime looks for network configurations, and the plug-ins behind ours."""

    folder: Path
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilesFrom:
    """A folder of manifests."""

    folder: Path

    def __str__(self) -> str:
        return f"files:{self.folder}"


@dataclass(frozen=True, slots=True)
class KubernetesFrom:
    """The API server: of the pod that this process runs in, or of a kubeconfig."""

    kubeconfig: Path | None = None

    def __str__(self) -> str:
        return f"kubernetes:{self.kubeconfig}" if self.kubeconfig else "kubernetes"


@dataclass(frozen=True, slots=True)
class Settings:
    """How one agent runs."""

    node_name: str
    source: FilesFrom | KubernetesFrom
    run_dir: RunDir
    state_dir: Path
    """What outlives a boot: the last state of the API server (source kubernetes)."""
    bootstrap: Path | None = None
    """Manifests that hold until the API server was read for the first time (source kubernetes)."""
    metrics_listen: TcpAddress | None = None
    """Where the metrics are answered besides the agent's socket."""
    conflist: ConflistSettings | None = None
    """None where no container runtime is to be told of us."""
    health_listen: TcpAddress | None = None
    """Where /healthz and /readyz are answered besides the agent's socket."""
    sysctl_dir: Path = Path("/proc/sys")
    """Where the host's /proc/sys can be written."""


def node_name(text: str) -> str:
    """The name that `--node` gives.

    Raises:
        UsageError: no Node object can have it.
    """
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"--node is {text!r}; give the name of a Node object: letters, digits, '-' and '.', with a "
            "letter or digit at both ends"
        )
    return text


def tcp_address(flag: str, text: str) -> TcpAddress | None:
    """The address that a flag gives as ADDR:PORT or [ADDR]:PORT; None for an empty text.

    Raises:
        UsageError: it is none.
    """
    if not text:
        return None
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        found = TcpAddress(ip_address(bare), int(port))
    except ValueError:
        found = None
    if found is None or not 0 < found.port < PORTS or (bare == host) != (found.address.version == 4):  # noqa: PLR2004 - the IP version
        raise UsageError(f"{flag} is {text!r}; give an address and a port, as 127.0.0.1:9179 or [::1]:9179")
    return found


def conflist_settings(folder: str, chain: str) -> ConflistSettings | None:
    """What `--cni-conf-dir` and `--cni-chain` give; None without a folder.

    Raises:
        UsageError: the folder's path is relative, or the chain is none.
    """
    plugins = parse_chain(chain)
    if not folder:
        return None
    if not Path(folder).is_absolute():
        raise UsageError(f"--cni-conf-dir is {folder!r}; give an absolute path, as /etc/cni/net.d")
    return ConflistSettings(Path(folder), plugins)


def source(text: str) -> FilesFrom | KubernetesFrom:
    """The source that `--source` names.

    Raises:
        UsageError: there is no such source.
    """
    kind, colon, path = text.partition(":")
    if kind == "files" and path:
        return FilesFrom(Path(path))
    if kind == "kubernetes" and (path or not colon):
        return KubernetesFrom(Path(path) if path else None)
    raise UsageError(
        f"--source is {text!r}; give files:DIR (a folder of manifests), kubernetes (the API server of this "
        "pod) or kubernetes:KUBECONFIG"
    )


def bootstrap_place(text: str) -> Path | None:
    """The manifests that `--bootstrap` gives; None for an empty text.

    Raises:
        UsageError: it is no absolute path.
    """
    if text and not Path(text).is_absolute():
        raise UsageError(f"--bootstrap is {text!r}; give an absolute path of a manifest or a folder of them")
    return Path(text) if text else None


def directory(flag: str, text: str) -> Path:
    """The directory that a flag gives.

    Raises:
        UsageError: it is no absolute path.
    """
    path = Path(text)
    if not path.is_absolute():
        raise UsageError(f"{flag} is {text!r}; give an absolute path")
    return path
