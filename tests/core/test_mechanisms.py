"""Market mechanisms: the common behaviour of each, and reference results of single ones."""

from collections.abc import Callable
from typing import Any

import pytest
from behaviours.mechanism import MechanismBehaviour

from microgrid.domain import plugins
from microgrid.domain.errors import BookError, UnknownNameError
from microgrid.market import Book, clear

Reference = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module", params=plugins.names("mechanism"))
def mechanism(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class TestEveryMechanism(MechanismBehaviour):
    """The suite of the interface, once a file in the folder."""


def test_uniform_price_reaches_the_welfare_volume_and_price_of_every_reference_book(reference: Reference) -> None:
    document = reference("double_auction")
    tolerance = document["tolerance"]
    assert len(document["cases"]) > 30
    for case in document["cases"]:
        expected = case["expected"]
        result = clear(Book.from_document(case["inputs"]))
        assert result.welfare == pytest.approx(expected["max_welfare"], abs=tolerance), case["id"]
        low, high = expected["traded_qty_min"] - tolerance, expected["traded_qty_max"] + tolerance
        assert low <= result.volume <= high, case["id"]
        if expected["price_mid"] is None:
            assert result.price is None
        else:
            assert result.price == pytest.approx(expected["price_mid"], abs=tolerance), case["id"]


def test_uniform_price_stands_the_books_on_which_others_fail(reference: Reference) -> None:
    cases = {case["id"]: case for case in reference("peer_books")["cases"]}
    for name in ("book_a", "book_b"):
        case = cases[name]
        result = clear(Book.from_document(case["inputs"]))
        assert result.price == pytest.approx(case["expected"]["equilibrium_price_mid"])
        assert result.welfare == pytest.approx(case["expected"]["max_welfare"])
        assert result.volume == pytest.approx(case["expected"]["volume"])
    tie = clear(Book.from_document(cases["defect_tie_at_margin"]["inputs"]))
    assert (tie.price, tie.welfare) == (3, 4)
    dear = clear(Book.from_document(cases["defect_dear_offer_first"]["inputs"]))
    assert (dear.welfare, dear.volume) == (9, 1)
    assert clear(Book.from_document(cases["defect_only_infeasible"]["inputs"])).to_document()["trades"] == []


def test_pay_as_bid_at_one_half_trades_each_pair_at_its_midpoint(reference: Reference) -> None:
    cases = {case["id"]: case for case in reference("peer_books")["cases"]}
    prices = clear(Book.from_document(cases["book_a"]["inputs"]), "pay_as_bid", k=0.5).trades.buyer_price
    assert prices.tolist() == pytest.approx(cases["book_a"]["expected"]["discriminatory_midpoint_prices"])
    trades = clear(Book.from_document(cases["book_b"]["inputs"]), "pay_as_bid", k=0.5).trades
    pairs = list(zip(trades.quantity.tolist(), trades.buyer_price.tolist(), strict=True))
    assert [value for pair in pairs for value in pair] == pytest.approx(
        [value for pair in cases["book_b"]["expected"]["discriminatory_midpoint"] for value in pair]
    )


def test_pay_as_bid_lets_the_buyer_pay_its_own_limit() -> None:
    trades = clear(Book.from_lists([(0.3, 1.0), (0.2, 1.0)], [(0.1, 2.0)]), "pay_as_bid").trades
    assert trades.seller_price.tolist() == [0.3, 0.2]


def test_the_tick_auction_loses_little_welfare_against_the_best(reference: Reference) -> None:
    """Whole Wh and 128 ticks cost something; on books in the size of homes it stays below one per thousand."""
    for case in reference("double_auction")["cases"]:
        book = Book.from_document(case["inputs"])
        small = min([*book.bid_quantity.tolist(), *book.ask_quantity.tolist(), 1.0]) < 0.01
        if case["name"].startswith("random") and not small:
            best = case["expected"]["max_welfare"]
            assert clear(book, "tick_auction").welfare >= best * 0.999, case["id"]


def test_an_unknown_mechanism_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="uniform_price"):
        clear(Book.from_lists([], []), "uniform-prize")


def test_an_unknown_parameter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="floor"):
        clear(Book.from_lists([], []), "tick_auction", flor=0.1)
    with pytest.raises(UnknownNameError, match="known are none"):
        clear(Book.from_lists([], []), "vcg", k=0.1)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "a list"),
        ({"bids": []}, '"asks" is missing'),
        ({"bids": [3], "asks": []}, "entry 0"),
        ({"bids": [{"id": "b", "price": 0.1}], "asks": []}, "qty of 'b'"),
        ({"bids": [{"id": "b", "price": "0.1", "qty": 1}], "asks": []}, "price of 'b'"),
        ({"bids": [{"id": "b", "price": True, "qty": 1}], "asks": []}, "price of 'b'"),
        ({"bids": [{"id": "b", "price": 0.1, "qty": -1}], "asks": []}, "qty of bid 'b' is -1"),
        ({"bids": [], "asks": [{"id": "s", "price": float("nan"), "qty": 1}]}, "price of ask 's' is nan"),
        ({"bids": [], "asks": [{"id": "s", "price": 1, "qty": float("inf")}]}, "qty of ask 's' is inf"),
        ({"bids": [], "asks": [{"id": "s", "price": 10**400, "qty": 1}]}, "too large"),
        ({"bids": [], "asks": [{"id": "s", "price": 1, "qty": 1}] * 2}, "there twice"),
    ],
)
def test_orders_that_cannot_be_are_refused_with_their_name(document: object, words: str) -> None:
    with pytest.raises(BookError, match=words):
        Book.from_document(document)


def test_a_book_cannot_be_altered() -> None:
    book = Book.from_lists([(0.3, 1.0)], [])
    with pytest.raises(ValueError, match="read-only"):
        book.bid_price[0] = 0.0
