"""The errors that contracts raise, as Python exceptions of the same name that carry the same values.

`reverts.named("GateClosed")` is the class of Solidity's `error GateClosed(uint64 interval, uint64 gateClosure)`; its
instances have `.values == {"interval": …, "gateClosure": …}`. Classes are made from the ABIs, none is written by hand.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3.exceptions import MismatchedABI, Web3Exception, Web3ValidationError

from microgrid.chain import artifacts
from microgrid.domain.errors import ChainError, ContractRevertError
from microgrid.domain.wire import checksum, keccak256

SELECTOR_BYTES = 4
STANDARD_ERRORS: tuple[dict[str, Any], ...] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)
# Errors of others, whose sources say nothing that a person could use.
FOREIGN_MEANINGS: Mapping[str, str] = {
    "AccessManagedUnauthorized": "the acting key's account does not hold the role that may do this",
    "AccessControlUnauthorizedAccount": "the acting key's account does not hold the role that may do this",
    "ECDSAInvalidSignature": "the signature is none",
    "ERC20ExceededCap": "no more reward tokens can be minted",
    "ERC20InsufficientAllowance": "the owner of the tokens has not approved that much",
    "ERC20InsufficientBalance": "the account does not hold so many tokens",
    "EnforcedPause": "new orders, deals and clearing are paused; a pause ends by itself",
    "ExpectedPause": "there is no pause to end",
    "GovernorAlreadyCastVote": "the account has voted on this proposal",
    "GovernorAlreadyQueuedProposal": "the proposal is queued already",
    "GovernorInsufficientProposerVotes": "the account has too few votes for a proposer; tokens count once delegated",
    "GovernorNonexistentProposal": "there is no such proposal",
    "GovernorUnableToCancel": "only its proposer can cancel a proposal, and only before its vote starts",
    "GovernorUnexpectedProposalState": "the proposal is not at the point of its life where this can be done",
    "TimelockUnexpectedOperationState": "the timelock's delay is not over, or it was carried out",
    "VotesExpiredSignature": "the signature is too old",
}
_HEX_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2}){4,}")


@cache
def named(name: str) -> type[ContractRevertError]:
    """The exception class of a Solidity error: one for each name."""
    return type(name, (ContractRevertError,), {"__doc__": f"Solidity's error {name}.", "__module__": __name__})


class RevertDecoder:
    """Turns revert data into exceptions, by the errors that some ABIs declare; `meanings` say them in words."""

    def __init__(self, abis: Iterable[Iterable[Mapping[str, Any]]], meanings: Mapping[str, str] | None = None) -> None:
        declared = [item for abi in abis for item in abi if item.get("type") == "error"]
        self._by_selector = {_selector(item): item for item in (*STANDARD_ERRORS, *declared)}
        self._meanings = meanings or {}

    @property
    def names(self) -> frozenset[str]:
        """Names of all errors known here."""
        return frozenset(str(item["name"]) for item in self._by_selector.values())

    def decode(self, data: bytes) -> ContractRevertError:
        """The exception for some revert data; `UnknownRevert` carries the data of an error that no ABI declares."""
        declared = self._by_selector.get(data[:SELECTOR_BYTES])
        if declared is None:
            return named("UnknownRevert")(data="0x" + data.hex())
        inputs = declared["inputs"]
        try:
            values = decode([_type(item) for item in inputs], data[SELECTOR_BYTES:])
        except DecodingError:
            return named("UnknownRevert")(data="0x" + data.hex())
        shown = {item["name"]: _value(item["type"], value) for item, value in zip(inputs, values, strict=True)}
        error = named(declared["name"])(**shown)
        error.meaning = self._meanings.get(_signature(declared), FOREIGN_MEANINGS.get(declared["name"], ""))
        return error


@cache
def contract_errors() -> RevertDecoder:
    """Decoder of all errors that the shipped contracts declare, OpenZeppelin's among them."""
    shipped = [artifacts.load(name) for name in artifacts.names()]
    meanings = {signature: _clause(notice) for made in shipped for signature, notice in made.errors.items()}
    return RevertDecoder([made.abi for made in shipped], meanings)


def _clause(notice: str) -> str:
    """The first sentence of a description, as part of another sentence."""
    first = notice.split(". ", maxsplit=1)[0].removesuffix(".")
    return first[:1].lower() + first[1:]


def typed(error: Web3Exception) -> ChainError:
    """An error of web3 as one of the platform's: a contract's own where it holds revert data."""
    if isinstance(error, MismatchedABI | Web3ValidationError):  # values that fit no function; nothing was called
        return ChainError(str(error).splitlines()[0])
    data = revert_data(error)
    return ChainError(_plain(error)) if data is None else contract_errors().decode(data)


def _plain(error: Web3Exception) -> str:
    response = getattr(error, "rpc_response", None) or {}
    refusal = response.get("error")
    return str(error) if refusal is None else f"the chain node refused: {refusal.get('message', refusal)}"


@contextmanager
def typed_errors() -> Iterator[None]:
    """Let errors of web3 come out as the platform's."""
    try:
        yield
    except Web3Exception as error:
        raise typed(error) from error


def revert_data(error: BaseException) -> bytes | None:
    """The revert data inside an error of web3, of eth-tester or of a JSON-RPC response; None where it holds none."""
    response = getattr(error, "rpc_response", None) or {}
    candidates = (getattr(error, "data", None), response.get("error"), *error.args)
    return next((data for data in map(_data_in, candidates) if data is not None), None)


def _data_in(value: Any) -> bytes | None:
    """Nodes put it into `data`, `data.data` or `data.result`, some behind a word; eth-tester as a bytes literal."""
    if isinstance(value, bytes):
        return value or None
    if isinstance(value, Mapping):
        inner = (value.get(key) for key in ("data", "result", "originalError"))
        return next((data for data in map(_data_in, inner) if data is not None), None)
    if not isinstance(value, str):
        return None
    literal = value.removeprefix("execution reverted: ")
    if literal.startswith(("b'", 'b"')):
        return bytes(ast.literal_eval(literal))
    found = _HEX_DATA.search(value)
    return bytes.fromhex(found[0][2:]) if found else None


def _signature(declared: Mapping[str, Any]) -> str:
    return f"{declared['name']}({','.join(_type(item) for item in declared['inputs'])})"


def _selector(declared: Mapping[str, Any]) -> bytes:
    return keccak256(_signature(declared).encode())[:SELECTOR_BYTES]


def _type(item: Mapping[str, Any]) -> str:
    kind = str(item["type"])
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_type(part) for part in item["components"]) + ")" + kind.removeprefix("tuple")


def _value(kind: str, value: Any) -> Any:
    if kind == "address":
        return checksum(bytes.fromhex(value.removeprefix("0x")))
    return "0x" + value.hex() if isinstance(value, bytes) else value
