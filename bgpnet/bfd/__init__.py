"""Bidirectional forwarding detection (RFC 5880, 5881): one hop, asynchronous mode, no authentication."""
