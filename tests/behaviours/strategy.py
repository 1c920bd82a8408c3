"""What every bidding strategy does.

A test class inherits this and has the fixtures `make`, which builds one from a seed, and `make_many`, which builds
those of a number of homes.
"""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.domain.interfaces import OUT, Strategies, Strategy
from microgrid.domain.records import PriceBand

Make = Callable[[int], Strategy]
MakeMany = Callable[[int, int], Strategies]
NETS = st.lists(st.integers(-9_000, 9_000), min_size=1, max_size=20)
PRICES = st.tuples(*[st.integers(0, 1_000_000)] * 2).map(sorted)
FEES = st.integers(0, 200_000)
SEEDS = st.integers(0, 99)
BAND = PriceBand(feed_in=80_000, retail=300_000, reference=190_000)


class StrategyBehaviour:
    @settings(max_examples=60)
    @given(nets=NETS, prices=PRICES, fee=FEES, seed=SEEDS)
    def test_no_limit_can_make_a_home_pay_more_than_the_grid(
        self, make: Make, nets: list[int], prices: list[int], fee: int, seed: int
    ) -> None:
        feed_in, retail = prices
        band, strategy = PriceBand(feed_in, retail, feed_in), make(seed)
        for net in nets:
            limit = strategy.limit_price(net, band, fee)
            if net == 0 or (net > 0 and retail - fee < feed_in):
                assert limit is None
            else:
                assert limit is not None
                assert type(limit) is int
                assert feed_in <= limit <= (retail - fee if net > 0 else retail)

    def test_the_same_seed_gives_the_same_limits(self, make: Make) -> None:
        one, other = (make(3) for _ in range(2))
        nets = [500, -200, 0, 1_500, -900]
        assert [one.limit_price(net, BAND, 0) for net in nets] == [other.limit_price(net, BAND, 0) for net in nets]

    @settings(max_examples=60)
    @given(nets=NETS, prices=PRICES, fee=FEES, seed=SEEDS)
    def test_a_population_of_one_bids_as_the_single_home(
        self, make: Make, make_many: MakeMany, nets: list[int], prices: list[int], fee: int, seed: int
    ) -> None:
        feed_in, retail = prices
        one, many = make(seed), make_many(1, seed)
        for net in nets:
            limit = one.limit_price(net, PriceBand(feed_in, retail, feed_in), fee)
            limits = many.limit_prices(np.array([net]), feed_in, retail, fee)
            assert limits.tolist() == [OUT if limit is None else limit]

    @settings(max_examples=60)
    @given(nets=NETS, prices=PRICES, fee=FEES)
    def test_each_home_of_many_keeps_to_its_own_prices(
        self, make_many: MakeMany, nets: list[int], prices: list[int], fee: int
    ) -> None:
        """Prices given once or per home are the same; limits are whole numbers within the rational range."""
        feed_in, retail = prices
        net = np.array(nets)
        limits = make_many(len(nets), 1).limit_prices(net, feed_in, retail, fee)
        each = [np.full(len(nets), price) for price in (feed_in, retail, fee)]
        assert make_many(len(nets), 1).limit_prices(net, *each).tolist() == limits.tolist()
        assert limits.dtype == np.int64
        out = (net == 0) | ((net > 0) & (retail - fee < feed_in))
        assert (limits[out] == OUT).all()
        assert (limits[~out] >= feed_in).all()
        assert (limits[~out] <= np.where(net[~out] > 0, retail - fee, retail)).all()
