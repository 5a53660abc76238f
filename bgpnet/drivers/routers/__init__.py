"""Routers' own programs, asked what they think of a configuration. None of them touches the network."""
