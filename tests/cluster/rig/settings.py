"""What the programs of a node are told."""

import json
from pathlib import PurePosixPath
from typing import Any, Final

from bgpnet.render.conflist import conflist_text
from tests.cluster.rig import podimage

Json = dict[str, Any]

TAINT: Final = {"key": "bgpnet.io/not-ready", "effect": "NoSchedule"}

CLIENTS: Final = "/etc/kubernetes/clients.crt"
"""The authority of who may ask a kubelet: the API server."""

POD_CIDR: Final = "10.244.0.0/16"

CONTAINERD: Final = f"""
version = 3
disabled_plugins = ["io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{podimage.NAME}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"
use_internal_loopback = true
"""
"""`restrict_oom_score_adj`: a machine without CAP_SYS_RESOURCE starts no sandbox otherwise."""


def kubelet(taints: list[Json]) -> str:
    """KubeletConfiguration: for a small machine with cgroup v1 that is busy with other things, too."""
    return json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": CLIENTS},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "failCgroupV1": False,
            "failSwapOn": False,
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "resolvConf": "",
            "maxPods": 250,
            "serializeImagePulls": False,
            "kubeAPIQPS": 300,
            "kubeAPIBurst": 600,
            "registerWithTaints": taints,
            "evictionHard": {"memory.available": "10Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
        }
    )


def kube_proxy(node: str, mode: str, kubeconfig: str) -> str:
    """KubeProxyConfiguration of a mode. It leaves nf_conntrack_max, which is the machine's, alone."""
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": mode,
            "clusterCIDR": POD_CIDR,
            "hostnameOverride": node,
            "clientConnection": {"kubeconfig": kubeconfig},
            "conntrack": {"maxPerCore": 0, "min": 0},
        }
    )


def ptp(*subnets: str) -> str:
    """The reference's conflist of one node: a veth pair a pod, an address of each subnet.

    Behind it is what our list has behind our plug-in, told the same: pods get a hostPort from either.
    """
    plugin = {
        "type": "ptp",
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": subnet}] for subnet in subnets],
            "routes": [{"dst": "::/0" if ":" in subnet else "0.0.0.0/0"} for subnet in subnets],
        },
    }
    behind = json.loads(conflist_text(("portmap",), PurePosixPath("/none")))["plugins"][1:]
    return json.dumps({"cniVersion": "1.0.0", "name": "ptp", "plugins": [plugin, *behind]})
