"""Bidding strategies, one file each: `build(generator)` of a module here makes one home's `domain.interfaces.Strategy`.

Every strategy bids at most retail minus fee and asks at least feed-in, so that trading never costs a home more than
the grid. Where the fee leaves no room, a buyer stays out: the limit is None. `build_many(count, generator)` makes those
of many homes, a `domain.interfaces.Strategies`; a single home is a population of one, so both give the same.
"""
