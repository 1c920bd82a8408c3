"""SHA-256 hash trees in which the order of the entries counts.

The Merkle tree hash of RFC 9162, section 2.1: a leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right), and
the left subtree holds the largest power of two of leaves that leaves something for the right one. The prefixes keep a
node from passing for a leaf; no leaf is ever doubled, so no two lists have one root.
"""

from collections.abc import Sequence
from hashlib import sha256

LEAF, NODE = b"\x00", b"\x01"
EMPTY_ROOT = sha256().digest()

Step = tuple[bool, bytes]
"""One sibling on the way up, and whether it stands on the left."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry."""
    return sha256(LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees."""
    return sha256(NODE + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root of a tree over leaf hashes; that of no leaves is the hash of nothing."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY_ROOT
    half = _left_size(len(leaves))
    return node_hash(root_of(leaves[:half]), root_of(leaves[half:]))


def path_of(leaves: Sequence[bytes], position: int) -> tuple[Step, ...]:
    """Siblings from the leaf at `position` up to the root."""
    if len(leaves) <= 1:
        return ()
    half = _left_size(len(leaves))
    if position < half:
        return (*path_of(leaves[:half], position), (False, root_of(leaves[half:])))
    return (*path_of(leaves[half:], position - half), (True, root_of(leaves[:half])))


def root_by_path(leaf: bytes, path: Sequence[Step]) -> bytes:
    """Root that a leaf and its siblings lead to."""
    for on_left, sibling in path:
        leaf = node_hash(sibling, leaf) if on_left else node_hash(leaf, sibling)
    return leaf


def _left_size(count: int) -> int:
    """Largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1
