"""Blocks made by hand: the layout of `microgrid/ledger/_encoding.py` written a second time, and a miner of its own."""

from dataclasses import replace
from hashlib import sha256

from microgrid.domain.blocks import Block, Chain, Transaction
from microgrid.domain.blocks import TransactionKind as Kind


def text(value: str) -> bytes:
    data = value.encode("utf-8")
    return len(data).to_bytes(2, "big") + data


def transaction_bytes(t: Transaction) -> bytes:
    numbers = (t.interval, t.energy_wh, t.price_micro_per_kwh, t.amount_micro)
    fixed = b"".join(number.to_bytes(8, "big", signed=True) for number in numbers)
    return fixed + text(t.kind.value) + text(t.payer) + text(t.payee) + text(t.note)


def header_bytes(block: Block) -> bytes:
    return (
        block.index.to_bytes(8, "big")
        + bytes.fromhex(block.previous_hash)
        + bytes.fromhex(block.merkle_root)
        + block.timestamp_s.to_bytes(8, "big")
        + block.difficulty.to_bytes(1, "big")
        + text(block.miner)
        + block.nonce.to_bytes(8, "big")
    )


def tree_root(entries: list[bytes]) -> bytes:
    """RFC 9162 from the bottom up: pair neighbours, carry an odd one over unchanged."""
    level = [sha256(b"\x00" + entry).digest() for entry in entries]
    while len(level) > 1:
        pairs = [level[place : place + 2] for place in range(0, len(level), 2)]
        level = [sha256(b"\x01" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def mined(block: Block, zeros: int) -> Block:
    """The block with its Merkle root, and a nonce and hash that begin with `zeros` zeros."""
    root = tree_root([transaction_bytes(transaction) for transaction in block.transactions]).hex()
    nonce = 0
    while True:
        trial = replace(block, merkle_root=root, nonce=nonce)
        digest = sha256(header_bytes(trial)).hexdigest()
        if digest.startswith("0" * zeros):
            return replace(trial, hash=digest)
        nonce += 1


def with_last(chain: Chain, block: Block) -> Chain:
    """The chain with another last block."""
    return Chain(chain.rules, (*chain.blocks[:-1], block))


def trades(count: int, interval: int = 490_000) -> list[Transaction]:
    """Trades between neighbours, each a little different."""
    return [
        Transaction(interval, Kind.PEER, f"home-{n}", f"home-{n + 1}", 150 * n + 7, 1_000 + n, 150_000)
        for n in range(count)
    ]
