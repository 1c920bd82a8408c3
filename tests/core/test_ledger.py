"""Ledgers: the common behaviour, the bytes that are hashed, proofs, and what a document may hold."""

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from behaviours.ledger import LedgerBehaviour, Make
from hypothesis import given
from hypothesis import strategies as st
from ledger_hands import header_bytes, trades, transaction_bytes, tree_root

from microgrid.domain import plugins
from microgrid.domain.blocks import Chain, ChainRules, Transaction
from microgrid.domain.blocks import TransactionKind as Kind
from microgrid.domain.errors import LedgerError
from microgrid.domain.interfaces import Ledger
from microgrid.domain.intervals import Interval
from microgrid.ledger import _encoding as encoding
from microgrid.ledger import _merkle as merkle
from microgrid.ledger import balances_micro, chain_from_json, chain_to_json, is_included, prove
from microgrid.ledger.proof_of_work import build

INT64 = st.integers(-(2**63), 2**63 - 1)
TRANSACTIONS = st.builds(
    Transaction,
    interval=INT64,
    kind=st.sampled_from(Kind),
    payer=st.text(max_size=30),
    payee=st.text(max_size=30),
    amount_micro=INT64,
    energy_wh=INT64,
    price_micro_per_kwh=INT64,
    note=st.text(max_size=30),
)


@pytest.fixture(scope="module", params=plugins.names("ledger"))
def make(request: pytest.FixtureRequest) -> Make:
    def built(seed: int) -> Ledger:
        ledger: Ledger = plugins.load("ledger", request.param).build(np.random.default_rng(seed))
        return ledger

    return built


class TestEveryLedger(LedgerBehaviour):
    """The suite of the interface, once a file in the folder."""


@pytest.fixture(scope="module")
def chain() -> Chain:
    ledger = build(np.random.default_rng(11))
    for offset in range(3):
        ledger.record(Interval(490_000 + offset, 3_600), trades(7 + offset))
    found = ledger.close().chain
    assert found is not None
    return found


def test_sha_256_is_that_of_the_standard() -> None:
    """FIPS 180-4, examples "abc" and 448 bits."""
    assert sha256(b"abc").hexdigest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    assert sha256(long).hexdigest() == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"


def test_the_bytes_of_a_transaction_are_those_of_the_layout() -> None:
    trade = Transaction(1, Kind.PEER, "a", "bc", -2, 3, 4, "ü")
    assert encoding.transaction_bytes(trade).hex() == (
        "0000000000000001"
        "0000000000000003"
        "0000000000000004"
        "fffffffffffffffe"
        "0004" + b"peer".hex() + "0001" + "61" + "0002" + "6263" + "0002" + "c3bc"
    )


@given(TRANSACTIONS)
def test_every_transaction_has_the_bytes_of_a_second_implementation(transaction: Transaction) -> None:
    assert encoding.transaction_bytes(transaction) == transaction_bytes(transaction)


@given(TRANSACTIONS, TRANSACTIONS)
def test_different_transactions_have_different_bytes(one: Transaction, other: Transaction) -> None:
    assert (encoding.transaction_bytes(one) == encoding.transaction_bytes(other)) == (one == other)


def test_every_block_of_a_chain_has_the_hash_of_hand_built_bytes(chain: Chain) -> None:
    for block in chain.blocks:
        assert sha256(header_bytes(block)).hexdigest() == block.hash
        assert tree_root([transaction_bytes(t) for t in block.transactions]).hex() == block.merkle_root
    assert all(block.hash.startswith("000") for block in chain.blocks[1:])


def test_the_genesis_block_stands_for_the_rules(chain: Chain) -> None:
    first = chain.blocks[0]
    assert (first.index, first.previous_hash, first.timestamp_s, first.nonce) == (0, "0" * 64, 0, 0)
    note = first.transactions[0].note
    assert note == "difficulty 3, at most 50 transactions a block, reward 100000 micro"
    others = {encoding.genesis(replace(ChainRules(), difficulty=d)).blocks[0].hash for d in range(1, 7)}
    assert len(others) == 6
    assert first.hash in others


