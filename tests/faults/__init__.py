"""The fault matrix, `make faults`: what is lost when a part of a fabric dies. See docs/faults.md."""
