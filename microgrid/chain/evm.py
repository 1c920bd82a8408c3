"""An EVM in this process: eth-tester's py-evm chain under Cancun rules.

One block for each transaction; the clock is the caller's to set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from eth.abc import BlockAPI, BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.vm.spoof import SpoofTransaction
from eth_tester.backends.pyevm.main import PyEVMBackend, get_default_genesis_params
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from microgrid.chain.backend import DEV_ACCOUNT_PATH, DEV_MNEMONIC
from microgrid.chain.fast_vm import FastCancunVM
from microgrid.domain.errors import ExecutionRevertedError, RejectedTransactionError
from microgrid.domain.wire import SigningKey

CHAIN_ID = 31_337
BLOCK_GAS_LIMIT = 30_000_000


@dataclass(frozen=True, slots=True)
class Message:
    """A call to be simulated: as a transaction, but unsigned and free."""

    sender: bytes
    to: bytes = b""
    data: bytes = b""
    value: int = 0
    gas: int = BLOCK_GAS_LIMIT


@dataclass(frozen=True, slots=True)
class MinedBlock:
    """A block, its receipts and what its transactions returned."""

    block: BlockAPI
    receipts: tuple[ReceiptAPI, ...]

    @property
    def number(self) -> int:
        """Height of the block."""
        return int(self.block.number)


@dataclass
class LocalChain:
    """A chain of one node.

    Attributes:
        start_s: Time of the first block, Unix seconds.
        account_count: Number of well-known accounts that own a million ether each.
        clock: Gives the time that a new block should carry; without it each block is one second after its parent unless
            `set_next_timestamp` was called. Blocks never go back in time.
    """

    start_s: int
    account_count: int = 10
    clock: Callable[[], int] | None = None
    keys: tuple[SigningKey, ...] = ()
    blocks: list[MinedBlock] = field(default_factory=list)
    _locations: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    _next_timestamp_s: int | None = None
    _state: StateAPI | None = None

    def __post_init__(self) -> None:
        self._tester = PyEVMBackend.from_mnemonic(
            DEV_MNEMONIC,
            num_accounts=self.account_count,
            hd_path=DEV_ACCOUNT_PATH,
            genesis_parameters=get_default_genesis_params({"gas_limit": BLOCK_GAS_LIMIT, "timestamp": self.start_s}),
            vm_configuration=((0, FastCancunVM),),
        )
        type(self._tester.chain).chain_id = CHAIN_ID
        self.keys = tuple(SigningKey(key.to_bytes()) for key in self._tester.account_keys)
        self.blocks = [MinedBlock(self._chain.get_canonical_block_by_number(0), ())]

    @property
    def _chain(self) -> Any:
        return self._tester.chain

    @property
    def head(self) -> BlockHeaderAPI:
        """Header of the latest block."""
        return self.blocks[-1].block.header

    def next_timestamp_s(self) -> int:
        """Time that a block mined now would carry."""
        wanted = self._next_timestamp_s
        if wanted is None:
            wanted = self.clock() if self.clock else 0
        return max(wanted, self.head.timestamp + 1)

    def set_next_timestamp(self, time_s: int) -> None:
        """Let the next block carry this time.

        Raises:
            RejectedTransactionError: it is not after the latest block.
        """
        if time_s <= self.head.timestamp:
            message = f"timestamp {time_s} is not after the latest block's {self.head.timestamp}"
            raise RejectedTransactionError(message)
        self._next_timestamp_s = time_s

    def pending_header(self) -> BlockHeaderAPI:
        """Header of the block that would be mined now."""
        header: BlockHeaderAPI = self._chain.create_header_from_parent(self.head, timestamp=self.next_timestamp_s())
        return header

    def pending_block(self) -> MinedBlock:
        """The block that would be mined now: empty, since no transaction ever waits."""
        return MinedBlock(self._chain.get_vm(self.pending_header()).get_block(), ())

    def mine(self, transactions: Sequence[SignedTransactionAPI] = ()) -> MinedBlock:
        """Add a block."""
        self._chain.header = self.pending_header()
        result, receipts, _ = self._chain.mine_all(list(transactions))
        mined = MinedBlock(result.imported_block, tuple(receipts))
        for index, transaction in enumerate(transactions):
            self._locations[transaction.hash] = (mined.number, index)
        self.blocks.append(mined)
        self._next_timestamp_s, self._state = None, None
        return mined

    def send(self, raw_transaction: bytes) -> bytes:
        """Mine a signed transaction in a block of its own; returns its hash. A revert inside it is no error here.

        Raises:
            RejectedTransactionError: undecodable, known, of another chain, wrong nonce, or it cannot pay its gas.
        """
        transaction = self._decode(raw_transaction)
        if transaction.hash in self._locations:
            message = "already known"
            raise RejectedTransactionError(message)
        self._check(transaction)
        try:
            self.mine([transaction])
        except ValidationError as error:
            raise RejectedTransactionError(str(error)) from error
        return bytes(transaction.hash)

    def _decode(self, raw_transaction: bytes) -> SignedTransactionAPI:
        try:
            transaction: SignedTransactionAPI = self._chain.get_transaction_builder().decode(raw_transaction)
            transaction.validate()
        except Exception as error:  # py-evm raises errors of rlp, eth_keys and its own here
            message = f"transaction cannot be decoded: {error}"
            raise RejectedTransactionError(message) from error
        return transaction

    def _check(self, transaction: SignedTransactionAPI) -> None:
        """The refusals that clients know by their words; py-evm checks the rest."""
        state = self.state()
        if transaction.chain_id not in {None, CHAIN_ID}:
            message = f"invalid chain id: have {transaction.chain_id}, want {CHAIN_ID}"
            raise RejectedTransactionError(message)
        expected = state.get_nonce(transaction.sender)
        if transaction.nonce != expected:
            order = "low" if transaction.nonce < expected else "high"
            message = f"nonce too {order}: next nonce {expected}, tx nonce {transaction.nonce}"
            raise RejectedTransactionError(message)
        cost = transaction.value + transaction.gas * transaction.max_fee_per_gas
        balance = state.get_balance(transaction.sender)
        if balance < cost:
            message = f"insufficient funds for gas * price + value: have {balance} want {cost}"
            raise RejectedTransactionError(message)

    def state(self, header: BlockHeaderAPI | None = None) -> StateAPI:
        """State after a block (the latest by default); with a pending header, the latest state at that time."""
        if header is not None and header != self.head:
            state: StateAPI = self._chain.get_vm(header.copy(base_fee_per_gas=0)).state
            return state
        if self._state is None:
            self._state = self._chain.get_vm(self.head.copy(base_fee_per_gas=0)).state
        return self._state

    def call(self, message: Message, header: BlockHeaderAPI | None = None) -> bytes:
        """What a call returns; it leaves no trace.

        Raises:
            ExecutionRevertedError: the call ended in an error.
        """
        return bytes(self._simulate(message, header).output)

    def estimate_gas(self, message: Message, header: BlockHeaderAPI | None = None) -> int:
        """Gas limit with which the message succeeds: what it uses before refunds, and what the 63/64 rule keeps back.

        Raises:
            ExecutionRevertedError: it fails with all the gas of a block.
        """
        computation = self._simulate(Message(message.sender, message.to, message.data, message.value), header)
        limit = BLOCK_GAS_LIMIT - computation.get_gas_remaining()
        while limit < BLOCK_GAS_LIMIT:
            try:
                self._simulate(Message(message.sender, message.to, message.data, message.value, limit), header)
            except ExecutionRevertedError:
                limit += limit // 32
            else:
                return limit
        return BLOCK_GAS_LIMIT

    def _simulate(self, message: Message, header: BlockHeaderAPI | None) -> ComputationAPI:
        state = self.state(header)
        snapshot = state.snapshot()
        try:
            computation = state.apply_transaction(self._unsigned(message, state))
        except ValidationError as error:
            raise RejectedTransactionError(str(error)) from error
        finally:
            state.revert(snapshot)
        if computation.is_error:
            raise ExecutionRevertedError(bytes(computation.output), _reason(computation))
        return computation

    def _unsigned(self, message: Message, state: StateAPI) -> SignedTransactionAPI:
        unsigned = self._chain.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID,
            nonce=state.get_nonce(Address(message.sender)),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=min(message.gas, BLOCK_GAS_LIMIT),
            to=message.to or CREATE_CONTRACT_ADDRESS,
            value=message.value,
            data=message.data,
            access_list=(),
        )
        return cast(SignedTransactionAPI, SpoofTransaction(unsigned, from_=message.sender))

    def location(self, transaction_hash: bytes) -> tuple[int, int] | None:
        """Block number and index of a transaction, None where it is unknown."""
        return self._locations.get(transaction_hash)

    def snapshot(self) -> int:
        """Height to return to with `revert_to`."""
        return self.blocks[-1].number

    def revert_to(self, height: int) -> None:
        """Forget all blocks above this height."""
        for mined in self.blocks[height + 1 :]:
            for transaction in mined.block.transactions:
                self._locations.pop(transaction.hash, None)
        del self.blocks[height + 1 :]
        self._tester.revert_to_snapshot(self.head.hash)
        self._next_timestamp_s, self._state = None, None


def _reason(computation: ComputationAPI) -> str:
    return "" if computation.output else type(computation.error).__name__
