"""The Kubernetes API. Imported only with `--source kubernetes`: aiohttp costs memory that others save."""

from bgpnet.drivers.kube.access import Access, in_cluster, kubeconfig
from bgpnet.drivers.kube.client import Client
from bgpnet.drivers.kube.source import KubeSource

__all__ = ["Access", "Client", "KubeSource", "in_cluster", "kubeconfig"]
