"""Proof of work: ten blocks that fifteen miners compete for at difficulty 3, beside SHA-256 alone."""

import hashlib
from time import perf_counter

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.blocks import Transaction, TransactionKind
from microgrid.domain.intervals import Interval
from microgrid.wiring.measuring import Figure

BLOCKS, MINERS, DIFFICULTY, BAR_S = 10, 15, 3, 1.0
TRADES_A_BLOCK = 20
SECONDS = 3_600
NONCE_BYTES = 8


def run(*, quick: bool) -> list[Figure]:
    """Time of the ledger and of as many bare hashes; quick: three blocks at difficulty 1."""
    blocks, difficulty = (3, 1) if quick else (BLOCKS, DIFFICULTY)
    runs = 1 if quick else 3
    measured = [_mine(blocks, difficulty) for _ in range(runs)]
    seconds, hashes = min(measured)
    bare = min(_bare(hashes) for _ in range(runs))
    return [
        Figure(
            f"{blocks} blocks, {MINERS} miners, difficulty {difficulty}",
            seconds,
            "s",
            f"{hashes:,} times SHA-256 in hashlib",
            bare,
            None if quick else BAR_S,
            runs,
        )
    ]


def _mine(blocks: int, difficulty: int) -> tuple[float, int]:
    """Seconds and hashes; the seed is fixed, so every run tries the same ones."""
    ledger = plugins.load("ledger", "proof_of_work").build(
        np.random.default_rng(0), difficulty=difficulty, miners=MINERS
    )
    trades = [Transaction(0, TransactionKind.PEER, "a", f"b{n}", 100 + n, 1_000, 100) for n in range(TRADES_A_BLOCK)]
    began = perf_counter()
    for index in range(blocks):
        ledger.record(Interval(index, SECONDS), trades)
    seconds = perf_counter() - began
    return seconds, sum(miner.hashes for miner in ledger.close().miners)


def _bare(hashes: int) -> float:
    header, sha256 = bytes(range(120)), hashlib.sha256
    began = perf_counter()
    for nonce in range(hashes):
        sha256(header + nonce.to_bytes(NONCE_BYTES, "big")).digest()
    return perf_counter() - began
