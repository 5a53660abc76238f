"""Typed facts. Imports nothing above it."""
