"""Nothing in a chain can be changed unnoticed, and every breach of its rules has a name."""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_hands import mined, trades, with_last

from microgrid.domain.blocks import Block, Chain, ChainRules, Transaction
from microgrid.domain.blocks import TransactionKind as Kind
from microgrid.domain.errors import LedgerError
from microgrid.domain.intervals import Interval
from microgrid.ledger import chain_from_json, chain_to_json, validate
from microgrid.ledger.proof_of_work import build


def make_chain(difficulty: int) -> Chain:
    ledger = build(np.random.default_rng(5), difficulty=difficulty, block_transactions=6)
    for offset in range(3):
        ledger.record(Interval(490_000 + offset, 3_600), trades(3 + offset))
    chain = ledger.close().chain
    assert chain is not None
    return chain


CHAIN = make_chain(3)
EASY = make_chain(1)
DOCUMENT = chain_to_json(CHAIN).encode()


def changed(value: Any, bit: int) -> Any:
    """The value with one bit of it, or of one of its bytes, turned over."""
    if isinstance(value, Kind):
        return list(Kind)[(list(Kind).index(value) + 1 + bit % (len(Kind) - 1)) % len(Kind)]
    if isinstance(value, str):
        place = bit // 7 % (len(value) or 1)
        return value[:place] + chr(ord(value[place : place + 1] or "a") ^ 1 << bit % 7) + value[place + 1 :]
    return value ^ 1 << bit % 63


@settings(max_examples=300)
@given(data=st.data(), bit=st.integers(0, 1_000))
def test_any_bit_of_any_field_of_any_block_shows_in_that_block(data: st.DataObject, bit: int) -> None:
    index = data.draw(st.integers(0, len(CHAIN.blocks) - 1))
    block = CHAIN.blocks[index]
    name = data.draw(st.sampled_from([field.name for field in fields(Block) if field.name != "transactions"]))
    other = replace(block, **{name: changed(getattr(block, name), bit)})
    assert other != block
    problem = validate(Chain(CHAIN.rules, (*CHAIN.blocks[:index], other, *CHAIN.blocks[index + 1 :])))
    assert problem is not None
    assert problem.startswith(f"block {index}")


@settings(max_examples=300)
@given(data=st.data(), bit=st.integers(0, 1_000))
def test_any_bit_of_any_transaction_shows_in_its_block(data: st.DataObject, bit: int) -> None:
    index = data.draw(st.integers(0, len(CHAIN.blocks) - 1))
    block = CHAIN.blocks[index]
    place = data.draw(st.integers(0, len(block.transactions) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(Transaction)]))
    old = block.transactions[place]
    new = replace(old, **{name: changed(getattr(old, name), bit)})
    assert new != old
    transactions = (*block.transactions[:place], new, *block.transactions[place + 1 :])
    other = replace(block, transactions=transactions)
    problem = validate(Chain(CHAIN.rules, (*CHAIN.blocks[:index], other, *CHAIN.blocks[index + 1 :])))
    assert problem is not None
    assert problem.startswith(f"block {index}")


@settings(max_examples=300)
@given(place=st.integers(0, len(DOCUMENT) - 1), byte=st.integers(0, 255))
def test_any_byte_of_the_document_is_noticed_or_changes_nothing(place: int, byte: int) -> None:
    tampered = DOCUMENT[:place] + bytes([byte]) + DOCUMENT[place + 1 :]
    try:
        chain = chain_from_json(tampered)
    except LedgerError:
        return
    assert chain == CHAIN or validate(chain) is not None


def test_transactions_in_another_order_or_left_out_show() -> None:
    last = CHAIN.blocks[-1]
    coinbase, first, second, *rest = last.transactions
    for transactions in ((coinbase, second, first, *rest), (coinbase, first, *rest)):
        problem = validate(with_last(CHAIN, replace(last, transactions=transactions)))
        assert problem is not None
        assert problem.startswith("block 3: its Merkle root is")


