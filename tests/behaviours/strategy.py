"""What every bidding strategy does; a test class inherits this and has a fixture `make` that builds one from a seed."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.domain.interfaces import Strategy
from microgrid.domain.records import PriceBand

Make = Callable[[int], Strategy]
BAND = PriceBand(feed_in=80_000, retail=300_000, reference=190_000)


class StrategyBehaviour:
    @settings(max_examples=60, deadline=None)
    @given(
        nets=st.lists(st.integers(-9_000, 9_000), min_size=1, max_size=20),
        prices=st.tuples(*[st.integers(0, 1_000_000)] * 2).map(sorted),
        fee=st.integers(0, 200_000),
        seed=st.integers(0, 99),
    )
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
