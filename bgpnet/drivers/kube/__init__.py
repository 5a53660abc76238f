"""The Kubernetes API. Imported only with `--source kubernetes`: aiohttp costs memory that others save."""

from bgpnet.drivers.kube.access import Access, in_cluster, kubeconfig
from bgpnet.drivers.kube.node import KubeNode
from bgpnet.drivers.kube.saved import Places

__all__ = ["Access", "KubeNode", "Places", "in_cluster", "kubeconfig"]
