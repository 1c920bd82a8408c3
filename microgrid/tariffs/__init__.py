"""Grid prices over time, one file each: `build(**parameters)` of a module here makes a `domain.interfaces.Tariff`."""
