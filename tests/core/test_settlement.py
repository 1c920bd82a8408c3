"""The money of one interval: by hand, in fractions, and for any community."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.domain.errors import InvariantError
from microgrid.domain.records import AuctionResult, HomeStatement, PriceBand, Settlement
from microgrid.domain.run import home_share
from microgrid.settlement.statement import MeteredEnergy, Position, Prices, _money, amount_without_market_micro, settle

BAND = PriceBand(feed_in=80_000, retail=300_000, reference=190_000)
PRICE, FEE = 190_000, 5_000


def auction(bought: dict[str, int], sold: dict[str, int], price: int = PRICE) -> AuctionResult:
    return AuctionResult(1, 64, price, sum(bought.values()), 64, 64, 0, 0, bought, sold)


def amounts(settlement: Settlement) -> dict[str, int]:
    return {statement.account: statement.amount_micro for statement in settlement.statements}


def test_a_balanced_trade_pays_the_price_and_the_fee() -> None:
    """1 kWh at 0.19 with a fee of 0.005: the buyer pays 0.195, the seller gets 0.19, the treasury 0.005."""
    energies = {"buyer": MeteredEnergy(1_000, 0), "seller": MeteredEnergy(0, 1_000)}
    result = settle(auction({"buyer": 1_000}, {"seller": 1_000}), energies, BAND, FEE)
    assert amounts(result) == {"buyer": -195_000, "seller": 190_000}
    assert (result.money.grid_micro, result.money.fees_micro, result.money.dust_micro) == (0, 5_000, 0)


def test_what_a_buyer_lacks_comes_at_retail_and_what_it_left_goes_at_feed_in() -> None:
    energies = {"short": MeteredEnergy(1_500, 0), "long": MeteredEnergy(400, 0), "seller": MeteredEnergy(0, 2_000)}
    result = settle(auction({"short": 1_000, "long": 1_000}, {"seller": 2_000}), energies, BAND, FEE)
    assert amounts(result) == {
        "short": -195_000 - 150_000,
        "long": -195_000 + 48_000,
        "seller": 380_000,
    }
    assert result.money.grid_micro == 150_000 - 48_000


def test_what_a_seller_fails_to_deliver_is_supplied_at_retail_and_its_surplus_earns_feed_in() -> None:
    energies = {"buyer": MeteredEnergy(2_000, 0), "short": MeteredEnergy(0, 700), "long": MeteredEnergy(0, 1_500)}
    result = settle(auction({"buyer": 2_000}, {"short": 1_000, "long": 1_000}), energies, BAND, 0)
    assert amounts(result) == {"buyer": -380_000, "short": 190_000 - 90_000, "long": 190_000 + 40_000}
    assert result.money.grid_micro == 90_000 - 40_000


def test_a_missing_reading_counts_as_nothing_used_and_nothing_delivered() -> None:
    result = settle(auction({"buyer": 1_000}, {"seller": 1_000}), {"buyer": None, "seller": None}, BAND, FEE)
    assert amounts(result) == {"buyer": -195_000 + BAND.feed_in, "seller": 190_000 - 300_000}
    assert result.money.grid_micro == 300_000 - BAND.feed_in
    assert {(s.metered, s.import_wh, s.export_wh) for s in result.statements} == {(False, 0, 0)}


def test_a_stranger_who_traded_is_an_error() -> None:
    with pytest.raises(InvariantError, match="member"):
        settle(auction({"x": 1}, {"x": 1}), {}, BAND, 0)


@pytest.mark.parametrize("amount_micro", [1, -4])
def test_money_that_rounding_cannot_explain_is_an_error(amount_micro: int) -> None:
    """Of one idle home: homes, grid and fees are each rounded down by less than a micro, so 0…3 may be left."""
    idle = Position(0, 0, 0, 0)
    wrong = HomeStatement(7, "a", 0, 0, 0, 0, metered=True, amount_micro=amount_micro)
    with pytest.raises(InvariantError, match=r"homes \+ grid \+ fees \+ dust = 0.*interval 7"):
        _money(7, [wrong], [idle], Prices(0, 0, 0, 0))


def test_an_empty_community_settles_to_nothing() -> None:
    result = settle(auction({}, {}), {}, BAND, FEE)
    assert result.statements == ()
    assert (result.money.homes_micro, result.money.dust_micro) == (0, 0)


def test_one_wh_is_rounded_against_the_home() -> None:
    """1 Wh at 0.3333335 costs 333.3335 micro: the home pays 334, the grid gets 333, 1 is dust."""
    result = settle(auction({}, {}), {"a": MeteredEnergy(1, 0)}, PriceBand(0, 333_334, 0), 0)
    assert (result.money.homes_micro, result.money.grid_micro, result.money.dust_micro) == (-334, 333, 1)


Homes = list[tuple[int, int, tuple[int, int] | None]]
"""Wh bought, Wh sold, and Wh imported and exported; None where no reading came."""
HOME = st.tuples(st.integers(0, 5_000), st.integers(0, 5_000), st.none() | st.tuples(*[st.integers(0, 6_000)] * 2))


PRICES = st.tuples(*[st.integers(0, 1_000_000)] * 3).map(sorted)
FEES = st.integers(0, 50_000)


def balanced(homes: Homes) -> tuple[Homes, dict[str, int], dict[str, int], dict[str, MeteredEnergy | None]]:
    """Purchases are matched to sales by handing the difference to one more home; then what each promised and did."""
    surplus = sum(b for b, _, _ in homes) - sum(s for _, s, _ in homes)
    homes = [*homes, (max(0, -surplus), max(0, surplus), (0, 0))]
    bought = {str(i): b for i, (b, _, _) in enumerate(homes)}
    sold = {str(i): s for i, (_, s, _) in enumerate(homes)}
    return homes, bought, sold, {str(i): MeteredEnergy(*m) if m else None for i, (_, _, m) in enumerate(homes)}


@settings(max_examples=200)
@given(
    homes=st.lists(HOME, min_size=1, max_size=8),
    prices=PRICES,
    fee=FEES,
)
def test_homes_grid_fees_and_dust_sum_to_zero_and_each_amount_is_the_stated_equation(
    homes: Homes, prices: list[int], fee: int
) -> None:
    f, p, r = prices
    homes, bought, sold, metered = balanced(homes)
    result = settle(auction(bought, sold, p), metered, PriceBand(f, r, p), fee)
    money = result.money
    assert money.homes_micro + money.grid_micro + money.fees_micro + money.dust_micro == 0
    assert 0 <= money.dust_micro <= len(homes) + 2
    for statement, (b, s, reading) in zip(result.statements, homes, strict=True):
        m, e = reading or (0, 0)
        nano = -(p + fee) * b + f * max(0, b - m) - r * max(0, m - b)
        nano += p * s - r * max(0, s - e) + f * max(0, e - s)
        assert statement.amount_micro == floor(Fraction(nano, 1_000))


@settings(max_examples=200)
@given(
    net=st.integers(-6_000, 6_000),
    both=st.integers(0, 500),
    share=st.floats(0, 1),
    prices=PRICES,
)
def test_with_an_exact_forecast_and_a_price_in_the_band_nobody_pays_more_than_without_the_market(
    net: int, both: int, share: float, prices: list[int]
) -> None:
    """A fill never exceeds the net energy, and a buyer's price leaves room for the fee."""
    f, p, r = prices
    metered = MeteredEnergy(max(0, net) + both, max(0, -net) + both)
    fill = int(abs(net) * share)
    bought, sold = ({"a": fill}, {"b": fill}) if net > 0 else ({"b": fill}, {"a": fill})
    other = MeteredEnergy(fill, 0) if net <= 0 else MeteredEnergy(0, fill)
    band = PriceBand(f, r, p)
    result = settle(auction(bought, sold, p), {"a": metered, "b": other}, band, r - p)
    assert amounts(result)["a"] >= amount_without_market_micro(metered, band)


