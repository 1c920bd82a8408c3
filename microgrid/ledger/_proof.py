"""Proof that a chain holds a transaction, without showing the others of its block."""

from dataclasses import dataclass

from microgrid.domain.blocks import Chain, Transaction
from microgrid.domain.errors import LedgerError
from microgrid.ledger._encoding import leaves_of, transaction_bytes
from microgrid.ledger._merkle import leaf_hash, path_of, root_by_path


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Hashes from a transaction up to its block's Merkle root.

    Attributes:
        block: Index of the block.
        transaction: What is proven.
        path: Siblings, the lowest first: whether it stands on the left, and its hash in hexadecimal.
    """

    block: int
    transaction: Transaction
    path: tuple[tuple[bool, str], ...]


def prove(chain: Chain, block: int, position: int) -> InclusionProof:
    """Proof for the transaction at `position` of a block.

    Raises:
        LedgerError: no such block or transaction.
    """
    if not 0 <= block < len(chain.blocks):
        raise LedgerError(what="block to prove", found=block, right=f"0 … {len(chain.blocks) - 1}")
    transactions = chain.blocks[block].transactions
    if not 0 <= position < len(transactions):
        raise LedgerError(what="transaction to prove", found=position, right=f"0 … {len(transactions) - 1}")
    path = path_of(leaves_of(transactions), position)
    return InclusionProof(block, transactions[position], tuple((on_left, node.hex()) for on_left, node in path))


def is_included(proof: InclusionProof, merkle_root: str) -> bool:
    """Whether the proof leads to the root; where that root comes from is the verifier's affair."""
    try:
        path = [(on_left, bytes.fromhex(node)) for on_left, node in proof.path]
        leaf = leaf_hash(transaction_bytes(proof.transaction))
    except (LedgerError, ValueError):
        return False
    return root_by_path(leaf, path).hex() == merkle_root
