"""Merkle trees against OpenZeppelin's, by reference vectors."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from microgrid.domain.errors import BadInputError
from microgrid.domain.merkle import MerkleTree, is_proven, leaf_hash

CASES = json.loads((Path(__file__).parent.parent / "reference" / "merkle.json").read_text("utf-8"))["cases"]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _leaf(inputs: dict[str, Any], value: Any) -> bytes:
    kinds = inputs["leaf_encoding"]
    if kinds is None:
        return _bytes(value)
    return leaf_hash(encode(kinds, [v if kind == "address" else int(v) for kind, v in zip(kinds, value, strict=True)]))


@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in CASES if "values" in c["inputs"]])
def test_root_leaves_and_proofs_are_those_of_openzeppelin(case: dict[str, Any]) -> None:
    leaves = [_leaf(case["inputs"], value) for value in case["inputs"]["values"]]
    tree = MerkleTree(leaves)
    assert tree.root == _bytes(case["expected"]["root"])
    if case["expected"]["leaves"] is not None:
        assert leaves == [_bytes(leaf) for leaf in case["expected"]["leaves"]]
    for expected in case["expected"]["proofs"]:
        proof = tree.proof(leaves[expected["index"]])
        assert proof == [_bytes(sibling) for sibling in expected["proof"]]
        assert is_proven(leaves[expected["index"]], proof, tree.root)


@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in CASES if "leaf" in c["inputs"]])
def test_a_wrong_proof_does_not_verify(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    assert not is_proven(_bytes(inputs["leaf"]), [_bytes(item) for item in inputs["proof"]], _bytes(inputs["root"]))


@given(st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=40))
def test_every_leaf_is_proven_and_order_does_not_matter(leaves: set[bytes]) -> None:
    tree = MerkleTree(leaves)
    assert MerkleTree(sorted(leaves, reverse=True)).root == tree.root
    assert all(is_proven(leaf, tree.proof(leaf), tree.root) for leaf in leaves)


def test_there_is_no_tree_without_leaves() -> None:
    with pytest.raises(BadInputError, match="at least one leaf"):
        MerkleTree([])


def test_a_stranger_has_no_proof() -> None:
    with pytest.raises(BadInputError, match="not in the tree"):
        MerkleTree([bytes(32)]).proof(b"\x01" * 32)