def test_the_bill_without_a_market_is_import_at_retail_minus_export_at_feed_in() -> None:
    assert amount_without_market_micro(MeteredEnergy(2_000, 500), BAND) == -600_000 + 40_000


def test_a_seller_that_fails_to_deliver_is_told_what_that_cost() -> None:
    """Sold 1 kWh and delivered none: loses 0.30 - 0.19; the buyer beside it gains that, less the fee."""
    energies = {"seller": MeteredEnergy(0, 0), "buyer": MeteredEnergy(1_000, 0)}
    result = settle(auction({"buyer": 1_000}, {"seller": 1_000}), energies, BAND, FEE)
    seller, buyer = (home_share(statement, PRICE, BAND, FEE) for statement in result.statements)
    assert (seller.trading_gain_nano, seller.imbalance_nano, seller.imbalance_wh) == (0, 110_000_000, 1_000)
    assert (buyer.trading_gain_nano, buyer.imbalance_nano, buyer.fee_nano) == (105_000_000, 0, 5_000_000)


@settings(max_examples=200)
@given(
    homes=st.lists(HOME, min_size=1, max_size=5),
    prices=PRICES,
    fee=FEES,
)
def test_gain_and_imbalance_add_up_to_the_difference_of_the_bills(homes: Homes, prices: list[int], fee: int) -> None:
    f, p, r = prices
    homes, bought, sold, metered = balanced(homes)
    band = PriceBand(f, r, p)
    settlement = settle(auction(bought, sold, p), metered, band, fee)
    for statement in settlement.statements:
        share = home_share(statement, p, band, fee)
        without = amount_without_market_micro(MeteredEnergy(statement.import_wh, statement.export_wh), band)
        assert statement.amount_micro == share.amount_nano // 1_000
        explained = share.trading_gain_nano - share.imbalance_nano
        assert abs(explained - 1_000 * (statement.amount_micro - without)) < 1_000
