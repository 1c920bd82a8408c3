"""Ways to run many points of a sweep: one file each, found by its name."""
