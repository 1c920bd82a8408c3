"""Time, tariffs, pause and money: deposits, transfers, withdrawals, gifts, and tokens that misbehave."""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from model.agreement import Agreement
from model.chain import FIRST, HOUR
from model.play import Play
from model.reference import RefusedError
from model.world import EMPTY_PURSE, HOMES, amounts, homes


class MoneyRules(Agreement):
    """Who moves money, and what stops or changes the market."""

    # Time and tariffs

    @rule(target_s=st.sampled_from([-301, -300, -299, 0, 0, 1, HOUR, 2 * HOUR + 1, 72 * HOUR]), more=st.integers(0, 1))
    def advance(self, target_s: int, more: int) -> None:
        """To a moment around the next interval, or beyond."""
        self._to(max(self.model.now_s + 1, (self.current + 1 + more) * HOUR + target_s))
        self.acted = True

    @rule(
        offset=st.integers(-1, 3) | st.integers(11, 14),
        feed_in=st.sampled_from([0, 80_000, 300_000, 300_001]),
        retail=st.sampled_from([300_000]),
    )
    def open(self, offset: int, feed_in: int, retail: int) -> None:
        interval = self.current + offset
        self.both(
            "open",
            lambda: self.model.open(interval, feed_in, retail),
            lambda: self.chain.grid.send(self.chain.admin, "openIntervals", interval, [feed_in], [retail]) or None,
        )
        if interval in self.model.books:
            self.it.refer(self.model, interval)

    @rule(fee=st.sampled_from([0, 2_000, 1_000_000, 1_000_001]))
    def set_fee(self, fee: int) -> None:
        self.both(
            "setTradingFee",
            lambda: self.model.set_fee(fee),
            lambda: self.chain.grid.send(self.chain.admin, "setTradingFee", fee) or None,
        )

    @rule(bps=st.sampled_from([0, 0, 2_500, 10_000, 10_001]))
    def insure(self, bps: int) -> None:
        self.both(
            "setInsuranceShare",
            lambda: self.model.insure(bps),
            lambda: self.chain.trading.send(self.chain.admin, "setInsuranceShare", bps) or None,
        )

    @rule(door=st.sampled_from(["unpause", "unpause", "unpause", "pause"]))
    def pause(self, door: str) -> None:
        self.both(door, getattr(self.model, door), lambda: self.chain.trading.send(self.chain.admin, door) or None)

    # Money

    @rule(payer=st.integers(0, 8), account=st.integers(0, 9), amount=amounts)
    def deposit(self, payer: int, account: int, amount: int) -> None:
        to = [*self.it.actors, self.chain.trading.address][account]
        self._move("deposit", self.account(payer), to, amount)

    @rule(payer=st.integers(0, 8), account=st.integers(0, 9), amount=amounts)
    def transfer(self, payer: int, account: int, amount: int) -> None:
        to = [*self.it.actors, self.chain.trading.address][account]
        self._move("transfer", self.account(payer), to, amount)

    def _move(self, door: str, who: str, to: str, amount: int) -> None:
        self.both(
            door,
            lambda: getattr(self.model, door)(who, to, amount),
            lambda: self.chain.trading.send(who, door, to, amount) or None,
        )

    @rule(who=st.integers(0, 8), amount=amounts, everything=st.booleans())
    def withdraw(self, who: int, amount: int, *, everything: bool) -> None:
        account = self.account(who)
        taken = max(0, self.model.balances[account]) if everything else amount
        self.both(
            "withdraw",
            lambda: self.model.withdraw(account, taken),
            lambda: self.chain.trading.send(account, "withdraw", taken) or None,
        )

    @rule(amount=st.integers(1, 1_000))
    def donate(self, amount: int) -> None:
        """Tokens given to the contract belong to nobody and change no account."""
        self.chain.money.send(self.chain.admin, "mint", self.chain.trading.address, amount)
        self.model.donated += amount
        Play.outcomes["donation"] += 1
        self.acted = True

    @rule(
        home=homes,
        amount=st.integers(1, 100_000),
        attack=st.sampled_from(["", "deposit", "withdraw", "transfer", "settle"]),
    )
    def fee_token(self, home: int, amount: int, attack: str) -> None:
        """A token that keeps one per cent, and one that calls back while it moves."""
        who, token, twin = HOMES[home].address, self.it.token, self.it.twin
        calls = {"deposit": (who, 1), "withdraw": (1,), "transfer": (who, 1), "settle": (FIRST, 1, 1)}
        if attack:
            token.send(who, "attack", twin.address, twin.data(attack, *calls[attack]))
        doors = "ReentrancyGuardReentrantCall"
        error = {"deposit": doors, "withdraw": doors, "transfer": "UnknownMember", "settle": "NotCleared", "": ""}[
            attack
        ]
        purse = token.read("balanceOf", who)
        received = amount - amount // 100

        def expected() -> None:
            if purse < amount:
                raise RefusedError(EMPTY_PURSE)
            if error:
                raise RefusedError(error)
            self.twin_balances[who] += received

        self.both("fee token", expected, lambda: twin.send(who, "deposit", who, amount) or None)
        if attack:
            token.send(who, "attack", "0x" + "0" * 40, b"")
        total = sum(self.twin_balances.values())
        assert twin.read("balanceOf", who) == self.twin_balances[who]
        assert twin.read("totalLiabilities") == total == token.read("balanceOf", twin.address)
