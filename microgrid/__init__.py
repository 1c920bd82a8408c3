"""Peer-to-peer energy communities: simulated, emulated and live on the same market code."""

from importlib.metadata import version

__version__ = version("microgrid")
