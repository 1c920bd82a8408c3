"""Simulated devices: they measure, sign, publish and remember, as real ones would."""
