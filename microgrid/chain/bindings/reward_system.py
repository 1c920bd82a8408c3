"""RewardSystem: tokens for energy shared inside the community."""

from web3.contract import Contract

from microgrid.chain.transactor import GasBudget, Transactor

CLAIM = GasBudget(250_000)


class RewardSystem:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def accrued(self, account: str) -> int:
        """Reward earned since the last claim, 18 decimals."""
        return int(self._transactor.read(self.contract, "accrued", account))

    def claim(self) -> None:
        """Mint this account's reward."""
        self._transactor.execute("claim", self.contract, "claim", [], CLAIM)
