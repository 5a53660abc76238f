"""The running node: gathers facts, plans, applies the difference, observes, and tells what it did."""
