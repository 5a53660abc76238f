"""A cluster that a command reads once, as whoever gives the command. The agent's own way is drivers/kube."""
