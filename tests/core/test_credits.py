"""Credits: a controller that validates, logs, and never makes or loses any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.sim.credits import CreditBook, random_transfers, replay

START = {"a": 1_000, "b": 0, "supply": 5_000}


def test_a_transfer_moves_the_amount_and_is_logged_with_the_balance() -> None:
    book = CreditBook(START)
    entry = book.transfer(3, "a", "b", 400)
    assert (entry.step, entry.refused, entry.sender_balance_wh) == (3, "", 600)
    assert book.balances_wh == {"a": 600, "b": 400, "supply": 5_000}
    assert book.log == (entry,)


def test_all_that_a_holder_has_can_be_passed_on() -> None:
    book = CreditBook(START)
    assert book.transfer(0, "a", "b", 1_000).refused == ""
    assert book.balances_wh == {"a": 0, "b": 1_000, "supply": 5_000}


@pytest.mark.parametrize(
    ("sender", "receiver", "amount", "reason"),
    [
        ("a", "nobody", 1, "nobody is known as nobody"),
        ("nobody", "a", 1, "nobody is known as nobody"),
        ("a", "a", 1, "sender and receiver are the same"),
        ("a", "b", 0, "the amount is not above zero"),
        ("a", "b", -5, "the amount is not above zero"),
        ("a", "b", 1_500, "the sender lacks 0.500 kWh"),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason_and_logged(
    sender: str, receiver: str, amount: int, reason: str
) -> None:
    book = CreditBook(START)
    assert book.transfer(0, sender, receiver, amount).refused == reason
    assert book.balances_wh == START
    assert len(book.log) == 1


@given(st.lists(st.tuples(st.sampled_from([*START, "x"]), st.sampled_from([*START, "x"]), st.integers(-10, 3_000))))
def test_balances_follow_from_the_log_alone_and_keep_their_sum(attempts: list[tuple[str, str, int]]) -> None:
    book = CreditBook(START)
    for step, (sender, receiver, amount) in enumerate(attempts):
        book.transfer(step, sender, receiver, amount)
    assert replay(START, book.log) == book.balances_wh
    assert sum(book.balances_wh.values()) == sum(START.values())
    assert min(book.balances_wh.values()) >= 0
    assert len(book.log) == len(attempts)


def test_random_transfers_are_as_many_as_asked_and_the_same_for_a_seed() -> None:
    books = [CreditBook(START) for _ in range(2)]
    for book in books:
        random_transfers(book, 0, list(START), 50, 300, np.random.default_rng(5))
    assert len(books[0].log) == 50
    assert books[0].log == books[1].log
    assert {bool(entry.refused) for entry in books[0].log} == {True, False}
    assert max(entry.amount_wh for entry in books[0].log) <= 300
