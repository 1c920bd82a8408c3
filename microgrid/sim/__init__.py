"""The community simulator: a scenario and a seed in, results out; arrays, no I/O."""
