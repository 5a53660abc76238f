"""What tests of the chart share: Helm, values that are right and wrong, and a look at what it renders."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import binaries
from tests.cluster.controlplane import ControlPlane

CHART = Path(__file__).parents[2] / "charts" / "bgpnet"
NAMESPACE = "bgpnet-system"

Json = dict[str, Any]

RACK: Json = {
    "bgpConfiguration": {"localASN": 64512},
    "bgpPeers": {
        "tor1": {"peerAddress": "10.0.1.1", "peerASN": 65001, "accept": [{"prefix": "0.0.0.0/0"}]},
        "tor2": {"peerAddress": "10.0.2.1", "peerASN": 4200000001, "bfd": {}},
    },
    "ipPools": {"pods": {"cidr": "10.244.0.0/16", "blockSize": 26}},
}

README: Json = yaml.safe_load(
    (CHART.parents[1] / "README.md").read_text().split("```yaml\n", 1)[1].split("```", 1)[0]
)

SETS: dict[str, Json] = {
    "readme": README,
    "nothing": {},
    "rack": RACK,
    "dual-stack": {
        "families": ["ipv4", "ipv6"],
        "bgpConfiguration": {"localASN": 64512, "communities": ["64512:100"], "routeReady": {"probe": False}},
        "bgpPeers": {
            "uplinks": {"fromInterface": ["eth*"], "peerASN": "external", "filters": {"import": ["all"]}}
        },
        "bgpFilters": {"all": {"import": [{"action": "accept"}]}},
        "ipPools": {"four": {"cidr": "10.1.0.0/16"}, "six": {"cidr": "2001:db8::/48", "blockSize": 64}},
    },
    "everything-else": {
        "image": {"repository": "registry.example.org:5000/net/bgpnet", "tag": "1", "pullSecrets": ["key"]},
        "speaker": {"image": {"tag": "0"}},
        "replaceOtherPlugins": True,
        "cni": {"binDir": "/usr/libexec/cni", "confDir": "/etc/kubernetes/cni", "chain": []},
        "nodeSelector": {"example.org/rack": "1"},
        "apiServer": {"host": "2001:db8::1", "port": 443},
        "metrics": {"enabled": True, "address": "::", "podMonitor": {"enabled": True, "labels": {"a": "b"}}},
        "seLinuxOptions": {"type": "spc_t"},
        "podAnnotations": {"example.org/a": "1"},
        "jobs": {"tolerations": [{"key": "example.org/pool", "operator": "Exists"}]},
        "agent": {"resources": {"limits": {"memory": "1Gi"}}},
    },
    "without-hooks": {"uninstall": {"enabled": False}, "crds": {"upgrade": False}},
}

WRONG: tuple[tuple[Json, str], ...] = (
    ({"imag": {}}, "additional properties 'imag' not allowed"),
    ({"image": {"tagg": "1"}}, "at '/image': additional properties 'tagg' not allowed"),
    ({"healthPort": "9178"}, "at '/healthPort': got string, want integer"),
    ({"families": ["ipx"]}, "at '/families/0': value must be one of 'ipv4', 'ipv6'"),
    ({"cni": {"binDir": "bin"}}, "at '/cni/binDir': 'bin' does not match pattern"),
    (
        {"bgpConfiguration": {"localASN": "64512"}},
        "at '/bgpConfiguration/localASN': got string, want integer",
    ),
    (
        {"bgpPeers": {"tor1": {"peerASN": 1, "password": "x"}}},
        "at '/bgpPeers/tor1': additional properties 'password'",
    ),
    (
        {"bgpPeers": {"tor1": {"peerAddress": "10.0.0.1"}}},
        "at '/bgpPeers/tor1': missing property 'peerASN'",
    ),
    ({"bgpPeers": {"Tor_1": {"peerASN": 1}}}, "bgpPeers: 'Tor_1' is no name of an object"),
    ({"image": None}, "missing property 'image'"),
    ({"healthPort": None}, "missing property 'healthPort'"),
    ({"cni": {"chain": None}}, "at '/cni': missing property 'chain'"),
    ({"image": {"repository": "r.example/bgpnet:1"}}, "into image.tag"),
    ({"image": {"repository": "https://r.example/bgpnet"}}, "without https://"),
    (
        {"cni": {"chain": ["portmap", "bgpnet"]}},
        "cni.chain is [portmap, bgpnet]: 'bgpnet' cannot be in it",
    ),
    ({"metrics": {"enabled": True}, "healthPort": 9179}, "metrics.port and healthPort are both 9179"),
    (
        {"apiServer": {"host": "https://10.0.0.1:6443"}},
        "at '/apiServer/host': 'https://10.0.0.1:6443' is not",
    ),
    ({"nodeSelector": {"a": "b c"}}, "at '/nodeSelector/a': 'b c' does not match"),
    ({"nodeSelector": {"a b": "c"}}, "at '/nodeSelector': additional properties 'a b' not allowed"),
    ({"priorityClassName": "x\n  hostPID: true"}, "at '/priorityClassName'"),
    ({"agent": {"resources": {"limits": {"mem": "1Gi"}}}}, "at '/agent/resources/limits': additional"),
    ({"agent": {"resources": {"limits": {"memory": "1.2.3Mi"}}}}, "at '/agent/resources/limits/memory'"),
    ({"ipPools": {"pods": {"cidr": "10.0.0.0/8", "blockSize": 400}}}, "at '/ipPools/pods/blockSize'"),
    ({"logLevel": "loud"}, "at '/logLevel': value must be one of"),
    ({"metrics": {"podMonitor": {"enabled": True}}}, "set metrics.enabled: true, too"),
    ({"metrics": {"address": "everywhere"}}, "at '/metrics/address'"),
    ({"agent": {"resources": {"limits": {"memory": "much"}}}}, "at '/agent/resources/limits/memory'"),
)
"""Values, and what Helm says of them."""


@dataclass(frozen=True)
class Helm:
    """The program, against one API server."""

    program: Path
    plane: ControlPlane

    def __call__(self, *args: str, values: Json | None = None) -> tuple[int, str]:
        """Exit code, and what it prints on both streams."""
        folder = self.plane.folder
        given = []
        if values is not None:
            file = folder / "values.json"
            file.write_text(json.dumps(values))
            given = [f"--values={file}"]
        homes = {f"HELM_{kind}_HOME": str(folder / "helm" / kind) for kind in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [self.program, f"--kubeconfig={self.plane.kubeconfig()}", *args, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | homes,
        )
        return done.returncode, done.stdout

    def rendered(self, values: Json) -> list[Json]:
        """The objects of `helm template`."""
        known = ("--kube-version", binaries.version())
        code, told = self("template", "bgpnet", str(CHART), "-n", NAMESPACE, *known, values=values)
        assert code == 0, told
        return [each for each in yaml.safe_load_all(told) if each]

    def install(self, name: str, *flags: str, values: Json = RACK) -> tuple[int, str]:
        """`helm install`."""
        where = ("-n", NAMESPACE, "--create-namespace")
        return self("install", name, str(CHART), *where, *flags, values=values)


def repeated(node: yaml.Node | None) -> Iterator[str]:
    """Keys that stand twice in a mapping."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from (key for key in keys if keys.count(key) > 1)
        for _, value in node.value:
            yield from repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from repeated(value)
