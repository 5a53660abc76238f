"""bgpnet: Kubernetes pod networking in routing mode, with BGP from every node to its Top-of-Rack routers."""

__version__ = "0.1.0"
