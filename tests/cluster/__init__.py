"""Tests against real Kubernetes programs; `make test-cluster` runs them."""
