"""The image of test pods and of their sandboxes: the tiny first process, and busybox with a page."""

import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.gobuild import cache

Json = dict[str, Any]

NAME: Final = "bgpnet.test/pod:1"

PORT: Final = 8080

SERVE: Final = ("httpd", "-f", "-p", f"0.0.0.0:{PORT}", "-h", "/www")

WHO: Final = """#!/bin/sh
echo
echo "$(hostname) sees $REMOTE_ADDR"
"""
"""A CGI script: `http://POD:8080/cgi-bin/who`."""

_FLAGS: Final = ("-std=c17", "-D_GNU_SOURCE", "-Os", "-static", "-s", "-fno-sanitize=all", "-Wall", "-Werror")

_APPLETS: Final = ("sh", "httpd", "hostname", "nc", "sleep", "cat", "wget", "ip", "ping")

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def first() -> Path:
    """The static PID 1, compiled once into the user's cache: a cold compiler builds its C library before."""
    source = Path(__file__).with_name("first.c")
    target = f"{platform.machine()}-linux-musl"
    mark = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    made = cache() / "first" / f"{target}-{mark}" / "first"
    if made.exists():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    new = made.with_name(f"first.{os.getpid()}")
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", target]
    subprocess.run([*compiler, *_FLAGS, "-o", new, source], check=True, timeout=900)
    return new.replace(made)


def write(path: Path, first: Path) -> None:
    """The image as `docker save` writes it."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "there is no busybox: install the Debian package busybox-static"
    layer = _tar(
        {
            "first": (first.read_bytes(), 0o755),
            "bin/busybox": (Path(busybox).read_bytes(), 0o755),
            "www/cgi-bin/who": (WHO.encode(), 0o755),
        },
        {f"bin/{applet}": "busybox" for applet in _APPLETS},
    )
    config = {
        "architecture": _ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": ["/first"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    path.write_bytes(
        _tar(
            {
                "layer.tar": (layer, 0o644),
                "config.json": (json.dumps(config).encode(), 0o644),
                "manifest.json": (json.dumps(manifest).encode(), 0o644),
            },
            {},
        )
    )


def deployment(
    name: str,
    replicas: int,
    command: tuple[str, ...] = SERVE,
    ports: Sequence[Json] = (),
    **spec: Any,  # noqa: ANN401 - fields of a pod
) -> Json:
    """A Deployment of pods that serve the page; `spec` are further fields of the pods' spec."""
    labels = {"app": name}
    container = {
        "name": "page",
        "image": NAME,
        "command": list(command),
        "ports": list(ports),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, **spec},
            },
        },
    }


def _tar(files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return made.getvalue()
