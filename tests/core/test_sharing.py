"""Prices and bills of sharing rules against published formulas and printed results."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.domain.errors import BookError
from microgrid.market import Book, clear
from microgrid.market.sharing import (
    bill_sharing_bills,
    bill_sharing_prices,
    mid_market_bills,
    mid_market_prices,
    supply_demand_bills,
    supply_demand_prices,
)
from microgrid.settlement.community import bills_without_market, community_bill, self_use
from microgrid.sim.metrics.energy import saving_percent

Reference = Callable[[str], dict[str, Any]]

BILLS = {
    "bill_sharing_bills": bill_sharing_bills,
    "mmr_bills": mid_market_bills,
    "sdr_bills": supply_demand_bills,
}


def cases(document: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    found = [case for case in document["cases"] if case["id"].startswith(prefix)]
    assert found
    return found


def test_prices_of_the_supply_demand_ratio(reference: Reference) -> None:
    document = reference("pricing_sdr")
    for case in cases(document, "sdr"):
        given_, expected = case["inputs"], case["expected"]
        prices = supply_demand_prices(
            given_["total_buying_kwh"], given_["total_selling_kwh"], given_["grid_retail"], given_["grid_feed_in"]
        )
        wanted = (expected["internal_buy_price"], expected["internal_sell_price"])
        assert prices == pytest.approx(wanted, abs=document["tolerance"]), case["id"]


def test_prices_of_the_mid_market_rate(reference: Reference) -> None:
    document = reference("pricing_mmr_bill_sharing")
    for case in cases(document, "mmr"):
        given_, expected = case["inputs"], case["expected"]
        prices = mid_market_prices(
            given_["total_import_kwh"], given_["total_export_kwh"], given_["grid_retail"], given_["grid_feed_in"]
        )
        assert prices == pytest.approx((expected["buy_price"], expected["sell_price"]), abs=document["tolerance"])


def test_prices_of_both_rules_as_worked_by_hand(reference: Reference) -> None:
    peers = {case["id"]: case for case in reference("peer_books")["cases"]}
    for rule, case, totals in (
        (mid_market_prices, "mid_market_rate", {"S10_D20": (20, 10), "S20_D10": (10, 20), "S_equals_D": (7, 7)}),
        (supply_demand_prices, "supply_demand_ratio", {"S10_D20": (20, 10), "ratio_at_least_1": (10, 20)}),
    ):
        grid = peers[case]["inputs"]
        assert set(totals) == set(peers[case]["expected"])
        for name, (imports, exports) in totals.items():
            expected = peers[case]["expected"][name]
            prices = rule(imports, exports, grid["retail"], grid["feed_in"])
            assert (prices.sell, prices.buy) == pytest.approx((expected["sell"], expected["buy"]), abs=1e-6), name


def test_bills_of_communities(reference: Reference) -> None:
    document = reference("pricing_mmr_bill_sharing")
    for case in cases(document, "community"):
        given_, expected = case["inputs"], case["expected"]
        net = np.array(given_["load_kwh"]).T - np.array(given_["pv_kwh"]).T
        energy, grid = (np.maximum(net, 0), np.maximum(-net, 0)), (given_["grid_retail"], given_["grid_feed_in"])
        assert bills_without_market(*energy, *grid).tolist() == pytest.approx(expected["p2g_bills"], abs=1e-8)
        assert bills_without_market(*energy, *grid).sum() == pytest.approx(expected["community_bill_p2g"], abs=1e-8)
        for name, rule in BILLS.items():
            bills = rule(*energy, *grid)
            assert bills.tolist() == pytest.approx(expected[name], abs=document["tolerance"]), (case["id"], name)
            assert bills.sum() == pytest.approx(expected["community_bill_after_sharing"], abs=1e-8)


def test_supply_pays_more_the_scarcer_it_is() -> None:
    """S = 10, D = 20 with retail 0.30 and feed-in 0.08 is 0.126316 inside, worked by hand; 10 come from the grid."""
    imports, exports = np.array([[20.0, 0.0]]), np.array([[0.0, 10.0]])
    bills = supply_demand_bills(imports, exports, 0.30, 0.08)
    assert bills.tolist() == pytest.approx([10 * 0.126316 + 10 * 0.30, -10 * 0.126316], abs=1e-5)


def test_the_printed_table_of_ten_households(reference: Reference) -> None:
    """Long et al. 2017, Table I: totals over the day, printed to a hundredth."""
    case = cases(reference("pricing_mmr_bill_sharing"), "long2017_table1")[0]
    given_, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    imports, exports = np.array(given_["import_kwh"]), np.array(given_["export_kwh"])
    shared = imports.sum() - given_["community_bought_from_grid_kwh"]
    by_time = np.array([shared, given_["community_bought_from_grid_kwh"], 0.0])
    fed = np.array([shared, 0.0, given_["community_sold_to_grid_kwh"]])
    prices = bill_sharing_prices(by_time, fed, given_["grid_retail"], given_["grid_feed_in"])
    assert prices == pytest.approx((expected["bs_import_price"], expected["bs_export_price"]), abs=0.001)
    assert prices.buy is not None
    assert prices.sell is not None
    bills = imports * prices.buy - exports * prices.sell
    assert bills.tolist() == pytest.approx(expected["bill_sharing_bills"], abs=tolerance)
    assert bills.sum() == pytest.approx(expected["total_p2p_any_mechanism"], abs=tolerance)
    mean_sell = np.array([price or 0.0 for price in given_["mmr_mean_sell_price"]])
    mid_market = imports * np.array(given_["mmr_mean_buy_price"]) - exports * mean_sell
    assert mid_market.tolist() == pytest.approx(expected["mmr_bills"], abs=tolerance)
    alone = given_["grid_retail"] * imports - given_["grid_feed_in"] * exports
    assert alone.tolist() == pytest.approx(expected["p2g_bills"], abs=tolerance)
    assert alone.sum() == pytest.approx(expected["total_p2g"], abs=tolerance)
    for total in (bills.sum(), mid_market.sum()):
        saved = float(saving_percent(total, alone.sum()))
        # Prices and totals are printed to three and two decimals, so the percentage is known to half a point.
        assert saved == pytest.approx(expected["saving_percent"], abs=0.5)


def test_whole_numbers_of_kwh_are_energies_like_any_other() -> None:
    """Two homes, 1 kWh shared at 0.2 and 1 kWh left for the grid; then two hours in which nobody is there."""
    imports, exports = np.array([[2, 0], [0, 0]]), np.array([[0, 1], [0, 0]])
    assert mid_market_bills(imports, exports, 0.3, 0.1).tolist() == pytest.approx([0.5, -0.2])
    assert bill_sharing_bills(imports, exports, 0.3, 0.1).tolist() == pytest.approx([0.3, 0.0])
    assert supply_demand_bills(imports, exports, 0.3, 0.1).sum() == pytest.approx(0.3)
    use = self_use(np.array([[2, 1], [2, 0]]), np.array([[1, 0], [0, 0]]))
    assert use.home_self_sufficiency.tolist() == [0.25, 0.0]
    assert use.home_self_consumption.tolist() == pytest.approx([1.0, np.nan], nan_ok=True)


ENERGY = st.floats(0, 50).map(lambda kwh: round(kwh, 3))


@given(
    energy=st.lists(st.tuples(ENERGY, ENERGY, ENERGY, ENERGY), min_size=1, max_size=5),
    feed_in=st.floats(0, 0.3),
    margin=st.floats(0, 0.3),
)
def test_the_bills_of_the_homes_are_the_bill_of_the_community(
    energy: list[tuple[float, ...]], feed_in: float, margin: float
) -> None:
    table = np.array(energy)
    imports, exports, retail = table[:, :2], table[:, 2:], feed_in + margin
    total = community_bill(imports, exports, retail, feed_in)
    for rule in BILLS.values():
        assert rule(imports, exports, retail, feed_in).sum() == pytest.approx(total, abs=1e-9)


@given(demand=st.floats(0.001, 100), supply=st.floats(0.001, 100), feed_in=st.floats(0, 0.3), margin=st.floats(0, 0.3))
def test_prices_inside_a_community_lie_between_those_of_the_grid(
    demand: float, supply: float, feed_in: float, margin: float
) -> None:
    for rule in (mid_market_prices, supply_demand_prices):
        prices = rule(demand, supply, feed_in + margin, feed_in)
        for price in prices:
            assert price is not None
            assert feed_in - 1e-12 <= price <= feed_in + margin + 1e-12


def test_a_pool_in_a_book_exchanges_at_the_internal_price_in_proportion() -> None:
    """S = 10, D = 20 with retail 0.30 and feed-in 0.08: the sell prices worked by hand."""
    book = Book.from_lists([(0.30, 15.0), (0.30, 5.0)], [(0.08, 10.0)])
    for name, price in (("mid_market_rate", 0.19), ("supply_demand_ratio", 0.126316)):
        result = clear(book, name, retail=0.30, feed_in=0.08)
        assert result.price == pytest.approx(price, abs=1e-6)
        assert clear(book, name).price == result.price
        assert (result.bought.tolist(), result.sold.tolist()) == ([7.5, 2.5], [10.0])


def test_who_does_not_accept_the_internal_price_stays_out() -> None:
    book = Book.from_lists([(0.18, 4.0), (0.25, 1.0)], [(0.10, 2.0), (0.20, 9.0)])
    result = clear(book, "mid_market_rate", retail=0.30, feed_in=0.08)
    assert (result.bought.tolist(), result.sold.tolist()) == ([0.0, 1.0], [1.0, 0.0])


def test_bill_sharing_gives_for_nothing_and_asks_nobody() -> None:
    result = clear(Book.from_lists([(0.30, 3.0)], [(0.10, 1.0), (0.50, 1.0)]), "bill_sharing")
    assert (result.price, result.volume, result.ask_gain.tolist()) == (0.0, 2.0, [-0.10, -0.50])


@pytest.mark.parametrize("name", ["mid_market_rate", "supply_demand_ratio"])
@pytest.mark.parametrize(
    "prices", [{"retail": 0.1, "feed_in": 0.2}, {"retail": -0.1}, {"feed_in": -0.1}, {"retail": float("nan")}]
)
def test_grid_prices_that_cannot_be_are_refused(name: str, prices: dict[str, float]) -> None:
    with pytest.raises(BookError, match=f"of {name}"):
        clear(Book.from_lists([(0.3, 1.0)], [(0.1, 1.0)]), name, **prices)
