"""What every market mechanism does, whatever its rule; a test class inherits this and has a fixture `mechanism`."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.market import Book, clear
from microgrid.market.invariants import broken

PRICES = st.integers(-20, 400).map(lambda cents: cents / 100)
QUANTITIES = st.integers(0, 3_000).map(lambda wh: wh / 1_000)
ORDERS = st.lists(st.tuples(PRICES, QUANTITIES), max_size=12)


class MechanismBehaviour:
    @settings(max_examples=60, deadline=None)
    @given(bids=ORDERS, asks=ORDERS)
    def test_every_invariant_holds_on_any_book(
        self, mechanism: str, bids: list[tuple[float, float]], asks: list[tuple[float, float]]
    ) -> None:
        assert broken(clear(Book.from_lists(bids, asks), mechanism)) == []

    @pytest.mark.parametrize(
        ("bids", "asks"),
        [([], []), ([(0.3, 1.0)], []), ([], [(0.1, 1.0)]), ([(0.1, 1.0)], [(0.2, 1.0)]), ([(0.3, 0.0)], [(0.1, 1.0)])],
        ids=["empty", "no seller", "no buyer", "no overlap", "no energy"],
    )
    def test_nothing_is_traded_where_nothing_can_be(
        self, mechanism: str, bids: list[tuple[float, float]], asks: list[tuple[float, float]]
    ) -> None:
        document = clear(Book.from_lists(bids, asks), mechanism).to_document()
        assert (document["volume"], document["welfare"], document["trades"]) == (0.0, 0.0, [])
        assert document["clearing_price"] is None

    def test_one_buyer_and_one_seller_trade_the_smaller_quantity(self, mechanism: str) -> None:
        result = clear(Book.from_lists([(0.30, 2.0)], [(0.10, 1.5)]), mechanism)
        assert result.volume == 1.5
        assert result.welfare == pytest.approx(1.5 * 0.20)
        assert result.to_document()["unmatched"] == [{"id": "b0", "side": "bid", "price": 0.30, "qty": 0.5}]

    def test_a_tie_at_the_margin_goes_to_the_earlier_order(self, mechanism: str) -> None:
        book = Book.from_lists([(0.2, 1.0), (0.2, 1.0)], [(0.1, 1.0)], bid_ids=["early", "late"])
        result = clear(book, mechanism)
        assert result.bought.tolist() == [1.0, 0.0]

    def test_the_dearest_bids_and_cheapest_asks_go_first(self, mechanism: str) -> None:
        result = clear(Book.from_lists([(0.2, 1.0), (0.4, 1.0)], [(0.3, 1.0), (0.1, 1.0)]), mechanism)
        assert result.bought[1] == result.sold[1] == 1.0

    def test_quantities_that_are_equal_in_decimals_meet_exactly(self, mechanism: str) -> None:
        result = clear(Book.from_lists([(0.3, 0.1), (0.3, 0.2)], [(0.1, 0.3)]), mechanism)
        assert result.to_document()["unmatched"] == []

    def test_the_same_book_gives_the_same_document(self, mechanism: str) -> None:
        book = Book.from_lists([(0.3, 0.7), (0.2, 0.9)], [(0.1, 0.8), (0.15, 0.9)])
        first, second = (json.dumps(clear(book, mechanism).to_document(), allow_nan=False) for _ in range(2))
        assert first == second

    def test_a_thousand_homes_clear_without_a_broken_invariant(self, mechanism: str) -> None:
        generator = np.random.default_rng(1)
        bids = np.column_stack([generator.uniform(0.05, 0.3, 1000), generator.uniform(0, 3, 1000).round(3)])
        asks = np.column_stack([generator.uniform(0.05, 0.3, 1000), generator.uniform(0, 3, 1000).round(3)])
        result = clear(Book.from_lists(bids.tolist(), asks.tolist()), mechanism)
        assert broken(result) == []
        assert math.isfinite(result.welfare)
        assert result.volume > 0
