"""Forecasters and strategies: the common behaviour of each, and what tells them apart."""

import numpy as np
import pytest
from behaviours.forecaster import ForecasterBehaviour
from behaviours.strategy import BAND, Make, MakeMany, StrategyBehaviour

from microgrid.domain import plugins
from microgrid.domain.interfaces import OUT, Forecaster, Strategies, Strategy
from microgrid.planning.forecasters import exact, persistence, seasonal_naive
from microgrid.planning.strategies import adaptive, truthful, zero_intelligence


class TestEveryForecaster(ForecasterBehaviour):
    @pytest.fixture(params=plugins.names("forecaster"))
    def forecaster(self, request: pytest.FixtureRequest) -> Forecaster:
        built: Forecaster = plugins.load("forecaster", request.param).build(3_600)
        return built


@pytest.fixture(scope="module", params=plugins.names("strategy"))
def strategy_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def make(strategy_name: str) -> Make:
    def build(seed: int) -> Strategy:
        built: Strategy = plugins.load("strategy", strategy_name).build(np.random.default_rng(seed))
        return built

    return build


@pytest.fixture(scope="module")
def make_many(strategy_name: str) -> MakeMany:
    def build(count: int, seed: int) -> Strategies:
        built: Strategies = plugins.load("strategy", strategy_name).build_many(count, np.random.default_rng(seed))
        return built

    return build


class TestEveryStrategy(StrategyBehaviour):
    """The suite of the interface, once a file in the folder."""


def test_only_the_exact_forecaster_knows_the_future() -> None:
    history = np.arange(48)
    assert exact.build(3_600).forecast(history, 1_234) == 1_234
    assert persistence.build(3_600).forecast(history, 1_234) == 47
    assert seasonal_naive.build(3_600).forecast(history, 1_234) == 24


def test_the_seasonal_forecaster_counts_the_intervals_of_a_day() -> None:
    assert seasonal_naive.build(900).forecast(np.arange(200), 0) == 200 - 96
    assert seasonal_naive.build(900).forecast(np.arange(50), 0) == 49


def test_a_truthful_home_bids_retail_minus_fee_and_asks_feed_in() -> None:
    home = truthful.build(np.random.default_rng(0))
    assert home.limit_price(500, BAND, 5_000) == 295_000
    assert home.limit_price(-500, BAND, 5_000) == 80_000


def test_zero_intelligence_uses_the_whole_range() -> None:
    home = zero_intelligence.build(np.random.default_rng(0))
    limits = [home.limit_price(500, BAND, 20_000) or 0 for _ in range(2_000)]
    assert min(limits) < 81_000
    assert max(limits) > 279_000
    assert abs(np.mean(limits) - 180_000) < 5_000


def test_adaptive_homes_always_cross_and_bid_nearer_to_the_grid_price_the_more_they_have_to_place() -> None:
    for seed in range(20):
        home = adaptive.build(np.random.default_rng(seed))
        home.limit_price(500, BAND, 0)
        little, much = home.limit_price(500, BAND, 0), home.limit_price(5_000, BAND, 0)
        assert little is not None
        assert much is not None
        assert 190_000 <= little <= much <= 300_000
        ask = home.limit_price(-500, BAND, 0)
        assert ask is not None
        assert 80_000 <= ask <= 190_000


@pytest.mark.parametrize("fee", [0, 60_000, 200_000])
def test_every_adaptive_buyer_meets_every_adaptive_seller_whatever_the_fee(fee: int) -> None:
    """Homes with next to nothing to place keep back the most; a fee narrows what a buyer can pay."""
    net_wh = np.array([100_000] * 40 + [-100_000] * 40)
    homes = adaptive.build_many(len(net_wh), np.random.default_rng(0))
    homes.limit_prices(net_wh, BAND.feed_in, BAND.retail, fee)
    limits = homes.limit_prices(np.sign(net_wh), BAND.feed_in, BAND.retail, fee)
    assert limits[net_wh > 0].min() >= limits[net_wh < 0].max() >= BAND.feed_in
    assert limits[net_wh > 0].max() <= BAND.retail - fee


@pytest.mark.parametrize("name", plugins.names("strategy"))
def test_where_the_grid_asks_what_it_pays_there_is_one_price_and_no_room_for_a_fee(name: str) -> None:
    homes = plugins.load("strategy", name).build_many(3, np.random.default_rng(0))
    net_wh = np.array([0, 5, -5])
    assert homes.limit_prices(net_wh, 100, 100, 0).tolist() == [OUT, 100, 100]
    assert homes.limit_prices(net_wh, 100, 100, 1).tolist() == [OUT, OUT, 100]


def test_adaptive_homes_differ() -> None:
    limits = {adaptive.build(np.random.default_rng(seed)).limit_price(500, BAND, 0) for seed in range(20)}
    assert len(limits) == 20


@pytest.mark.parametrize("name", plugins.names("strategy"))
def test_many_homes_bid_as_as_many_single_ones(name: str) -> None:
    """Single homes made and asked one after the other from one generator, interval after interval."""
    module, homes = plugins.load("strategy", name), 30
    net_wh = np.random.default_rng(8).integers(-3_000, 3_000, (6, homes))
    one_by_one, at_once = np.random.default_rng(9), np.random.default_rng(9)
    singles = [module.build(one_by_one) for _ in range(homes)]
    many = module.build_many(homes, at_once)
    for row in net_wh:
        expected = [single.limit_price(net, BAND, 5_000) for single, net in zip(singles, row.tolist(), strict=True)]
        assert many.limit_prices(row, BAND.feed_in, BAND.retail, 5_000).tolist() == expected
