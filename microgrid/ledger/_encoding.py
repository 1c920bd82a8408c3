"""The bytes that are hashed. Integers are big-endian; a text is its length in UTF-8 bytes (2 bytes), then these.

A transaction:

    interval (8, signed) | energy_wh (8, signed) | price_micro_per_kwh (8, signed) | amount_micro (8, signed) |
    kind, payer, payee, note (texts)

A header, whose SHA-256 is the block's hash:

    index (8) | previous hash (32) | Merkle root (32) | timestamp_s (8) | difficulty (1) | miner (text) | nonce (8)

The nonce stands last, so that a miner hashes what is before it only once.
"""

from hashlib import sha256
from struct import Struct
from struct import error as StructError  # noqa: N812 - the module's own name says nothing where it is caught

from microgrid.domain.blocks import Block, Chain, ChainRules, Transaction, TransactionKind
from microgrid.domain.errors import LedgerError
from microgrid.ledger._merkle import leaf_hash, root_of

NUMBERS = Struct(">qqqq")
HEADER = Struct(">Q32s32sQB")
LENGTH, NONCE = Struct(">H"), Struct(">Q")
NO_HASH = "0" * 64
GENESIS_MINER = "genesis"


def transaction_bytes(transaction: Transaction) -> bytes:
    """Canonical bytes of a transaction.

    Raises:
        LedgerError: a number beyond 64 bits, a text beyond 65,535 bytes or with half a character in it.
    """
    t = transaction
    try:
        numbers = NUMBERS.pack(t.interval, t.energy_wh, t.price_micro_per_kwh, t.amount_micro)
        return numbers + b"".join(map(_text, (t.kind, t.payer, t.payee, t.note)))
    except (StructError, UnicodeEncodeError) as error:
        raise LedgerError(what="transaction", found=t, right="of 64-bit numbers and short texts") from error


def header_prefix(
    *, index: int, previous_hash: str, merkle_root: bytes, timestamp_s: int, difficulty: int, miner: str
) -> bytes:
    """Header without its nonce.

    Raises:
        LedgerError: a field that does not fit.
    """
    try:
        fixed = HEADER.pack(index, bytes.fromhex(previous_hash), merkle_root, timestamp_s, difficulty)
        return fixed + _text(miner)
    except (StructError, UnicodeEncodeError, ValueError) as error:
        raise LedgerError(what="header of block", found=index, right="of numbers and texts that fit it") from error


def header_bytes(block: Block) -> bytes:
    """Header of a block.

    Raises:
        LedgerError: a field that does not fit.
    """
    prefix = header_prefix(
        index=block.index,
        previous_hash=block.previous_hash,
        merkle_root=bytes.fromhex(block.merkle_root),
        timestamp_s=block.timestamp_s,
        difficulty=block.difficulty,
        miner=block.miner,
    )
    try:
        return prefix + NONCE.pack(block.nonce)
    except StructError as error:
        raise LedgerError(what="nonce", found=block.nonce, right="0 … 2**64 - 1") from error


def leaves_of(transactions: tuple[Transaction, ...]) -> list[bytes]:
    """Leaves of a block's Merkle tree."""
    return [leaf_hash(transaction_bytes(transaction)) for transaction in transactions]


def genesis(rules: ChainRules) -> Chain:
    """The chain that holds its first block alone: no work in it, but the rules, so that its hash stands for them."""
    words = (
        f"difficulty {rules.difficulty}, at most {rules.block_transactions} transactions a block, "
        f"reward {rules.reward_micro} micro"
    )
    transactions = (Transaction(0, TransactionKind.GENESIS, "", "", 0, note=words),)
    root = root_of(leaves_of(transactions))
    prefix = header_prefix(
        index=0, previous_hash=NO_HASH, merkle_root=root, timestamp_s=0, difficulty=0, miner=GENESIS_MINER
    )
    digest = sha256(prefix + NONCE.pack(0)).hexdigest()
    return Chain(rules, (Block(0, NO_HASH, root.hex(), 0, 0, GENESIS_MINER, 0, digest, transactions),))


def _text(text: str) -> bytes:
    data = text.encode()
    return LENGTH.pack(len(data)) + data
