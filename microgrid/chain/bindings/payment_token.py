"""PaymentToken: the money that is paid in and out, 6 decimals."""

from web3.contract import Contract

from microgrid.chain.transactor import GasBudget, Transactor

TOKEN = GasBudget(150_000)
UNLIMITED = 2**256 - 1


class PaymentToken:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def mint(self, account: str, amount_micro: int) -> None:
        """Make money, where this account may."""
        self._transactor.execute("mint", self.contract, "mint", [account, amount_micro], TOKEN)

    def approve(self, spender: str, amount_micro: int = UNLIMITED) -> None:
        """Let a contract take this account's money."""
        self._transactor.execute("approve", self.contract, "approve", [spender, amount_micro], TOKEN)

    def allowance_micro(self, owner: str, spender: str) -> int:
        """What a contract may take."""
        return int(self._transactor.read(self.contract, "allowance", owner, spender))

    def balance_micro(self, account: str) -> int:
        """Money that an account holds outside the market."""
        return int(self._transactor.read(self.contract, "balanceOf", account))
