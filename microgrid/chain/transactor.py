"""Sends transactions of one account: signs locally, keeps the nonce, counts gas, raises the contracts' own errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import ChecksumAddress, Hash32, HexStr
from hexbytes import HexBytes
from web3.contract import Contract
from web3.exceptions import TransactionNotFound, Web3Exception, Web3RPCError
from web3.types import EventData, TxParams, TxReceipt

from microgrid.chain.backend import Backend
from microgrid.chain.reverts import revert_data, typed, typed_errors
from microgrid.domain.errors import ChainError, StaleNonceError
from microgrid.domain.records import GasUse
from microgrid.domain.wire import SigningKey, checksum, keccak256

MAX_TRANSACTION_GAS = 16_777_216
RECEIPT_TIMEOUT_S = 180
STALE_NONCE = ("nonce too low", "nonce is too low", "already known", "already imported", "known transaction")


def call_data(raw_transaction: bytes) -> bytes:
    """What a signed transaction calls its contract with."""
    return bytes(_fields(raw_transaction)["data"])


def _fields(raw_transaction: bytes) -> dict[str, Any]:
    return dict(TypedTransaction.from_bytes(HexBytes(raw_transaction)).as_dict())


@dataclass(frozen=True, slots=True)
class GasBudget:
    """Upper bound of the gas that an operation takes: a part for the call and a part for each item."""

    base: int
    per_item: int = 0

    def limit(self, items: int) -> int:
        """Gas limit of a transaction with so many items."""
        return min(MAX_TRANSACTION_GAS, self.base + self.per_item * items)

    @property
    def most_items(self) -> int:
        """Most items that one transaction may hold."""
        return (MAX_TRANSACTION_GAS - self.base) // self.per_item


class Transactor:
    """One account on one chain.

    Args:
        backend: Where the chain is.
        key: The account's key.
        rehearse: Simulate each call first, so that what a contract refuses is never sent and costs nothing.
    """

    def __init__(self, backend: Backend, key: SigningKey, *, rehearse: bool = False) -> None:
        self._web3, self._chain_id, self._rehearses = backend.web3, backend.chain_id, rehearse
        self._account = Account.from_key(key.secret)
        self._nonce: int | None = None
        self._priority_fee_wei: int | None = None
        self.address: ChecksumAddress = self._account.address
        self.gas_used: list[GasUse] = []

    def read(self, contract: Contract, name: str, *args: Any) -> Any:
        """What a view returns.

        Raises:
            ContractRevertError: the contract's own error.
            ChainError: the node or the contract gave no answer.
        """
        with typed_errors():
            return contract.functions[name](*args).call({"from": self.address})

    def logs(self, contract: Contract, name: str, first_block: int, filters: Mapping[str, Any]) -> list[EventData]:
        """Events of a name whose indexed arguments are these, oldest first."""
        with typed_errors():
            return list(contract.events[name]().get_logs(from_block=first_block, argument_filters=dict(filters)))

    def execute(
        self, operation: str, contract: Contract, name: str, args: Sequence[Any], budget: GasBudget, items: int = 1
    ) -> TxReceipt:
        """Call a function in a transaction and wait until it is mined.

        Raises:
            ContractRevertError: the contract's own error.
            ChainError: the node refused the transaction.
        """
        with typed_errors():
            data = contract.encode_abi(name, list(args))
        return self.execute_call(operation, contract.address, data, budget.limit(items), items)

    def execute_call(self, operation: str, target: str, data: HexStr, gas: int, items: int = 1) -> TxReceipt:
        """The same for call data.

        Raises:
            ContractRevertError: the contract's own error.
            ChainError: the node refused the transaction.
        """
        with typed_errors():
            if self._rehearses:
                call: TxParams = {"from": self.address, "to": checksum(bytes.fromhex(target[2:])), "data": data}
                self._web3.eth.call(call, block_identifier="pending")
            raw = self._sign(target, data, gas)
        try:
            return self.send(operation, raw, items)
        except StaleNonceError:  # another process sent with the same key
            with typed_errors():
                raw = self._sign(target, data, gas)
            return self.send(operation, raw, items)

    def sign(self, contract: Contract, name: str, args: Sequence[Any], gas: int) -> bytes:
        """A signed raw transaction with the next nonce; the nonce counts as used only once it is sent."""
        with typed_errors():
            return self._sign(contract.address, contract.encode_abi(name, list(args)), gas)

    def resign(self, raw_transaction: bytes) -> bytes:
        """The same call under the next nonce."""
        fields = _fields(raw_transaction)
        self._nonce = None
        with typed_errors():
            return self._sign(checksum(bytes(fields["to"])), HexStr("0x" + bytes(fields["data"]).hex()), fields["gas"])

    def _sign(self, to: str, data: HexStr, gas: int) -> bytes:
        if self._nonce is None:
            self._nonce = self._web3.eth.get_transaction_count(self.address)
        if self._priority_fee_wei is None:
            self._priority_fee_wei = self._web3.eth.max_priority_fee
        transaction = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": self._nonce,
            "to": to,
            "value": 0,
            "data": data,
            "gas": gas,
            "maxFeePerGas": 2 * self._web3.eth.gas_price + self._priority_fee_wei,
            "maxPriorityFeePerGas": self._priority_fee_wei,
        }
        return bytes(self._account.sign_transaction(transaction).raw_transaction)

    def send(self, operation: str, raw_transaction: bytes, items: int = 1) -> TxReceipt:
        """Send a signed transaction, once or again, and wait until it is mined.

        Raises:
            StaleNonceError: its nonce was used by another transaction; this one will never be mined.
            ContractRevertError: the contract's own error.
            ChainError: the node refused it, or it was not mined in time.
        """
        transaction_hash = Hash32(keccak256(raw_transaction))
        with typed_errors():
            is_new = self._submit(raw_transaction, transaction_hash)
            receipt = self._web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=RECEIPT_TIMEOUT_S)
        if is_new:
            self.gas_used.append(GasUse(operation, receipt["gasUsed"], items))
        if receipt["status"] != 1:
            raise self._failure(operation, receipt)
        return receipt

    def receipt(self, transaction_hash: bytes) -> TxReceipt:
        """Receipt of a mined transaction."""
        with typed_errors():
            return self._web3.eth.get_transaction_receipt(Hash32(transaction_hash))

    def _submit(self, raw_transaction: bytes, transaction_hash: Hash32) -> bool:
        """Hand it to the node; False where the node had it already."""
        try:
            self._web3.eth.send_raw_transaction(raw_transaction)
        except Web3RPCError as error:
            self._nonce = None
            if not any(words in str(error).lower() for words in STALE_NONCE):
                raise
            if not self._is_known(transaction_hash):
                message = f"the nonce of transaction 0x{transaction_hash.hex()} was used by another one"
                raise StaleNonceError(message) from error
            return False
        self._nonce = None if self._nonce is None else self._nonce + 1
        return True

    def _is_known(self, transaction_hash: Hash32) -> bool:
        try:
            self._web3.eth.get_transaction(transaction_hash)
        except TransactionNotFound:
            return False
        return True

    def _failure(self, operation: str, receipt: TxReceipt) -> ChainError:
        """Why a mined transaction failed: the same call, simulated at its block."""
        sent = self._web3.eth.get_transaction(receipt["transactionHash"])
        call: TxParams = {"from": sent["from"], "to": sent["to"], "data": sent["input"], "gas": sent["gas"]}
        try:
            self._web3.eth.call(call, block_identifier=receipt["blockNumber"])
        except Web3Exception as error:
            if revert_data(error) is not None:
                return typed(error)
        return ChainError(f"transaction {operation} failed with {receipt['gasUsed']} of {sent['gas']} gas used")
