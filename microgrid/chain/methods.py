"""The methods of an Ethereum node, as web3 and Foundry's tools ask for them, answered by a local chain."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_tester.backends.pyevm.serializers import (
    serialize_block,
    serialize_transaction,
    serialize_transaction_receipt,
)

from microgrid import __version__
from microgrid.chain import wallet
from microgrid.chain.evm import CHAIN_ID, LocalChain, Message, MinedBlock
from microgrid.chain.logs import LogFilter
from microgrid.chain.shapes import data_bytes, hexadecimal, json_shape, quantity
from microgrid.domain.errors import UnknownBlockError

PRIORITY_FEE_WEI = 0
Method = Callable[..., Any]
METHODS: dict[str, str] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Offer a function of the node under its JSON-RPC name."""

    def register(function: Method) -> Method:
        METHODS[name] = function.__name__
        return function

    return register


@dataclass
class NodeMethods:
    """One Python method for each JSON-RPC method; parameters and results are in JSON shape."""

    chain: LocalChain
    _snapshots: list[int] = field(default_factory=list)

    # --- the node -------------------------------------------------------------------------------------------------

    @method("web3_clientVersion")
    def client_version(self) -> str:
        """Name of this node."""
        return f"microgrid/{__version__}"

    @method("net_version")
    def network(self) -> str:
        """Chain id as a decimal string."""
        return str(CHAIN_ID)

    @method("net_listening")
    def listening(self) -> bool:
        """Always true."""
        return True

    @method("eth_syncing")
    def syncing(self) -> bool:
        """Never."""
        return False

    @method("eth_chainId")
    def chain_id(self) -> str:
        """Chain id."""
        return quantity(CHAIN_ID)

    @method("eth_accounts")
    def accounts(self) -> list[str]:
        """Addresses of the funded accounts."""
        return [key.address for key in self.chain.keys]

    # --- fees -----------------------------------------------------------------------------------------------------

    @method("eth_gasPrice")
    def gas_price(self) -> str:
        """Base fee of the next block and the tip."""
        return quantity(self._next_base_fee_wei() + PRIORITY_FEE_WEI)

    @method("eth_maxPriorityFeePerGas")
    def priority_fee(self) -> str:
        """Tip that gets a transaction mined: none is needed."""
        return quantity(PRIORITY_FEE_WEI)

    @method("eth_feeHistory")
    def fee_history(self, count: str | int, newest: str, percentiles: list[float] | None = None) -> dict[str, Any]:
        """Base fees of the last blocks and of the next one."""
        last = self._block(newest).number
        blocks = self.chain.blocks[max(0, last + 1 - _integer(count)) : last + 1]
        fees = [mined.block.header.base_fee_per_gas or 0 for mined in blocks]
        fees.append(self._next_base_fee_wei())
        return {
            "oldestBlock": quantity(blocks[0].number),
            "baseFeePerGas": [quantity(fee) for fee in fees],
            "gasUsedRatio": [mined.block.header.gas_used / mined.block.header.gas_limit for mined in blocks],
            "reward": [[quantity(PRIORITY_FEE_WEI)] * len(percentiles or ()) for _ in blocks],
        }

    def _next_base_fee_wei(self) -> int:
        return self.chain.pending_header().base_fee_per_gas or 0

    # --- state ----------------------------------------------------------------------------------------------------

    @method("eth_blockNumber")
    def block_number(self) -> str:
        """Height of the chain."""
        return quantity(self.chain.blocks[-1].number)

    @method("eth_getBalance")
    def balance(self, address: str, block: str = "latest") -> str:
        """Balance in wei."""
        return quantity(self._state(block).get_balance(data_bytes(address)))

    @method("eth_getTransactionCount")
    def nonce(self, address: str, block: str = "latest") -> str:
        """Number of transactions sent from an account."""
        return quantity(self._state(block).get_nonce(data_bytes(address)))

    @method("eth_getCode")
    def code(self, address: str, block: str = "latest") -> str:
        """Code of a contract."""
        return hexadecimal(self._state(block).get_code(data_bytes(address)))

    @method("eth_getStorageAt")
    def storage(self, address: str, slot: str, block: str = "latest") -> str:
        """One storage word."""
        word = self._state(block).get_storage(data_bytes(address), _integer(slot))
        return hexadecimal(word.to_bytes(32, "big"))

    @method("eth_call")
    def call_contract(self, call: dict[str, Any], block: str = "latest", *_overrides: Any) -> str:
        """What a call returns."""
        return hexadecimal(self.chain.call(self._message(call), self._header(block)))

    @method("eth_estimateGas")
    def estimate_gas(self, call: dict[str, Any], block: str = "pending", *_overrides: Any) -> str:
        """Gas that a transaction needs."""
        return quantity(self.chain.estimate_gas(self._message(call), self._header(block)))

    # --- transactions, blocks, logs -------------------------------------------------------------------------------

    @method("eth_sendRawTransaction")
    def send_raw_transaction(self, raw: str) -> str:
        """Mine a signed transaction; returns its hash."""
        return hexadecimal(self.chain.send(data_bytes(raw)))

    @method("eth_sendTransaction")
    def send_transaction(self, call: dict[str, Any]) -> str:
        """Sign with one of the node's own accounts and mine; returns the hash."""
        gas = call.get("gas") or self.estimate_gas(call)
        defaults = {"chainId": CHAIN_ID, "nonce": self.nonce(call["from"]), "gas": gas, "value": 0}
        fees = {"maxFeePerGas": 2 * self._next_base_fee_wei(), "maxPriorityFeePerGas": PRIORITY_FEE_WEI}
        return hexadecimal(self.chain.send(wallet.sign(self.chain.keys, call, defaults | fees)))

    @method("eth_getTransactionByHash")
    def transaction(self, transaction_hash: str) -> dict[str, Any] | None:
        """A transaction and where it stands."""
        found = self.chain.location(data_bytes(transaction_hash))
        if found is None:
            return None
        block = self.chain.blocks[found[0]].block
        return json_shape(
            serialize_transaction(block, block.transactions[found[1]], found[1], is_pending=False), "input"
        )

    @method("eth_getTransactionReceipt")
    def receipt(self, transaction_hash: str) -> dict[str, Any] | None:
        """Gas used, status and logs of a transaction, None where it is unknown."""
        found = self.chain.location(data_bytes(transaction_hash))
        return None if found is None else self._receipt(self.chain.blocks[found[0]], found[1])

    def _receipt(self, mined: MinedBlock, index: int) -> dict[str, Any]:
        transaction = mined.block.transactions[index]
        shape = serialize_transaction_receipt(
            mined.block, mined.receipts, transaction, index, is_pending=False, vm=None
        )
        del shape["state_root"]
        shape["logs_bloom"] = mined.receipts[index].bloom.to_bytes(256, "big")
        return json_shape(shape)

    @method("eth_getBlockReceipts")
    def block_receipts(self, block: str) -> list[dict[str, Any]]:
        """Receipts of all transactions of a block."""
        mined = self._block(block)
        return [self._receipt(mined, index) for index in range(len(mined.receipts))]

    @method("eth_getBlockByNumber")
    def block_by_number(self, block: str, full: bool = False) -> dict[str, Any] | None:  # noqa: FBT001, FBT002
        """A block, with whole transactions where `full`."""
        try:
            if block == "pending":
                return _block_shape(self.chain.pending_block(), full=full) | {"hash": None, "nonce": None}
            return _block_shape(self._block(block), full=full)
        except UnknownBlockError:
            return None

    @method("eth_getBlockByHash")
    def block_by_hash(self, block_hash: str, full: bool = False) -> dict[str, Any] | None:  # noqa: FBT001, FBT002
        """A block by its hash."""
        wanted = data_bytes(block_hash)
        found = [mined for mined in self.chain.blocks if mined.block.hash == wanted]
        return _block_shape(found[0], full=full) if found else None

    @method("eth_getLogs")
    def logs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Logs of a range of blocks, by address and topics."""
        if "blockHash" in query:
            wanted = data_bytes(query["blockHash"])
            blocks = [mined for mined in self.chain.blocks if mined.block.hash == wanted]
        else:
            first = self._block(query.get("fromBlock", "latest")).number
            blocks = self.chain.blocks[first : self._block(query.get("toBlock", "latest")).number + 1]
        matching = LogFilter.of(query)
        found = [log for mined in blocks if matching.may_match(mined.block.header.bloom) for log in self._logs(mined)]
        return [log for log in found if matching.matches(log)]

    def _logs(self, mined: MinedBlock) -> list[dict[str, Any]]:
        return [log for index in range(len(mined.receipts)) for log in self._receipt(mined, index)["logs"]]

    # --- development ----------------------------------------------------------------------------------------------

    @method("evm_snapshot")
    def snapshot(self) -> str:
        """Id to return to with `evm_revert`."""
        self._snapshots.append(self.chain.snapshot())
        return quantity(len(self._snapshots))

    @method("evm_revert")
    def revert(self, snapshot_id: str | int) -> bool:
        """Return to a snapshot; it and later ones are gone then."""
        number = _integer(snapshot_id)
        if not 0 < number <= len(self._snapshots):
            return False
        self.chain.revert_to(self._snapshots[number - 1])
        del self._snapshots[number - 1 :]
        return True

    @method("evm_mine")
    def mine(self, timestamp: str | int | None = None) -> str:
        """Mine an empty block, at a time where one is given."""
        if timestamp is not None:
            self.set_next_timestamp(timestamp)
        self.chain.mine()
        return "0x0"

    @method("evm_setNextBlockTimestamp")
    def set_next_timestamp(self, timestamp: str | int) -> None:
        """Time of the next block; a running clock goes on from there."""
        time_s = _integer(timestamp)
        self.chain.set_next_timestamp(time_s)
        if self.chain.clock is not None:
            self._run_clock_from(time_s)

    @method("evm_increaseTime")
    def increase_time(self, seconds: str | int) -> str:
        """Move the clock ahead; returns the seconds moved."""
        time_s = self.chain.next_timestamp_s() + _integer(seconds)
        self.chain.set_next_timestamp(time_s)
        if self.chain.clock is not None:
            self._run_clock_from(time_s)
        return quantity(_integer(seconds))

    def _run_clock_from(self, time_s: int) -> None:
        offset_s = time_s - int(time.time())
        self.chain.clock = lambda: int(time.time()) + offset_s

    # --- parameters -----------------------------------------------------------------------------------------------

    def _block(self, name: str | int) -> MinedBlock:
        if name in {"latest", "pending", "safe", "finalized"}:
            return self.chain.blocks[-1]
        number = 0 if name == "earliest" else _integer(name)
        if not 0 <= number < len(self.chain.blocks):
            message = f"block {number} does not exist; the latest is {self.chain.blocks[-1].number}"
            raise UnknownBlockError(message)
        return self.chain.blocks[number]

    def _header(self, name: Any) -> Any:
        if isinstance(name, dict):
            name = name.get("blockNumber") or self._number_of(name["blockHash"])
        return self.chain.pending_header() if name == "pending" else self._block(name or "latest").block.header

    def _number_of(self, block_hash: str) -> int:
        wanted = data_bytes(block_hash)
        for mined in self.chain.blocks:
            if mined.block.hash == wanted:
                return mined.number
        message = f"block {block_hash} does not exist"
        raise UnknownBlockError(message)

    def _state(self, block: Any) -> Any:
        return self.chain.state(None if block in {"latest", "pending"} else self._header(block))

    def _message(self, call: dict[str, Any]) -> Message:
        return Message(
            sender=data_bytes(call.get("from") or self.chain.keys[0].address),
            to=data_bytes(call.get("to") or "0x"),
            data=data_bytes(call.get("input") or call.get("data") or "0x"),
            value=_integer(call.get("value") or 0),
            gas=_integer(call.get("gas") or self.chain.head.gas_limit),
        )


def _block_shape(mined: MinedBlock, *, full: bool) -> dict[str, Any]:
    return json_shape(serialize_block(mined.block, full, is_pending=False), "input")


def _integer(value: str | int) -> int:
    return int(value, 0) if isinstance(value, str) else int(value)
