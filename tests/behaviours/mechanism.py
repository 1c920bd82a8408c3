"""What every market mechanism does, whatever its rule; a test class inherits this and has a fixture `mechanism`.

A rule's module names in `WAIVES` what it does not give. A waiver lifts that one expectation, and the suite asks for a
book on which the rule really breaks it: nothing can be waived in reserve.
"""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.domain import plugins
from microgrid.market import Book, Clearing, clear
from microgrid.market.invariants import INVARIANTS, PROMISES, broken, unkept

PRICES = st.integers(-20, 400).map(lambda cents: cents / 100)
QUANTITIES = st.integers(0, 6_000).map(lambda wh: wh / 1_000)
ORDERS = st.lists(st.tuples(PRICES, QUANTITIES), max_size=12)
Orders = list[tuple[float, float]]

A_SINGLE_PAIR, TRADE = "a single pair trades", "trade"
REVEALING_BOOKS: list[tuple[Orders, Orders]] = [
    ([(0.3, 1.0)], [(0.1, 1.0)]),
    ([(0.30, 1.0)], [(0.29, 1.0)]),
    ([(0.2, 1.0), (0.4, 1.0)], [(0.1, 1.0)]),
    ([(0.4, 1.0), (0.4, 1.0)], [(0.1, 1.0), (0.2, 1.0)]),
    ([(0.30, 5.0), (0.30, 1.0), (0.295, 1.0)], [(0.28, 3.0), (0.29, 2.0)]),
    ([(0.4, 2.5), (0.3, 1.5)], [(0.1, 1.0), (0.1, 1.0), (0.15, 1.0), (0.2, 1.0)]),
    ([(0.500, 1.0), (0.501, 1.0)], [(0.1, 1.0), (4.0, 1.0)]),
    ([(0.30, 2.0), (0.29, 1.0)], [(0.28, 1.0), (0.285, 1.0)]),
]
"""Books on which rules differ: one pair, a narrow pair, a late good order, ties, large orders, two limits in a
tick, more partners than one."""


def waived(mechanism: str) -> frozenset[str]:
    names: frozenset[str] = plugins.load("mechanism", mechanism).WAIVES
    return names


def without_waivers(clearing: Clearing) -> list[str]:
    """Names of everything that a clearing breaks, waived or not."""
    return [name for name, holds in (INVARIANTS | PROMISES).items() if not holds(clearing)]


class MechanismBehaviour:
    @settings(max_examples=60)
    @given(bids=ORDERS, asks=ORDERS)
    def test_every_invariant_and_promise_holds_on_any_book(self, mechanism: str, bids: Orders, asks: Orders) -> None:
        result = clear(Book.from_lists(bids, asks), mechanism)
        assert broken(result) == []
        assert unkept(result) == []

    def test_nothing_is_waived_that_the_rule_gives(self, mechanism: str) -> None:
        results = [clear(Book.from_lists(*book), mechanism) for book in REVEALING_BOOKS]
        seen = {name for result in results for name in without_waivers(result)}
        assert seen == waived(mechanism) - {A_SINGLE_PAIR, TRADE}

    def test_a_clearing_carries_the_waivers_of_its_rule(self, mechanism: str) -> None:
        for bids, asks in (([], []), *REVEALING_BOOKS):
            result = clear(Book.from_lists(bids, asks), mechanism)
            assert (result.mechanism, result.waives) == (mechanism, waived(mechanism))

    @pytest.mark.parametrize(
        ("bids", "asks"),
        [([], []), ([(0.3, 1.0)], []), ([], [(0.1, 1.0)]), ([(0.1, 1.0)], [(0.2, 1.0)]), ([(0.3, 0.0)], [(0.1, 1.0)])],
        ids=["empty", "no seller", "no buyer", "no overlap", "no energy"],
    )
    def test_nothing_is_traded_where_nothing_can_be(self, mechanism: str, bids: Orders, asks: Orders) -> None:
        document = clear(Book.from_lists(bids, asks), mechanism).to_document()
        nothing = (document["volume"], document["welfare"], document["trades"]) == (0.0, 0.0, [])
        against_limits = bids == [(0.1, 1.0)] and "individual rationality" in waived(mechanism)
        assert nothing is not against_limits
        assert (document["clearing_price"] is None) is nothing

    def test_one_buyer_and_one_seller_trade_the_smaller_quantity(self, mechanism: str) -> None:
        result = clear(Book.from_lists([(0.30, 2.0)], [(0.10, 1.5)]), mechanism)
        traded = 0.0 if A_SINGLE_PAIR in waived(mechanism) else 1.5
        assert result.volume == traded
        assert result.welfare == pytest.approx(traded * 0.20)
        assert result.to_document()["unmatched"][0] == {"id": "b0", "side": "bid", "price": 0.30, "qty": 2.0 - traded}

    def test_gains_of_buyers_sellers_and_operator_are_the_welfare(self, mechanism: str) -> None:
        for bids, asks in REVEALING_BOOKS:
            result = clear(Book.from_lists(bids, asks), mechanism)
            gains = result.bid_gain.sum() + result.ask_gain.sum() + result.budget_surplus
            assert gains == pytest.approx(result.welfare, abs=1e-12)

    def test_the_dearest_bids_and_cheapest_asks_go_first(self, mechanism: str) -> None:
        """Even a rule with little respect for the merit order gives nothing to the worst of three pairs alone."""
        bids, asks = [(0.05, 1.0), (0.4, 1.0), (0.35, 1.0)], [(0.5, 1.0), (0.1, 1.0), (0.15, 1.0)]
        result = clear(Book.from_lists(bids, asks), mechanism)
        if "individual rationality" not in waived(mechanism):
            assert result.bought[0] == result.sold[0] == 0.0
        assert [bool(filled[1] > 0) for filled in (result.bought, result.sold)] == [TRADE not in waived(mechanism)] * 2

    def test_quantities_that_are_equal_in_decimals_meet_exactly(self, mechanism: str) -> None:
        result = clear(Book.from_lists([(0.3, 0.1), (0.3, 0.2)], [(0.1, 0.3)]), mechanism)
        assert (result.to_document()["unmatched"] == []) is (A_SINGLE_PAIR not in waived(mechanism))

    def test_orders_in_whole_wh_are_filled_in_whole_wh(self, mechanism: str) -> None:
        generator = np.random.default_rng(3)
        bids, asks = ([(p, round(q, 3)) for p, q in generator.uniform(0.1, 3, (7, 2)).tolist()] for _ in range(2))
        result = clear(Book.from_lists(bids, asks), mechanism)
        assert not (result.bought_quanta % 10**6).any()
        assert not (result.sold_quanta % 10**6).any()

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
        assert unkept(result) == []
        assert math.isfinite(result.welfare)
        assert (result.volume > 0) is (TRADE not in waived(mechanism))
