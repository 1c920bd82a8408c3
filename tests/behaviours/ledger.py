"""What every ledger does; a test class inherits this and has a fixture `make` that builds one from a seed."""

from collections.abc import Callable

import pytest
from ledger_hands import trades

from microgrid.domain.blocks import LedgerHistory, Transaction
from microgrid.domain.blocks import TransactionKind as Kind
from microgrid.domain.interfaces import Ledger
from microgrid.domain.intervals import Interval
from microgrid.ledger import balances_micro, chain_from_json, chain_to_json, is_included, prove, validate

Make = Callable[[int], Ledger]

OTHERS = [
    Transaction(490_001, Kind.MARKET, "home-3", "pool", 4_321, 900, 180_000),
    Transaction(490_001, Kind.TRANSFER, "home-1", "home-9", 1_000_000),
    Transaction(490_001, Kind.BONUS, "regulator", "home-2", 20_000, note="1 kWh of its own sun"),
    Transaction(490_001, Kind.PENALTY, "home-5", "regulator", 60_000, note="3 kWh from the local market"),
    Transaction(490_001, Kind.BAN, "home-5", "regulator", 0, note="two steps: balance below zero, für Übermaß"),
    Transaction(490_001, Kind.PEER, "home-7", "home-8", -50, 1_000, -50),
]


def recorded(ledger: Ledger) -> list[Transaction]:
    """Record a few intervals, one with more than a block holds; gives all that was recorded."""
    portions = [trades(3), OTHERS, [], trades(120, 490_003)]
    for offset, portion in enumerate(portions):
        ledger.record(Interval(490_000 + offset, 3_600), portion)
    return [transaction for portion in portions for transaction in portion]


def kept(history: LedgerHistory) -> list[Transaction]:
    """What a history's chain holds, apart from the chain's own entries."""
    blocks = history.chain.blocks if history.chain else ()
    own = {Kind.GENESIS, Kind.COINBASE}
    return [transaction for block in blocks for transaction in block.transactions if transaction.kind not in own]


class LedgerBehaviour:
    @pytest.fixture
    def history(self, make: Make) -> LedgerHistory:
        ledger = make(1)
        recorded(ledger)
        return ledger.close()

    def test_a_ledger_that_keeps_a_chain_keeps_everything_in_order(self, make: Make) -> None:
        ledger = make(1)
        transactions = recorded(ledger)
        history = ledger.close()
        assert kept(history) == (transactions if history.chain else [])

    def test_an_interval_without_transactions_leaves_no_trace(self, make: Make) -> None:
        ledger = make(1)
        before = ledger.close()
        assert ledger.record(Interval(490_000, 3_600), []) == ()
        assert ledger.close() == before

    def test_the_same_seed_makes_the_same_history(self, make: Make, history: LedgerHistory) -> None:
        again = make(1)
        recorded(again)
        assert again.close() == history

    def test_closing_twice_tells_the_same(self, make: Make) -> None:
        ledger = make(2)
        recorded(ledger)
        assert ledger.close() == ledger.close()

    def test_a_record_names_the_blocks_that_hold_it(self, make: Make) -> None:
        ledger = make(3)
        hashes = ledger.record(Interval(490_000, 3_600), trades(120))
        chain = ledger.close().chain
        assert list(hashes) == ([block.hash for block in chain.blocks[1:]] if chain else [])

    def test_what_a_chain_holds_is_sound_proven_and_survives_json(self, history: LedgerHistory) -> None:
        if history.chain is None:
            assert (history.miners, history.work) == ((), ())
            return
        assert validate(history.chain) is None
        assert chain_from_json(chain_to_json(history.chain)) == history.chain
        for block in history.chain.blocks:
            for position in range(len(block.transactions)):
                assert is_included(prove(history.chain, block.index, position), block.merkle_root)

    def test_money_moves_between_accounts_and_only_rewards_are_new(self, history: LedgerHistory) -> None:
        if history.chain is None:
            return
        balances = balances_micro(history.chain)
        blocks = len(history.chain.blocks) - 1
        assert sum(balances.values()) == blocks * history.chain.rules.reward_micro
        assert balances["home-9"] == 1_000_000 + 1_207 - 1_357
        assert {m.name: m.balance_micro for m in history.miners if m.blocks} == {
            name: balance for name, balance in balances.items() if name.startswith("miner")
        }