def test_a_block_left_out_shows() -> None:
    gap = Chain(CHAIN.rules, (*CHAIN.blocks[:2], CHAIN.blocks[3]))
    assert validate(gap) == "block 2: it is numbered 3"
    assert validate(Chain(CHAIN.rules, ())) == "the chain has no blocks"
    assert (validate(Chain(CHAIN.rules, CHAIN.blocks[1:])) or "").startswith("block 0 is not the genesis block")


def test_other_rules_are_another_chain() -> None:
    richer = ChainRules(CHAIN.rules.difficulty, CHAIN.rules.block_transactions, 200_000)
    assert (validate(Chain(richer, CHAIN.blocks)) or "").startswith("block 0 is not the genesis block of these rules")


def test_a_block_hashed_anew_without_work_shows() -> None:
    last = CHAIN.blocks[-1]
    forged = mined(replace(last, transactions=(*last.transactions[:-1], trades(9)[-1])), zeros=0)
    problem = validate(with_last(CHAIN, forged))
    assert problem == f"block 3: its hash {forged.hash} does not begin with 3 zeros: no proof of work"


def test_a_block_mined_anew_is_sound_but_no_longer_fits_the_next() -> None:
    """What proof of work is for: one block is soon mined again, all that follow have to be as well."""
    blocks = EASY.blocks
    middle = mined(replace(blocks[2], transactions=(blocks[2].transactions[0], *trades(2))), zeros=1)
    assert validate(Chain(EASY.rules, (*blocks[:2], middle))) is None
    problem = validate(Chain(EASY.rules, (*blocks[:2], middle, blocks[3])))
    assert problem == f"block 3: it follows {blocks[2].hash}, but the block before has hash {middle.hash}"


def with_coinbase(**changes: Any) -> Callable[[Block], Block]:
    def change(block: Block) -> Block:
        return replace(block, transactions=(replace(block.transactions[0], **changes), *block.transactions[1:]))

    return change


BREACHES: dict[str, tuple[Callable[[Block], Block], str]] = {
    "time": (lambda b: replace(b, timestamp_s=EASY.blocks[2].timestamp_s), r"its time \d+ s is not after \d+ s"),
    "difficulty": (lambda b: replace(b, difficulty=0), "its difficulty is 0, the chain's 1"),
    "size": (lambda b: replace(b, transactions=(*b.transactions, *trades(1))), "it holds 7 transactions, 6 are"),
    "no coinbase": (lambda b: replace(b, transactions=b.transactions[1:]), r"coinbases stand at \[\]"),
    "no transactions": (lambda b: replace(b, transactions=()), r"coinbases stand at \[\]"),
    "two coinbases": (
        lambda b: replace(b, transactions=(b.transactions[0], *b.transactions[:-1])),
        r"coinbases stand at \[0, 1\]",
    ),
    "greed": (with_coinbase(amount_micro=200_000), "its coinbase pays 200000 micro to 'miner-"),
    "theft": (with_coinbase(payee="home-1"), "its coinbase pays 100000 micro to 'home-1', but 'miner-"),
    "a payer": (with_coinbase(payer="home-1"), "its coinbase pays 100000"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_work_does_not_excuse_a_breach_of_the_rules(breach: str) -> None:
    change, words = BREACHES[breach]
    last = change(EASY.blocks[-1])
    forged = mined(last, zeros=1) if last.transactions else last
    assert re.search("^block 3: .*" + words, validate(with_last(EASY, forged)) or "sound")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("nonce", -1, "nonce is -1"), ("nonce", 2**64, "nonce is"), ("miner", "\ud800", "its coinbase pays")],
)
def test_fields_that_fit_no_header_are_problems_too(field: str, value: object, words: str) -> None:
    forged = replace(CHAIN.blocks[-1], **{field: value})  # type: ignore[arg-type]
    problem = validate(with_last(CHAIN, forged))
    assert problem is not None
    assert problem.startswith(f"block 3: {words}")
