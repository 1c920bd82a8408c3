"""RewardToken: what the community earns, and votes with."""

from web3.contract import Contract

from microgrid.chain.transactor import GasBudget, Transactor

TOKEN = GasBudget(250_000)


class RewardToken:
    """The contract, with one account to send from. Amounts have 18 decimals."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def balance_wad(self, account: str) -> int:
        """Tokens that an account holds."""
        return int(self._transactor.read(self.contract, "balanceOf", account))

    def votes_wad(self, account: str) -> int:
        """Votes delegated to an account; tokens do not vote until their holder delegates them, be it to itself."""
        return int(self._transactor.read(self.contract, "getVotes", account))

    def delegate(self, account: str) -> None:
        """Let an account vote with this account's tokens."""
        self._transactor.execute("delegate", self.contract, "delegate", [account], TOKEN)

    def approve(self, spender: str, amount_wad: int) -> None:
        """Let a contract take this account's tokens."""
        self._transactor.execute("approve", self.contract, "approve", [spender, amount_wad], TOKEN)
