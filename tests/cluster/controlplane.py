"""A real control plane on loopback: etcd, kube-apiserver and, where asked, kube-controller-manager."""

import http.client
import json
import random
import socket
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.cluster.binaries import Binaries

PATIENCE: Final = 90.0
"""Seconds until a program that does not answer is given up."""

ADMIN: Final = "admin-token"

AUDIT_POLICY: Final = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
"""

IN_MEMORY: Final = 'mkdir "$0"; mount -t tmpfs etcd "$0"; exec "$@"'
"""A folder of a program that is gone with it: what it measures is not the disk, which others write to."""

EGRESS: Final = """
apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
  - name: cluster
    connection: {{proxyProtocol: HTTPConnect, transport: {{uds: {{udsName: {path}}}}}}}
"""


@dataclass(frozen=True)
class Clients:
    """Who uses a control plane from elsewhere: at which address, and who they are by their bearer tokens."""

    address: str = "127.0.0.1"
    """Where they reach the API server, at its own port; the way there is made by somebody else."""
    users: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """User and group by token."""
    kubelets: Path | None = None
    """A unix socket where a proxy connects to kubelets, for logs and exec."""


class ControlPlane:
    """Its programs, and how to speak with them. Times out rather than waits for ever."""

    def __init__(self, binaries: Binaries, folder: Path, clients: Clients | None = None) -> None:
        self._binaries = binaries
        self._clients = clients or Clients()
        self.folder = folder
        self._etcd_port, self._etcd_peer_port, self.port = free_ports(3)
        self._starter = ThreadPoolExecutor(1)
        self._programs: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        """The certificate that the API server made itself."""
        return self.folder / "certs" / "apiserver.crt"

    @property
    def kubelet_client(self) -> Path:
        """The API server's certificate for kubelets, which is its own authority; its key is beside it."""
        return self.folder / "kubelet-client.crt"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    def start(self) -> None:
        """Etcd and the API server, until it answers /readyz."""
        key = self.folder / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        users = {ADMIN: ("admin", "system:masters"), **self._clients.users}
        lines = [f"{token},{user},{user},{group}\n" for token, (user, group) in users.items()]
        (self.folder / "tokens.csv").write_text("".join(lines))
        (self.folder / "audit.yaml").write_text(AUDIT_POLICY)
        if self._clients.kubelets:
            (self.folder / "egress.yaml").write_text(EGRESS.format(path=self._clients.kubelets))
            made = ["-keyout", str(self.kubelet_client.with_suffix(".key")), "-out", str(self.kubelet_client)]
            subject = ["-subj", "/O=system:masters/CN=kube-apiserver"]
            argv = [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "30",
                *subject,
                *made,
            ]
            subprocess.run(argv, check=True, capture_output=True)
        own, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._etcd_peer_port}"
        self._run(
            "etcd",
            *("unshare", "--mount", "sh", "-ec", IN_MEMORY, f"{self.folder}/etcd"),
            self._binaries.etcd,
            f"--data-dir={self.folder}/etcd",
            f"--listen-client-urls={own}",
            f"--advertise-client-urls={own}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )
        self.start_apiserver()

    def start_apiserver(self) -> None:
        """The API server, until it answers /readyz."""
        key = self.folder / "service-accounts.key"
        address = self._clients.address
        elsewhere = [] if address == "127.0.0.1" else [f"--advertise-address={address}"]
        if self._clients.kubelets:
            elsewhere += [
                f"--egress-selector-config-file={self.folder}/egress.yaml",
                "--kubelet-preferred-address-types=InternalIP",
                f"--kubelet-client-certificate={self.kubelet_client}",
                f"--kubelet-client-key={self.kubelet_client.with_suffix('.key')}",
            ]
        self._run(
            "kube-apiserver",
            self._binaries.path("kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder}/certs",
            f"--token-auth-file={self.folder}/tokens.csv",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--audit-policy-file={self.folder}/audit.yaml",
            f"--audit-log-path={self.audit_log}",
            "--allow-privileged",
            *elsewhere,
        )
        until(self._ready, "the API server is ready", self.log)

    def stop_apiserver(self) -> None:
        """As a crash would."""
        self._end("kube-apiserver")

    def compact(self) -> None:
        """Have etcd forget all but the present (its JSON gateway, /v3/kv)."""
        revision = self.etcd("range", {"key": "AA=="})["header"]["revision"]
        self.etcd("compaction", {"revision": revision, "physical": True})

    def etcd(self, call: str, body: object) -> Any:  # noqa: ANN401 - decoded JSON
        """A call of etcd's (/v3/kv/CALL): what is written so is there at once, however much it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self._etcd_port, timeout=10)
        try:
            connection.request("POST", f"/v3/kv/{call}", json.dumps(body))
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == http.HTTPStatus.OK, content
            return json.loads(content)
        finally:
            connection.close()

    def start_controllers(self, *controllers: str) -> None:
        """kube-controller-manager with these controllers."""
        self._run(
            "kube-controller-manager",
            self._binaries.path("kube-controller-manager"),
            f"--kubeconfig={self.kubeconfig()}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            "--allocate-node-cidrs",
            "--cluster-cidr=10.244.0.0/16",
            f"--service-account-private-key-file={self.folder}/service-accounts.key",
            f"--root-ca-file={self.ca}",
            # Left out, it would be made on this machine, below /usr/libexec.
            f"--flex-volume-plugin-dir={self.folder}/volumes",
            f"--controllers={','.join(controllers)}",
        )

    def start_scheduler(self, folder: Path) -> None:
        """kube-scheduler of this folder."""
        self._run(
            "kube-scheduler",
            str(folder / "kube-scheduler"),
            f"--kubeconfig={self.kubeconfig()}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
        )

    def stop_controllers(self) -> None:
        """As a crash would."""
        self._end("kube-controller-manager")

    def stop(self) -> None:
        """End every program, the youngest first."""
        for name in reversed(list(self._programs)):
            self._end(name)
        self._starter.shutdown()

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl prints on both streams."""
        argv = [self._binaries.path("kubectl"), f"--kubeconfig={self.kubeconfig()}", "--request-timeout=20s"]
        done = subprocess.run(
            [*argv, *args],
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            env={"HOME": str(self.folder)},
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def request(
        self, method: str, path: str, body: object = None, token: str = ADMIN, kind: str = "application/json"
    ) -> tuple[int, Any]:
        """One request: status and decoded answer."""
        connection = self.connection()
        try:
            connection.request(
                method,
                path,
                None if body is None else json.dumps(body),
                {"Authorization": f"Bearer {token}", "Content-Type": kind},
            )
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def connection(self) -> http.client.HTTPSConnection:
        """A connection to the API server."""
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)

    def kubeconfig(self, token: str = ADMIN, port: int | None = None, host: str = "127.0.0.1") -> Path:
        """A kubeconfig for a bearer of this token."""
        path = self.folder / f"{token[-16:]}-{host}-{port or self.port}.kubeconfig"
        path.write_text(self._kubeconfig(token, f"{host}:{port or self.port}"))
        return path

    def kubeconfig_elsewhere(self, token: str) -> str:
        """The text of a kubeconfig for a client of `Clients`."""
        return self._kubeconfig(token, f"{self._clients.address}:{self.port}")

    def _kubeconfig(self, token: str, server: str) -> str:
        authority = b64encode(self.ca.read_bytes()).decode()
        cluster = {"server": f"https://{server}", "certificate-authority-data": authority}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": token}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )

    def pids(self) -> list[int]:
        """Its processes."""
        return [process.pid for process in self._programs.values()]

    def log(self) -> str:
        """The last of what each program said."""
        return "\n".join(
            f"--- {name}\n{(self.folder / f'{name}.log').read_text(errors='replace')[-2000:]}"
            for name in self._programs
        )

    def _run(self, name: str, *argv: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:

            def start() -> subprocess.Popen[bytes]:
                # Should the test run be killed, the kernel ends what it started: with the thread that did.
                whole = ["setpriv", "--pdeathsig", "KILL", *argv]
                return subprocess.Popen(whole, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

            self._programs[name] = self._starter.submit(start).result()

    def _end(self, name: str) -> None:
        process = self._programs.pop(name)
        process.kill()
        process.wait()

    def _ready(self) -> bool:
        dead = [name for name, process in self._programs.items() if process.poll() is not None]
        assert not dead, f"{dead} ended:\n{self.log()}"
        try:
            connection = self.connection()
        except (OSError, ssl.SSLError):
            return False
        try:
            connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {ADMIN}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def until(
    check: Callable[[], Any], what: str, log: Callable[[], str] = str, patience: float = PATIENCE
) -> Any:  # noqa: ANN401 - what the check gives
    """What `check` gives as soon as it gives anything."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {patience:g} s: {what}\n{log()}")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on.

    Below those that the kernel gives to clients: one of these could be a connection's by the time it is used.
    """
    below = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            port = random.randrange(10000, below)
            with suppress(OSError):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found


@contextmanager
def control_plane(binaries: Binaries, folder: Path, clients: Clients | None = None) -> Iterator[ControlPlane]:
    """A running one, ended with all that it started."""
    made = ControlPlane(binaries, folder, clients)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def manifest(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """An object of our group."""
    return {
        "apiVersion": "bgpnet.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }
