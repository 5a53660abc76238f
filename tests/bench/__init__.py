"""Benchmarks: ours and the reference programs in one run, interleaved, as ratios."""
