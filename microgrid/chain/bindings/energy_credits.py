"""EnergyCredits: one credit for each Wh that a meter fed in."""

from web3.contract import Contract

from microgrid.chain.events import events
from microgrid.chain.transactor import GasBudget, Transactor

CREDITS = GasBudget(200_000)
PURPOSE_BYTES = 32


class EnergyCredits:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def mint(self, interval: int, member_id: int) -> int:
        """Mint a member's credits of a metered interval; returns their number, Wh.

        Raises:
            ContractRevertError: `AlreadyMinted`, `NotMetered` (no reading, or more than 32 intervals ago), `NoCredits`.
        """
        receipt = self._transactor.execute("mintCredits", self.contract, "mint", [interval, member_id], CREDITS)
        return int(next(events(self.contract, "CreditsMinted", receipt["logs"]))["amountWh"])

    def transfer(self, to: str, amount_wh: int) -> None:
        """Move credits of this account to a home or the central supply.

        Raises:
            ContractRevertError: `UnknownAccount`, `InsufficientCredits`, `NoCredits`.
        """
        self._transactor.execute("transferCredits", self.contract, "transfer", [to, amount_wh], CREDITS)

    def spend(self, amount_wh: int, purpose: str) -> None:
        """Use up credits of this account for good; `purpose` has at most 32 bytes.

        Raises:
            ContractRevertError: `InsufficientCredits`, `NoCredits`.
        """
        raw = purpose.encode().ljust(PURPOSE_BYTES, b"\0")
        self._transactor.execute("spendCredits", self.contract, "spend", [amount_wh, raw], CREDITS)

    def balance_wh(self, account: str) -> int:
        """Credits of an account."""
        return int(self._transactor.read(self.contract, "balanceOf", account))

    def minted_wh(self) -> int:
        """Credits ever minted."""
        return int(self._transactor.read(self.contract, "totalMinted"))

    def spent_wh(self) -> int:
        """Credits ever spent."""
        return int(self._transactor.read(self.contract, "totalSpent"))

    def central_supply(self) -> str:
        """The community's central supply account."""
        return str(self._transactor.read(self.contract, "centralSupply"))
