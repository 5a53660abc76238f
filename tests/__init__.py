"""Tests of bgpnet."""
