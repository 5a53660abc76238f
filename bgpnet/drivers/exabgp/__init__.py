"""The door to ExaBGP: its supervisor's socket, the relay's socket, its commands and its events."""
