"""The audit follows the insurance pool: its share of fees, and what a settlement draws from it."""

import dataclasses

import pytest
from village import DEPOSIT, FIRST, HOUR_S, START_S, Village, open_market

from microgrid.chain.backend import dev_key
from microgrid.chain.backends import eth_tester
from microgrid.chain.client import MarketChain
from microgrid.chain.journal import read_journal
from microgrid.chain.transactor import GasBudget
from microgrid.domain.errors import AuditError
from microgrid.domain.journal import Journal
from microgrid.domain.records import Side
from microgrid.settlement.audit import check_state, recompute

POOL = 400_000


@pytest.fixture(scope="module")
def insured() -> Journal:
    """A grid supplier that took its money out owes homes for what they fed in; one pool, two calls of `settle`."""
    village = Village(open_market(eth_tester.connect(None, START_S - 2 * HOUR_S)), 3)
    market = village.market
    village.open()
    village.order(0, Side.SELL, 1_000, 100_000)
    village.order(2, Side.BUY, 900, 200_000)
    market.advance_to(START_S)
    village.read(START_S)
    market.clear(FIRST)
    MarketChain(market.backend, market.deployment, dev_key(8)).trading.withdraw(DEPOSIT - 1_000)
    operator, trading = market.transactor, market.trading.contract
    operator.execute("setInsuranceShare", trading, "setInsuranceShare", [2_500], GasBudget(100_000))
    market.deposit(trading.address, POOL)
    village.import_wh, village.export_wh = [0, 300, 2], [3_001, 0, 40]
    market.advance_to(START_S + HOUR_S)
    village.read(START_S + HOUR_S)
    market.trading.settle(FIRST, 1, 1)
    market.settle(FIRST)
    return read_journal(market)


def verify(journal: Journal) -> None:
    check_state(journal.state, recompute(journal).state)


def place_of(journal: Journal, name: str) -> int:
    return next(place for place, event in enumerate(journal.events) if event.name == name)


def test_a_market_whose_pool_was_drawn_follows(insured: Journal) -> None:
    verify(insured)
    drawn = [event.args["amount"] for event in insured.events if event.name == "InsuranceDrawn"]
    assert 0 < sum(map(int, drawn)) < POOL


@pytest.mark.parametrize("step", [-1, 1])
def test_drawing_one_micro_more_or_less_is_found(insured: Journal, step: int) -> None:
    place = place_of(insured, "InsuranceDrawn")
    event = insured.events[place]
    changed = dataclasses.replace(event, args={**event.args, "amount": int(event.args["amount"]) + step})
    events = (*insured.events[:place], changed, *insured.events[place + 1 :])
    with pytest.raises(AuditError, match=rf"drawn from the insurance pool: .*off by {'-' if step < 0 else '[+]'}1"):
        recompute(dataclasses.replace(insured, events=events))


@pytest.mark.parametrize("name", ["InsuranceDrawn", "InsuranceShareSet"])
def test_a_missing_event_is_found(insured: Journal, name: str) -> None:
    place = place_of(insured, name)
    events = (*insured.events[:place], *insured.events[place + 1 :])
    with pytest.raises(AuditError, match="balance_micro of 0x"):
        verify(dataclasses.replace(insured, events=events))
