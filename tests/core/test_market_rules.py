"""Single market rules: what is peculiar to each, on books small enough to work by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.domain.errors import BookError
from microgrid.market import Book, clear
from microgrid.market.mechanisms.huang import cut_equally

Rows = list[tuple[str, str, float, float, float]]


def rows(bids: list[tuple[float, float]], asks: list[tuple[float, float]], mechanism: str, **parameters: float) -> Rows:
    document = clear(Book.from_lists(bids, asks), mechanism, **parameters).to_document()
    return [
        (trade["buyer"], trade["seller"], trade["qty"], round(trade["buyer_price"], 9), round(trade["seller_price"], 9))
        for trade in document["trades"]
    ]


def test_pay_as_bid_lets_the_buyer_pay_its_own_limit() -> None:
    assert rows([(0.3, 1.0), (0.2, 1.0)], [(0.1, 2.0)], "pay_as_bid") == [
        ("b0", "s0", 1.0, 0.3, 0.3),
        ("b1", "s0", 1.0, 0.2, 0.2),
    ]


def test_the_uniform_price_moves_from_the_buyers_to_the_sellers_end_with_k() -> None:
    book = Book.from_lists([(0.3, 1.0)], [(0.1, 1.0)])
    assert [clear(book, k=k).price for k in (0, 0.25, 1)] == pytest.approx([0.1, 0.15, 0.3])


def test_orders_that_come_one_by_one_trade_at_the_price_of_the_one_that_waits() -> None:
    """b0 waits, s0 meets it; s1 waits behind nobody, b2 meets s1 and then nobody; s2 finds what is left of b2."""
    bids = [(0.30, 1.0), (0.05, 1.0), (0.25, 2.0)]
    asks = [(0.10, 1.0), (0.20, 1.5), (0.15, 1.0)]
    assert rows(bids, asks, "continuous") == [
        ("b0", "s0", 1.0, 0.30, 0.30),
        ("b2", "s1", 1.5, 0.20, 0.20),
        ("b2", "s2", 0.5, 0.25, 0.25),
    ]


def test_waiting_orders_are_served_by_price_and_then_by_time() -> None:
    bids = [(0.2, 1.0), (0.3, 1.0), (0.3, 1.0), (0.1, 1.0)]
    asks = [(0.9, 1.0), (0.9, 1.0), (0.9, 1.0), (0.15, 2.5)]
    assert [row[:3] for row in rows(bids, asks, "continuous")] == [
        ("b1", "s3", 1.0),
        ("b2", "s3", 1.0),
        ("b0", "s3", 0.5),
    ]


def test_a_payment_of_a_microwatthour_is_exact_beside_an_offer_of_a_gigawatthour_under_vcg() -> None:
    """Who buys 1e-9 kWh takes them from the buyer of GWh, who bid 0.0861 for them."""
    result = clear(Book.from_lists([(0.5, 1e-9), (0.0861, 2e6)], [(0.0712, 1e6)]), "vcg")
    assert result.trades.buyer_price[result.trades.quanta == 1].tolist() == pytest.approx([0.0861])


def test_orders_of_different_size_count_as_one_each_under_mcafee() -> None:
    """The first pair left out, 0.20 and 0.24, has its middle between the limits of the last that trades."""
    bids, asks = [(0.30, 2.0), (0.25, 1.0), (0.20, 5.0)], [(0.10, 1.5), (0.15, 1.5), (0.24, 1.0)]
    assert {row[3:] for row in rows(bids, asks, "mcafee")} == {(0.22, 0.22)}
    assert clear(Book.from_lists(bids, asks), "mcafee").volume == 3.0


def test_mcafee_without_a_middle_leaves_the_last_pair_out() -> None:
    bids, asks = [(0.30, 2.0), (0.25, 1.0)], [(0.10, 1.5), (0.15, 1.5)]
    assert rows(bids, asks, "mcafee") == [("b0", "s0", 1.5, 0.25, 0.15)]


@given(energy=st.lists(st.integers(0, 30), max_size=7), share=st.fractions(0, 1))
def test_an_equal_cut_takes_the_same_of_everybody_or_all_that_is_there(energy: list[int], share: Any) -> None:
    volume = int(sum(energy) * share)
    fills = cut_equally(np.array(energy, dtype=np.int64), volume).tolist()
    assert sum(fills) == volume
    cuts = [wanted - fill for wanted, fill in zip(energy, fills, strict=True)]
    assert all(cut >= 0 for cut in cuts)
    most = max(cuts, default=0)
    assert all(cut >= min(most - 1, wanted) for cut, wanted in zip(cuts, energy, strict=True))


def test_a_fee_lies_between_what_buyers_pay_and_sellers_get_and_the_operator_keeps_it() -> None:
    result = clear(Book.from_lists([(0.30, 2.0), (0.14, 1.0)], [(0.10, 1.5), (0.12, 1.0)]), "local_market")
    assert result.volume == 2.0
    assert result.price == pytest.approx(0.12)
    assert result.trades.buyer_price - result.trades.seller_price == pytest.approx(np.full(2, 0.03))
    assert result.budget_surplus == pytest.approx(0.06)


def test_limits_exactly_a_fee_apart_meet() -> None:
    """0.3 - 0.1 is less than 0.2 in binary."""
    assert rows([(0.3, 1.0)], [(0.2, 1.0)], "local_market", fee=0.1) == [("b0", "s0", 1.0, 0.3, 0.2)]
    assert rows([(0.13, 1.0)], [(0.10, 1.0)], "local_market") == [("b0", "s0", 1.0, 0.13, 0.10)]
    assert rows([(0.13, 1.0)], [(0.10, 1.0)], "local_market", fee=0.031) == []


def test_bilateral_pairs_meet_in_the_middle_and_stop_at_the_cap() -> None:
    assert rows([(0.30, 5.0)], [(0.10, 2.0), (0.20, 4.0)], "bilateral") == [
        ("b0", "s0", 2.0, 0.20, 0.20),
        ("b0", "s1", 1.0, 0.25, 0.25),
    ]
    assert rows([(0.30, 5.0)], [(0.10, 9.0)], "bilateral", cap_kwh=0.5, k=0.0) == [("b0", "s0", 0.5, 0.1, 0.1)]


def test_with_one_partner_each_the_keenest_meets_the_cheapest_and_the_next_the_next() -> None:
    bids, asks = [(0.30, 5.0), (0.28, 1.0), (0.15, 1.0)], [(0.10, 2.0), (0.20, 4.0), (0.25, 1.0)]
    assert rows(bids, asks, "bilateral", partners=1) == [("b0", "s0", 2.0, 0.20, 0.20), ("b1", "s1", 1.0, 0.24, 0.24)]
    assert rows(bids, asks, "bilateral", partners=2) == [
        ("b0", "s0", 2.0, 0.20, 0.20),
        ("b1", "s1", 1.0, 0.24, 0.24),
        ("b0", "s1", 1.0, 0.25, 0.25),
    ]


def test_three_tiers_trade_with_one_peer_first_and_the_rest_in_the_local_market() -> None:
    book = Book.from_lists([(0.30, 5.0)], [(0.10, 2.0), (0.20, 4.0)])
    document = clear(book, "three_tier").to_document()
    found = [(t["tier"], t["seller"], t["qty"]) for t in document["trades"]]
    assert found == [("bilateral", "s0", 2.0), ("local_market", "s1", 3.0)]


def test_three_tiers_trade_bilaterally_first_and_the_rest_in_the_local_market() -> None:
    book = Book.from_lists([(0.30, 5.0)], [(0.10, 2.0), (0.20, 4.0)])
    document = clear(book, "three_tier", partners=0).to_document()
    found = [(t["tier"], t["seller"], t["qty"], t["buyer_price"], t["seller_price"]) for t in document["trades"]]
    assert [row[:3] for row in found] == [
        ("bilateral", "s0", 2.0),
        ("bilateral", "s1", 1.0),
        ("local_market", "s1", 2.0),
    ]
    assert [value for row in found for value in row[3:]] == pytest.approx([0.20, 0.20, 0.25, 0.25, 0.23, 0.20])
    assert document["unmatched"] == [{"id": "s1", "side": "ask", "price": 0.2, "qty": 1.0}]


@pytest.mark.parametrize(
    ("mechanism", "parameters"),
    [
        ("uniform_price", {"k": 1.1}),
        ("last_pair", {"k": -0.1}),
        ("pay_as_bid", {"k": float("nan")}),
        ("bilateral", {"k": 2}),
        ("bilateral", {"cap_kwh": -1}),
        ("bilateral", {"partners": 0.5}),
        ("three_tier", {"partners": float("inf")}),
        ("local_market", {"fee": -0.01}),
        ("three_tier", {"fee": float("nan")}),
        ("three_tier", {"cap_kwh": float("inf")}),
        ("tick_auction", {"cap": float("inf")}),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_their_name(mechanism: str, parameters: dict[str, float]) -> None:
    with pytest.raises(BookError, match=next(iter(parameters))):
        clear(Book.from_lists([(0.3, 1.0)], [(0.1, 1.0)]), mechanism, **parameters)


@pytest.mark.parametrize("mechanism", ["vcg", "mcafee"])
@given(
    shift=st.integers(-15, 15), side=st.sampled_from(["bid", "ask"]), index=st.integers(0, 4), seed=st.integers(0, 99)
)
def test_no_unit_order_gains_by_a_lie(mechanism: str, shift: int, side: str, index: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    prices = {"bid": generator.integers(1, 30, 5) / 10, "ask": generator.integers(1, 30, 5) / 10}
    truth = prices[side][index]

    def gain(limits: dict[str, Any]) -> float:
        bids, asks = ([(float(price), 1.0) for price in limits[name]] for name in ("bid", "ask"))
        result = clear(Book.from_lists(bids, asks), mechanism)
        trades = result.trades
        mine = (trades.buyer if side == "bid" else trades.seller) == index
        if side == "bid":
            return float(((truth - trades.buyer_price) * trades.quantity)[mine].sum())
        return float(((trades.seller_price - truth) * trades.quantity)[mine].sum())

    lie = {name: array.copy() for name, array in prices.items()}
    lie[side][index] += shift / 10
    assert gain(lie) <= gain(prices) + 1e-9
