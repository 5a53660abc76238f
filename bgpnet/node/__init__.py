"""`bgpnet node`: agent, CNI server and speaker under one supervisor, for a node without Kubernetes."""
