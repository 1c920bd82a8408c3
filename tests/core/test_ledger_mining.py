"""The competition for blocks is real, fair to power, and counted."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from itertools import count

import numpy as np
import pytest
from ledger_hands import header_bytes, trades, transaction_bytes, tree_root

from microgrid.domain.blocks import Block, ChainRules, LedgerHistory
from microgrid.domain.errors import LedgerError
from microgrid.domain.intervals import Interval
from microgrid.ledger._competition import Racer, _Hit, _judge, race
from microgrid.ledger.proof_of_work import ProofOfWorkLedger, build


def history_of(ledger: ProofOfWorkLedger, intervals: int = 4, transactions: int = 5) -> LedgerHistory:
    for offset in range(intervals):
        ledger.record(Interval(490_000 + offset, 3_600), trades(transactions))
    return ledger.close()


def headers(block: Block, names: list[str]) -> list[Block]:
    """The block as each miner would have had it: it pays its maker."""
    coinbase, *rest = block.transactions
    found = []
    for name in names:
        transactions = (replace(coinbase, payee=name), *rest)
        root = tree_root([transaction_bytes(t) for t in transactions]).hex()
        found.append(replace(block, miner=name, merkle_root=root, transactions=transactions))
    return found


def play_again(block: Block, powers: list[int], extras: list[int], zeros: int) -> tuple[int, int, list[int]]:
    """The race of a block once more, try by try: winner, its nonce, hashes of each miner."""
    candidates = headers(block, [f"miner-{number}" for number in range(len(powers))])
    hashes = [0] * len(powers)
    for turn in count():
        finds = []
        for number, power in enumerate(powers):
            for attempt in range(1, power + 1):
                nonce = (extras[number] << 32) + turn * power + attempt - 1
                hashes[number] += 1
                digest = sha256(header_bytes(replace(candidates[number], nonce=nonce))).hexdigest()
                if digest.startswith("0" * zeros):
                    finds.append((attempt / power, attempt, number, nonce))
                    break
        if finds:
            _, _, winner, nonce = min(finds)
            return winner, nonce, hashes
    raise AssertionError


def test_every_race_played_again_by_hand_has_the_same_winner_nonce_and_work() -> None:
    powers, extras = [5, 20, 35, 11], [7, 0, 2**32 - 1, 123_456]
    history = history_of(ProofOfWorkLedger(ChainRules(2), powers, extras))
    assert history.chain is not None
    total = [0] * len(powers)
    for block, work in zip(history.chain.blocks[1:], history.work, strict=True):
        winner, nonce, hashes = play_again(block, powers, extras, zeros=2)
        assert (block.miner, block.nonce) == (f"miner-{winner}", nonce)
        assert (work.hashes, work.wasted_hashes) == (sum(hashes), sum(hashes) - hashes[winner])
        total = [a + b for a, b in zip(total, hashes, strict=True)]
    assert [miner.hashes for miner in history.miners] == total


def test_the_standard_ledger_has_fifteen_miners_three_zeros_and_a_tenth_of_reward() -> None:
    history = history_of(build(np.random.default_rng(0)))
    assert history.chain is not None
    rules = history.chain.rules
    assert (rules.difficulty, rules.block_transactions, rules.reward_micro) == (3, 50, 100_000)
    assert len(history.miners) == 15
    assert sum(miner.balance_micro for miner in history.miners) == 400_000
    assert len({miner.power for miner in history.miners}) > 5


def test_what_miners_and_blocks_count_agrees() -> None:
    history = history_of(build(np.random.default_rng(1), difficulty=1), intervals=40)
    assert sum(miner.hashes for miner in history.miners) == sum(work.hashes for work in history.work)
    assert sum(miner.blocks for miner in history.miners) == len(history.work) == 40
    assert sum(miner.stale for miner in history.miners) == sum(work.stale for work in history.work) > 0
    assert all(0 < work.wasted_hashes < work.hashes for work in history.work)


def test_blocks_are_won_in_proportion_to_power() -> None:
    """2,000 races at two zeros; each share lies within four standard errors, also though many find in one round."""
    powers = [5, 10, 20, 35]
    wins: Counter[int] = Counter()
    for number in range(2_000):
        racers = [Racer(power, 0, f"race {number} miner {place}".encode()) for place, power in enumerate(powers)]
        wins[race(racers, 2).winner] += 1
    for place, power in enumerate(powers):
        share = power / sum(powers)
        assert abs(wins[place] / 2_000 - share) < 4 * (share * (1 - share) / 2_000) ** 0.5


@pytest.mark.parametrize("difficulty", [1, 2])
def test_a_block_takes_sixteen_times_the_hashes_with_each_zero(difficulty: int) -> None:
    """Hashes until the first find are geometric with mean 16^d; one miner alone wastes none."""
    spent = [race([Racer(1, 0, f"block {number}".encode())], difficulty).work.hashes for number in range(1_000)]
    assert abs(np.mean(spent) / 16**difficulty - 1) < 4 / 1_000**0.5


def test_the_earliest_in_the_round_wins_then_fewer_tries_then_the_lower_number() -> None:
    racers = [Racer(power, 0, b"") for power in (10, 20, 10, 20)]
    hit = {tries: _Hit(tries, tries, b"") for tries in range(1, 21)}
    assert _judge(racers, 1, {0: hit[6], 1: hit[11]}).winner == 1
    assert _judge(racers, 1, {0: hit[5], 1: hit[10]}).winner == 0
    assert _judge(racers, 1, {1: hit[10], 2: hit[5]}).winner == 2
    assert _judge(racers, 1, {2: hit[5], 0: hit[5]}).winner == 0
    found = _judge(racers, 3, {1: hit[9], 3: hit[7]})
    assert (found.winner, found.stale, found.hashes) == (3, (1,), (30, 49, 30, 47))
    assert (found.work.hashes, found.work.wasted_hashes, found.work.stale) == (156, 109, 1)


def test_an_interval_fills_as_many_blocks_as_it_needs_a_second_apart() -> None:
    ledger = build(np.random.default_rng(2), difficulty=1)
    ledger.record(Interval(490_000, 3_600), trades(98))
    ledger.record(Interval(490_001, 3_600), trades(99))
    chain = ledger.close().chain
    assert chain is not None
    first, second = 490_001 * 3_600, 490_002 * 3_600
    assert [block.timestamp_s for block in chain.blocks] == [0, first, first + 1, second, second + 1, second + 2]
    assert [len(block.transactions) for block in chain.blocks] == [1, 50, 50, 50, 50, 2]


def test_other_seeds_have_other_winners() -> None:
    chains = [history_of(build(np.random.default_rng(seed), difficulty=2)).chain for seed in range(8)]
    assert len({chain.blocks[-1].hash for chain in chains if chain}) == 8


def test_miners_can_be_equally_fast() -> None:
    history = history_of(build(np.random.default_rng(3), equal_power=True, miners=4, difficulty=1, reward="2.5"))
    assert {miner.power for miner in history.miners} == {20}
    assert sum(miner.balance_micro for miner in history.miners) == 4 * 2_500_000


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"difficulty": 0}, "difficulty of a proof-of-work ledger is 0; it must be 1 … 6"),
        ({"difficulty": 7}, "difficulty of a proof-of-work ledger is 7; it must be 1 … 6"),
        ({"miners": 0}, "number of miners of a proof-of-work ledger is 0; it must be 1 … 1000"),
        ({"block_transactions": 1}, "size of a block of a proof-of-work ledger is 1; it must be 2 … 1000000"),
        ({"reward": -1}, "reward in micro of a proof-of-work ledger is -1000000; it must be 0 … "),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_ledger_that_cannot_be_is_refused(parameters: dict[str, int], words: str) -> None:
    with pytest.raises(LedgerError, match=words):
        build(np.random.default_rng(0), **parameters)  # type: ignore[arg-type]
