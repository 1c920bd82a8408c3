"""Settings become adapters become a running pipeline: the only place that chooses."""
