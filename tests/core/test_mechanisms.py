"""Market mechanisms: the common behaviour of each, and the book they are given."""

import numpy as np
import pytest
from behaviours.mechanism import A_SINGLE_PAIR, TRADE, MechanismBehaviour, waived

from microgrid.domain import plugins
from microgrid.domain.errors import BookError, UnknownNameError
from microgrid.market import Book, Clearing, clear
from microgrid.market.invariants import INVARIANTS, PROMISES, broken
from microgrid.market.ladder import Trades


@pytest.fixture(scope="module", params=plugins.names("mechanism"))
def mechanism(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class TestEveryMechanism(MechanismBehaviour):
    """The suite of the interface, once a file in the folder."""

    def test_only_what_has_a_name_is_waived(self, mechanism: str) -> None:
        assert waived(mechanism) <= {*INVARIANTS, *PROMISES, A_SINGLE_PAIR, TRADE}
        assert not waived(mechanism) & {"balance", "quantities", "trades"}


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
        ({"bids": [{"id": name, "price": 1, "qty": 5.1e8} for name in "ab"], "asks": []}, "the sum of all bids"),
    ],
)
def test_orders_that_cannot_be_are_refused_with_their_name(document: object, words: str) -> None:
    with pytest.raises(BookError, match=words):
        Book.from_document(document)


def test_a_book_cannot_be_altered() -> None:
    book = Book.from_lists([(0.3, 1.0)], [])
    with pytest.raises(ValueError, match="read-only"):
        book.bid_price[0] = 0.0


def test_a_book_from_arrays_names_its_orders() -> None:
    book = Book(np.array([0.3, 0.2]), np.array([1.0, 1.0]), np.array([0.1]), np.array([1.0]))
    assert (list(book.bid_ids), book.bid_ids[-1], book.bid_ids[:1], book.ask_ids[0]) == (
        ["b0", "b1"],
        "b1",
        ("b0",),
        "s0",
    )
    with pytest.raises(IndexError):
        book.ask_ids[1]


def test_a_book_takes_whole_numbers_as_decimals() -> None:
    book = Book(np.array([3]), np.array([2]), np.array([1]), np.array([2]))
    assert (clear(book).price, book.bid_price.dtype) == (2.0, np.float64)


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(BookError, match="bid array"):
        Book(np.array([3.0]), np.array([2.0, 1.0]), np.zeros(0), np.zeros(0))
    with pytest.raises(BookError, match="ask array"):
        Book(np.zeros(0), np.zeros(0), np.array([3.0]), np.array([2.0]), ask_ids=("a", "b"))


@pytest.mark.parametrize(
    ("waives", "expected"),
    [
        (set(), ["balance", "quantities", "individual rationality", "budget", "trades"]),
        ({"budget"}, ["balance", "quantities", "individual rationality", "trades"]),
        ({"individual rationality", "efficiency"}, ["balance", "quantities", "budget", "trades"]),
    ],
)
def test_a_waiver_hides_the_invariant_of_its_name_and_no_other(waives: set[str], expected: list[str]) -> None:
    """Everything is wrong: too much bought, less sold, a price below the ask, and the operator pays in."""
    trades = Trades(np.array([0]), np.array([0]), np.array([10**9]), np.array([0.0]), np.array([0.05]))
    wrong = Clearing(
        "wrong",
        Book.from_lists([(0.3, 1.0)], [(0.1, 1.0)]),
        None,
        np.array([2 * 10**9]),
        np.array([10**9]),
        lambda: trades,
        frozenset(waives),
    )
    assert broken(wrong) == expected


def test_a_trade_without_energy_breaks_the_rule_of_trades_alone() -> None:
    nobody = np.zeros(1, np.int64)
    trades = Trades(nobody, nobody, nobody, np.array([0.2]), np.array([0.2]))
    empty = Clearing("empty", Book.from_lists([(0.3, 1.0)], [(0.1, 1.0)]), None, nobody, nobody, lambda: trades)
    assert broken(empty) == ["trades"]
