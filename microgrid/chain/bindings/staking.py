"""Staking: reward tokens set aside, with an unbonding time."""

from web3.contract import Contract

from microgrid.chain.bindings.device_registry import reading_tuple
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.records import Reading

MOVE, SLASH = GasBudget(300_000), GasBudget(500_000)


class Staking:
    """The contract, with one account to send from. Amounts have 18 decimals."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def stake(self, amount_wad: int) -> None:
        """Stake this account's tokens, which must be approved."""
        self._transactor.execute("stake", self.contract, "stake", [amount_wad], MOVE)

    def unstake(self, amount_wad: int) -> None:
        """Begin to unbond."""
        self._transactor.execute("unstake", self.contract, "unstake", [amount_wad], MOVE)

    def withdraw(self) -> None:
        """Take back what is unbonded."""
        self._transactor.execute("withdrawStake", self.contract, "withdraw", [], MOVE)

    def slash(self, first: Reading, second: Reading) -> None:
        """Prove that a device signed two different readings with one sequence number."""
        args = [reading_tuple(first), first.signature, reading_tuple(second), second.signature]
        self._transactor.execute("slash", self.contract, "slash", args, SLASH)

    def stake_wad(self, account: str) -> int:
        """What an account has staked."""
        return int(self._transactor.read(self.contract, "stakeOf", account))

    def unbonding(self, account: str) -> tuple[int, int]:
        """What unbonds for an account, and when it is released, Unix seconds."""
        amount, released_s = self._transactor.read(self.contract, "unbonding", account)
        return int(amount), int(released_s)
