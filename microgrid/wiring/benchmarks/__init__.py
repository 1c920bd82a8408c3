"""Benchmarks: one file each, found by its name; each figure has its yardstick measured in the same run."""
