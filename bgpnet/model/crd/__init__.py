"""The objects users write, as pydantic models: Kubernetes' spelling outside, facts inside.

A new kind is a new file and one line in `registry.KINDS`.
"""
