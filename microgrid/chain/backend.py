"""What a chain backend offers: some EVM behind web3, its clock, and an account with gas money."""

from typing import Protocol

from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from web3 import Web3

from microgrid.domain.wire import SigningKey

DEV_MNEMONIC = "test test test test test test test test test test test junk"
DEV_ACCOUNT_PATH = "m/44'/60'/0'/0"


def dev_key(index: int) -> SigningKey:
    """Key of a development account that Anvil, Hardhat and this platform's node fund. Everybody knows it."""
    return SigningKey(key_from_seed(seed_from_mnemonic(DEV_MNEMONIC, ""), f"{DEV_ACCOUNT_PATH}/{index}"))


class Backend(Protocol):
    """An EVM.

    A backend file offers `connect(url: str | None, start_s: int | None) -> Backend`: `url` names the node (or, for a
    backend that starts one, its program), `start_s` is the Unix time that the chain must not have passed yet.
    """

    @property
    def web3(self) -> Web3:
        """Client of the node, without middleware."""

    @property
    def chain_id(self) -> int:
        """Chain id that transactions and EIP-712 domains carry."""

    def now_s(self) -> int:
        """Time of the latest block, Unix seconds."""

    def advance_to(self, time_s: int) -> None:
        """Let the latest block be at `time_s` or later; nothing happens where it already is."""

    def funded_key(self) -> SigningKey:
        """Key of an account with gas money; BadInputError where the node shows none."""

    def close(self) -> None:
        """Let go of the node; end it where this backend started it."""
