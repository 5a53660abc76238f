"""Real Kubernetes nodes in namespaces of one machine, and the fabric of routers around them."""
