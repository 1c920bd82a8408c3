"""Device types, one file each. A file offers `create(profile, rng) -> iot_sim.device.Meter`."""
