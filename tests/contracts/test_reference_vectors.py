"""Hashes and signatures against reference vectors, as the contracts compute them on an EVM."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from pyrevm import EVM

ARTIFACTS = Path(__file__).parent / "artifacts"
REFERENCE = Path(__file__).parent.parent / "reference"
CALLER = "0x" + "22" * 20


def _cases(name: str, prefix: str = "") -> list[Any]:
    cases = json.loads((REFERENCE / f"{name}.json").read_text("utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases if case["id"].startswith(prefix)]


@pytest.fixture(scope="module")
def call() -> Callable[..., bytes]:
    """Calls the signature harness."""
    evm = EVM(spec_id="CANCUN")
    code = json.loads((ARTIFACTS / "SignatureHarness.json").read_text("utf-8"))["bytecode"]
    address = evm.deploy(CALLER, bytes.fromhex(code[2:]))

    def run(signature: str, *values: Any) -> bytes:
        kinds = signature[signature.index("(") + 1 : -1].split(",")
        data = function_signature_to_4byte_selector(signature) + encode(kinds, values)
        return bytes(evm.message_call(CALLER, address, data))

    return run


def _signature(values: dict[str, Any]) -> bytes:
    numbers = (int(str(values[name]), 16) for name in ("r", "s"))
    return b"".join(number.to_bytes(32, "big") for number in numbers) + bytes([values["v"]])


def _recover(call: Callable[..., bytes], digest: bytes, signature: bytes) -> str:
    return to_checksum_address(decode(["address"], call("recover(bytes32,bytes)", digest, signature))[0])


@pytest.mark.parametrize("case", _cases("eip712"))
def test_typed_data_digest_and_signer(case: dict[str, Any], call: Callable[..., bytes]) -> None:
    expected = case["expected"]
    parts = [bytes.fromhex(expected[name][2:]) for name in ("domain_separator", "struct_hash", "digest")]
    assert call("typedDataHash(bytes32,bytes32)", *parts[:2]) == parts[2]
    assert _recover(call, parts[2], _signature(expected)) == expected["signer"]


@pytest.mark.parametrize("case", _cases("keccak_ecrecover", "ecrecover"))
def test_signer_of_a_plain_digest(case: dict[str, Any], call: Callable[..., bytes]) -> None:
    digest = bytes.fromhex(case["inputs"]["hash"][2:])
    assert _recover(call, digest, _signature(case["inputs"])) == case["expected"]["address"]
