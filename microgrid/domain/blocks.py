"""What a ledger keeps: transactions, blocks, and who mined them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class TransactionKind(StrEnum):
    """What a transaction is for."""

    GENESIS = "genesis"
    COINBASE = "coinbase"
    PEER = "peer"
    MARKET = "market"
    TRANSFER = "transfer"
    BONUS = "bonus"
    PENALTY = "penalty"
    BAN = "ban"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One entry of a ledger: a trade, a transfer of credit, an act of the regulator, a miner's reward.

    Attributes:
        interval: Index of the delivery interval it belongs to.
        kind: What it is for.
        payer: Who pays: of a trade the buyer, of a transfer the sender, of a penalty or ban the home. Empty in a
            coinbase, whose money is new.
        payee: Who is paid: of a trade the seller.
        amount_micro: Money that moves from payer to payee; below zero the other way.
        energy_wh: Energy traded; zero where none is.
        price_micro_per_kwh: Its price.
        note: Reason of a regulator's act, in words.
    """

    interval: int
    kind: TransactionKind
    payer: str
    payee: str
    amount_micro: int
    energy_wh: int = 0
    price_micro_per_kwh: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A block with its header; hashes are 64 lower-case hexadecimal digits.

    Attributes:
        index: Position in the chain, the genesis block 0.
        previous_hash: Hash of the block before.
        merkle_root: Root of the transactions.
        timestamp_s: Unix seconds.
        difficulty: Leading zeros, in hexadecimal digits, that the hash must have.
        miner: Who found it.
        nonce: What makes the hash small enough.
        hash: SHA-256 of the header.
        transactions: In the order of the Merkle tree; the first pays the miner.
    """

    index: int
    previous_hash: str
    merkle_root: str
    timestamp_s: int
    difficulty: int
    miner: str
    nonce: int
    hash: str
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class ChainRules:
    """What every block of a chain obeys.

    Attributes:
        difficulty: Leading zeros of a block's hash, hexadecimal digits.
        block_transactions: Most transactions of a block, the miner's reward counted.
        reward_micro: What a block brings its miner.
    """

    difficulty: int = 3
    block_transactions: int = 50
    reward_micro: int = 100_000


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules and the blocks that follow them, the genesis block first."""

    rules: ChainRules
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Miner:
    """What one miner did.

    Attributes:
        name: As in the blocks it found.
        power: Hashes it tries in each round of the competition.
        hashes: Hashes it tried in all.
        blocks: Blocks it found first.
        stale: Blocks it found too late, in the same round as the winner.
        balance_micro: Its rewards.
    """

    name: str
    power: int
    hashes: int
    blocks: int
    stale: int
    balance_micro: int


@dataclass(frozen=True, slots=True)
class BlockWork:
    """What one block cost.

    Attributes:
        rounds: Rounds of the competition until the first find.
        hashes: Hashes of all miners.
        wasted_hashes: Those of the miners that lost.
        stale: Miners that found a block in the last round, but later than the winner.
    """

    rounds: int
    hashes: int
    wasted_hashes: int
    stale: int


@dataclass(frozen=True, slots=True)
class ContractUse:
    """What it took to settle a run on contracts.

    Attributes:
        chain_id: The chain.
        blocks: Blocks made, the genesis block apart.
        transactions: Transactions in them.
        gas: Gas of each operation in all, by name; `deploy` is all that deployed and wired the contracts.
        calls: Transactions of each operation but `deploy`, by name.
        addresses: Where the contracts are, by name.
    """

    chain_id: int
    blocks: int
    transactions: int
    gas: Mapping[str, int]
    calls: Mapping[str, int]
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LedgerHistory:
    """All that a ledger has to tell once the last interval is over.

    Attributes:
        ledger: Name of the plug-in.
        chain: The blocks, where the ledger keeps them itself.
        miners: Who competed, by number.
        work: What each block after the genesis block cost.
        contracts: What contracts took, where they are the ledger.
    """

    ledger: str
    chain: Chain | None = None
    miners: tuple[Miner, ...] = ()
    work: tuple[BlockWork, ...] = ()
    contracts: ContractUse | None = None
