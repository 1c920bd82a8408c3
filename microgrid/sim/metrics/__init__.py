"""Measures of a simulated community: equity, the indexes of Zhou et al., energy, delivery penalties.

Pure functions on arrays, in floats, for reports; what is billed is exact and elsewhere. Shapes are (N,) for homes and
(T, N) for intervals and homes, energies kWh, money in currency units.
"""
