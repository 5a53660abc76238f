"""Tests of the pure core: no root, no clock, no network."""
