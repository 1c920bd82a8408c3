"""Merkle trees of readings, as the device registry proves them.

Leaves are hashed twice and sorted, pairs are sorted before they are hashed: the tree of OpenZeppelin's
StandardMerkleTree, in which a proof is sibling hashes alone. The tree is an array in which the children of node i are
nodes 2i + 1 and 2i + 2; the smallest leaf stands last.
"""

from collections.abc import Iterable, Sequence

from microgrid.domain.errors import BadInputError
from microgrid.domain.records import Reading
from microgrid.domain.wire import SigningDomain, keccak256

COMMITMENT_TYPE = keccak256(b"Commitment(uint64 interval,bytes32 root,uint32 count)")


def leaf_hash(encoded: bytes) -> bytes:
    """keccak256(keccak256(encoded)), so that no inner node passes for a leaf."""
    return keccak256(keccak256(encoded))


def reading_leaf(reading: Reading, interval: int, domain: SigningDomain) -> bytes:
    """Leaf of a reading that ends or lies in an interval, bound to chain and contract of the registry."""
    numbers = (reading.chain_sequence, reading.timestamp_s, reading.import_wh, reading.export_wh)
    head = _words(domain.chain_id, int(domain.contract, 16), interval)
    return leaf_hash(head + reading.device_id + _words(*numbers) + keccak256(reading.payload))


def commitment_digest(interval: int, root: bytes, count: int, domain: SigningDomain) -> bytes:
    """EIP-712 digest that an oracle key signs to commit the readings of an interval."""
    return domain.digest(keccak256(COMMITMENT_TYPE + _words(interval) + root + _words(count)))


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def hash_pair(one: bytes, other: bytes) -> bytes:
    """keccak256 of two hashes, the smaller one first."""
    return keccak256(min(one, other) + max(one, other))


class MerkleTree:
    """A tree over 32-byte leaves.

    Args:
        leaves: The leaf hashes, in any order.

    Raises:
        BadInputError: no leaves.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self.leaves = sorted(leaves)
        if not self.leaves:
            message = "a Merkle tree needs at least one leaf"
            raise BadInputError(message)
        self._nodes = [b""] * (len(self.leaves) - 1) + self.leaves[::-1]
        for place in reversed(range(len(self.leaves) - 1)):
            self._nodes[place] = hash_pair(self._nodes[2 * place + 1], self._nodes[2 * place + 2])

    @property
    def root(self) -> bytes:
        """The hash that stands for all leaves."""
        return self._nodes[0]

    def proof(self, leaf: bytes) -> list[bytes]:
        """Sibling hashes from a leaf up to the root.

        Raises:
            BadInputError: the leaf is not in the tree.
        """
        try:
            place = self._nodes.index(leaf, len(self.leaves) - 1)
        except ValueError:
            message = f"leaf 0x{leaf.hex()} is not in the tree"
            raise BadInputError(message) from None
        proof = []
        while place > 0:
            proof.append(self._nodes[place + 1 if place % 2 else place - 1])
            place = (place - 1) // 2
        return proof


def is_proven(leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf to the root."""
    for sibling in proof:
        leaf = hash_pair(leaf, sibling)
    return leaf == root
