"""Forecasters, one file each: `build(interval_seconds)` of a module here makes a `domain.interfaces.Forecaster`."""