def test_roots_are_those_of_certificate_transparency() -> None:
    """The eight entries and roots that implementations of RFC 6962 and 9162 share."""
    words = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    entries = [bytes.fromhex(word) for word in words]
    roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    found = [merkle.root_of([merkle.leaf_hash(e) for e in entries[:count]]).hex() for count in range(9)]
    assert found == roots


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=60), st.data())
def test_every_leaf_leads_to_the_root_and_no_other_does(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    root = merkle.root_of(leaves)
    assert root == tree_root(entries)
    position = data.draw(st.integers(0, len(entries) - 1))
    path = merkle.path_of(leaves, position)
    assert merkle.root_by_path(leaves[position], path) == root
    stranger = data.draw(st.binary(max_size=40).filter(lambda entry: entry != entries[position]))
    assert merkle.root_by_path(merkle.leaf_hash(stranger), path) != root


def test_a_proof_holds_for_its_transaction_and_its_block_alone(chain: Chain) -> None:
    proof = prove(chain, 2, 3)
    assert proof.transaction == trades(8)[2]
    assert is_included(proof, chain.blocks[2].merkle_root)
    assert not is_included(proof, chain.blocks[1].merkle_root)
    dearer = replace(proof.transaction, amount_micro=proof.transaction.amount_micro + 1)
    assert not is_included(replace(proof, transaction=dearer), chain.blocks[2].merkle_root)
    assert not is_included(replace(proof, path=proof.path[1:]), chain.blocks[2].merkle_root)
    assert not is_included(replace(proof, path=((True, "no hash"),)), chain.blocks[2].merkle_root)


@pytest.mark.parametrize(("block", "position"), [(4, 0), (-1, 0), (1, 8), (1, -1)])
def test_what_is_not_in_the_chain_has_no_proof(chain: Chain, block: int, position: int) -> None:
    with pytest.raises(LedgerError, match=r"to prove is -?\d; it must be 0 … \d"):
        prove(chain, block, position)


def test_balances_are_what_came_less_what_went() -> None:
    ledger = build(np.random.default_rng(0))
    ledger.record(
        Interval(1, 900),
        [
            Transaction(1, Kind.PEER, "a", "b", 150),
            Transaction(1, Kind.TRANSFER, "b", "c", 40),
            Transaction(1, Kind.PEER, "c", "a", -7),
        ],
    )
    chain = ledger.close().chain
    assert chain is not None
    assert dict(balances_micro(chain)) == {"a": -157, "b": 110, "c": 47, chain.blocks[1].miner: 100_000}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"rules":{},"blocks":[{"index":"0"}]}', '{"rules":{"difficulty":3.5},"blocks":[]}', '{"rules":'],
)
def test_a_document_that_is_no_chain_is_refused_in_words(text: str) -> None:
    with pytest.raises(LedgerError, match=r"chain document is .*; it must be what `chain_to_json` writes"):
        chain_from_json(text)


@given(st.lists(TRANSACTIONS, max_size=5))
def test_any_transactions_survive_json(transactions: list[Transaction]) -> None:
    block = replace(encoding.genesis(ChainRules()).blocks[0], transactions=tuple(transactions))
    chain = Chain(ChainRules(), (block,))
    assert chain_from_json(chain_to_json(chain)) == chain


@pytest.mark.parametrize(
    "transaction",
    [
        Transaction(2**63, Kind.PEER, "a", "b", 1),
        Transaction(1, Kind.PEER, "a" * 65_536, "b", 1),
        Transaction(1, Kind.PEER, "\ud800", "b", 1),
    ],
    ids=["a number too large", "a text too long", "half a character"],
)
def test_a_transaction_that_cannot_be_written_is_refused(transaction: Transaction) -> None:
    with pytest.raises(LedgerError, match=r"^transaction is"):
        build(np.random.default_rng(0)).record(Interval(1, 900), [transaction])
