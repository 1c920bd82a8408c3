"""Optimisers, one file each: `solve(problem, **parameters)` of a module here makes a `planning.schedule.Plan`."""
