"""Random streams by name: another consumer of chance does not shift anybody's numbers."""

import zlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of one part of a run; the same seed and name give the same numbers."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
