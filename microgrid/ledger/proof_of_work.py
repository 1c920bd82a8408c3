"""A chain of blocks that miners compete for, by SHA-256 proof of work.

At the end of an interval its transactions are mined at once, as many blocks as they need; an interval without any makes
no block. A block's time is the end of its interval, or a second after the block before where an interval fills several.
The first transaction of a block, the coinbase, pays its miner and counts towards the block's size.

Parameters: `difficulty`, leading zeros of a hash in hexadecimal digits, 1 … 6 (each digit costs 16 times the work);
`miners`; `block_transactions`; `reward`, currency a block; `equal_power`, whether all miners are equally fast; if not,
each draws its power once.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

import numpy as np

from microgrid.domain.blocks import Block, BlockWork, Chain, ChainRules, LedgerHistory, Miner, Transaction
from microgrid.domain.blocks import TransactionKind as Kind
from microgrid.domain.errors import LedgerError
from microgrid.domain.intervals import Interval
from microgrid.domain.units import micro
from microgrid.ledger._competition import COUNTER_BITS, Find, Racer, race
from microgrid.ledger._encoding import genesis, header_prefix, leaves_of
from microgrid.ledger._merkle import path_of, root_by_path

MEAN_POWER, LEAST_POWER, MOST_POWER = 20, 5, 35
HARDEST = 6
MOST_MINERS = 1_000
EXTRA_NONCES = 1 << 32


class ProofOfWorkLedger:
    """A chain and its miners.

    Args:
        rules: What every block obeys.
        powers: Hashes that each miner tries in a round.
        extra_nonces: Upper 32 bits of each miner's nonces.
    """

    def __init__(self, rules: ChainRules, powers: Sequence[int], extra_nonces: Sequence[int]) -> None:
        self._rules = rules
        self._blocks = list(genesis(rules).blocks)
        self._work: list[BlockWork] = []
        self._powers = tuple(powers)
        self._first_nonces = [extra << COUNTER_BITS for extra in extra_nonces]
        self._names = [f"miner-{number}" for number in range(len(powers))]
        self._hashes, self._won, self._stale = ([0] * len(powers) for _ in range(3))

    def record(self, interval: Interval, transactions: Sequence[Transaction]) -> tuple[str, ...]:
        """Mine the blocks that hold the transactions.

        Raises:
            LedgerError: a transaction with a number or text too large.
        """
        blocks = [self._mine(interval, portion) for portion in self._portions(transactions)]
        return tuple(block.hash for block in blocks)

    def close(self) -> LedgerHistory:
        """The chain, its miners, and what each block cost."""
        rows = zip(self._names, self._powers, self._hashes, self._won, self._stale, strict=True)
        miners = tuple(
            Miner(name, power, hashes, won, stale, won * self._rules.reward_micro)
            for name, power, hashes, won, stale in rows
        )
        return LedgerHistory("proof_of_work", Chain(self._rules, tuple(self._blocks)), miners, tuple(self._work))

    def _portions(self, transactions: Sequence[Transaction]) -> Iterator[tuple[Transaction, ...]]:
        waiting = iter(transactions)
        return iter(lambda: tuple(islice(waiting, self._rules.block_transactions - 1)), ())

    def _mine(self, interval: Interval, transactions: tuple[Transaction, ...]) -> Block:
        before = self._blocks[-1]
        timestamp_s = max(interval.end_s, before.timestamp_s + 1)
        coinbases = [Transaction(interval.index, Kind.COINBASE, "", n, self._rules.reward_micro) for n in self._names]
        roots = _roots(coinbases, transactions)
        racers = [self._racer(number, root, timestamp_s) for number, root in enumerate(roots)]
        find = race(racers, self._rules.difficulty)
        block = Block(
            index=before.index + 1,
            previous_hash=before.hash,
            merkle_root=roots[find.winner].hex(),
            timestamp_s=timestamp_s,
            difficulty=self._rules.difficulty,
            miner=self._names[find.winner],
            nonce=find.nonce,
            hash=find.digest.hex(),
            transactions=(coinbases[find.winner], *transactions),
        )
        self._append(block, find)
        return block

    def _racer(self, number: int, root: bytes, timestamp_s: int) -> Racer:
        before = self._blocks[-1]
        prefix = header_prefix(
            index=before.index + 1,
            previous_hash=before.hash,
            merkle_root=root,
            timestamp_s=timestamp_s,
            difficulty=self._rules.difficulty,
            miner=self._names[number],
        )
        return Racer(self._powers[number], self._first_nonces[number], prefix)

    def _append(self, block: Block, find: Find) -> None:
        self._blocks.append(block)
        self._work.append(find.work)
        self._won[find.winner] += 1
        self._hashes = [sum(pair) for pair in zip(self._hashes, find.hashes, strict=True)]
        for number in find.stale:
            self._stale[number] += 1


def build(
    generator: np.random.Generator,
    *,
    difficulty: int = 3,
    miners: int = 15,
    block_transactions: int = 50,
    reward: Decimal | float | str = "0.1",
    equal_power: bool = False,
) -> ProofOfWorkLedger:
    """A chain with its genesis block.

    Raises:
        LedgerError: a parameter out of range.
    """
    _check("difficulty", difficulty, 1, HARDEST)
    _check("number of miners", miners, 1, MOST_MINERS)
    _check("size of a block", block_transactions, 2, 1_000_000)
    reward_micro = micro(reward)
    _check("reward in micro", reward_micro, 0, 10**15)
    extra_nonces = generator.integers(EXTRA_NONCES, size=miners).tolist()
    drawn = generator.integers(LEAST_POWER, MOST_POWER, size=miners, endpoint=True).tolist()
    powers = [MEAN_POWER] * miners if equal_power else drawn
    return ProofOfWorkLedger(ChainRules(difficulty, block_transactions, reward_micro), powers, extra_nonces)


def _roots(coinbases: Sequence[Transaction], transactions: tuple[Transaction, ...]) -> list[bytes]:
    """Root under each miner's coinbase: the siblings of the first leaf are the same for all, so they are found once."""
    path = path_of(leaves_of((coinbases[0], *transactions)), 0)
    return [root_by_path(leaf, path) for leaf in leaves_of(tuple(coinbases))]


def _check(what: str, found: int, least: int, most: int) -> None:
    if not least <= found <= most:
        raise LedgerError(what=f"{what} of a proof-of-work ledger", found=found, right=f"{least} … {most}")
