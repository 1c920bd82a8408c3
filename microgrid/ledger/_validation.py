"""Whether a chain is what its rules allow, and if not, where it first is not.

Any change of a recorded byte shows: transactions are under the Merkle root, the root and all other fields under the
hash, the hash under the next block and under the proof of work. What cannot show is a whole tail mined anew, which at a
difficulty of three takes seconds: whoever needs more keeps the last hash elsewhere and compares.
"""

from collections.abc import Iterator
from hashlib import sha256

from microgrid.domain.blocks import Block, Chain, ChainRules, TransactionKind
from microgrid.domain.errors import LedgerError
from microgrid.ledger._encoding import genesis, header_bytes, leaves_of
from microgrid.ledger._merkle import root_of


def validate(chain: Chain) -> str | None:
    """The first problem in words, or None where the chain is sound."""
    if not chain.blocks:
        return "the chain has no blocks"
    first, expected = chain.blocks[0], genesis(chain.rules).blocks[0]
    if first != expected:
        return f"block 0 is not the genesis block of these rules: it must have hash {expected.hash}"
    for index, (before, block) in enumerate(zip(chain.blocks, chain.blocks[1:], strict=False), 1):
        problem = _first_problem(chain.rules, index, before, block)
        if problem:
            return f"block {index}: {problem}"
    return None


def _first_problem(rules: ChainRules, index: int, before: Block, block: Block) -> str | None:
    try:
        return next(_problems(rules, index, before, block), None)
    except LedgerError as error:
        return str(error)


def _problems(rules: ChainRules, index: int, before: Block, block: Block) -> Iterator[str]:
    """Each check relies on those before it."""
    if block.index != index:
        yield f"it is numbered {block.index}"
    if block.previous_hash != before.hash:
        yield f"it follows {block.previous_hash}, but the block before has hash {before.hash}"
    if block.timestamp_s <= before.timestamp_s:
        yield f"its time {block.timestamp_s} s is not after {before.timestamp_s} s, that of the block before"
    if block.difficulty != rules.difficulty:
        yield f"its difficulty is {block.difficulty}, the chain's {rules.difficulty}"
    yield from _problems_of_transactions(rules, block)
    digest = sha256(header_bytes(block)).hexdigest()
    if block.hash != digest:
        yield f"its hash is {block.hash}, but its header gives {digest}"
    if not digest.startswith("0" * rules.difficulty):
        yield f"its hash {digest} does not begin with {rules.difficulty} zeros: no proof of work"


def _problems_of_transactions(rules: ChainRules, block: Block) -> Iterator[str]:
    count = len(block.transactions)
    if count > rules.block_transactions:
        yield f"it holds {count} transactions, {rules.block_transactions} are allowed"
    yield from _problems_of_coinbase(rules, block)
    root = root_of(leaves_of(block.transactions)).hex()
    if block.merkle_root != root:
        yield f"its Merkle root is {block.merkle_root}, but its transactions give {root}"


def _problems_of_coinbase(rules: ChainRules, block: Block) -> Iterator[str]:
    coinbases = [place for place, t in enumerate(block.transactions) if t.kind is TransactionKind.COINBASE]
    if coinbases != [0]:
        yield f"its coinbase must be its first transaction and the only one; coinbases stand at {coinbases}"
    coinbase = block.transactions[0]
    if (coinbase.payer, coinbase.payee, coinbase.amount_micro) != ("", block.miner, rules.reward_micro):
        yield (
            f"its coinbase pays {coinbase.amount_micro} micro to {coinbase.payee!r}, "
            f"but {block.miner!r} has earned {rules.reward_micro}"
        )
