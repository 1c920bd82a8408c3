"""Homes of a running community make direct deals; every sum still comes out and the audit agrees."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from microgrid.chain.client import MarketChain
from microgrid.cli import root
from microgrid.config import Settings
from microgrid.domain.errors import AuditError
from microgrid.domain.records import Side
from microgrid.domain.run import RunResult
from microgrid.wiring import demo as demo_wiring
from microgrid.wiring.demo import open_demo
from microgrid.wiring.inputs import DemoRequest
from microgrid.wiring.market import Market, Member

GATE_LEAD_S = 600
ENERGY_WH, PRICE = 700, 111_111


def acting(market: Market, member: Member) -> MarketChain:
    """A home with gas money of its own."""
    chain = market.chain
    web3 = chain.backend.web3
    payer = chain.backend.funded_key().address
    web3.eth.send_transaction({"from": payer, "to": member.key.address, "value": 10**18, "gas": 21_000})
    return MarketChain(chain.backend, chain.deployment, member.key)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Market]:
    """Every market that a run opens, for hands beside the run's own."""
    markets: list[Market] = []
    original = demo_wiring.open_market

    @contextmanager
    def noting(*args: Any, **options: Any) -> Iterator[Market]:
        with original(*args, **options) as market:
            markets.append(market)
            yield market

    monkeypatch.setattr(demo_wiring, "open_market", noting)
    return markets


def run_with_a_deal(out: Path, opened: list[Market]) -> tuple[RunResult, Path, int]:
    """A run in whose third interval the first home buys from the second; its folder and the interval.

    An offer of the second home for the same interval finds nobody and locks money for good.
    """
    request = DemoRequest(homes=3, hours=4, start="2026-06-21T10:00")
    settings = Settings(_env_file=None, out=out)  # type: ignore[call-arg]
    with open_demo(settings, request, page_port=None, command="microgrid demo") as demo:
        outcomes = demo.outcomes()
        interval = next(outcomes).interval.index + 2
        (market,) = opened
        buyer, seller = (acting(market, member) for member in market.members[:2])
        band = market.chain.band(interval)
        assert band.feed_in < PRICE < band.retail
        expiry_s = interval * 3_600 - GATE_LEAD_S
        terms = (interval, ENERGY_WH, PRICE, Side.BUY, expiry_s)
        seller.direct.accept(buyer.direct.offer(market.members[1].key.address, *terms))
        seller.direct.offer(market.members[0].key.address, interval, ENERGY_WH, PRICE, Side.SELL, expiry_s)
        list(outcomes)
        result = demo.result()
        return result, demo.write(result), interval


def test_every_sum_is_exact_and_the_audit_agrees(opened: list[Market], tmp_path: Path) -> None:
    result, folder, interval = run_with_a_deal(tmp_path / "run", opened)
    outcome = next(o for o in result.intervals if o.interval.index == interval)
    assert sorted((d.bought_wh, d.sold_wh, d.payment_nano) for d in outcome.deals.values()) == [
        (0, ENERGY_WH, ENERGY_WH * PRICE),
        (ENERGY_WH, 0, -ENERGY_WH * PRICE),
    ]
    bought = sum(statement.bought_wh for statement in outcome.settlement.statements)
    assert bought == outcome.auction.volume_wh + ENERGY_WH
    summary = json.loads((folder / "summary.json").read_text())
    assert {i["name"]: i["error"] for i in summary["invariants"] if i["error"]} == {}
    audited = CliRunner().invoke(root, ["audit", str(folder), "--json"])
    assert json.loads(audited.stdout)["differences"] == 0
    check_parts_of_bills(folder)


def test_the_deal_stands_among_all_trades_with_its_own_price(opened: list[Market], tmp_path: Path) -> None:
    result, folder, interval = run_with_a_deal(tmp_path / "run", opened)
    with (folder / "all_trades.csv").open() as file:
        rows = list(csv.DictReader(file))
    buyer, seller = (home.home_id for home in result.homes[:2])
    (direct,) = [row for row in rows if row["kind"] == "direct"]
    assert direct == {
        "interval_start": next(
            o for o in result.intervals if o.interval.index == interval
        ).interval.start_utc.isoformat(),
        "buyer": buyer,
        "seller": seller,
        "energy_kwh": "0.700",
        "price_per_kwh": "0.111111",
        "kind": "direct",
    }
    traded_wh = sum(outcome.auction.volume_wh for outcome in result.intervals)
    assert sum(round(float(row["energy_kwh"]) * 1_000) for row in rows if row["kind"] == "auction") == traded_wh
    (folder / "all_trades.csv").write_text((folder / "all_trades.csv").read_text().replace("0.111111", "0.111112"))
    with pytest.raises(AuditError, match=r"price_per_kwh of .* in all_trades\.csv: .* off by \+0\.000001"):
        CliRunner().invoke(root, ["audit", str(folder)], catch_exceptions=False)


def test_money_that_an_open_offer_locks_is_the_homes_own(opened: list[Market], tmp_path: Path) -> None:
    """The balance lacks the bond of the offer, 700 Wh x (retail - price); the bills explain the rest."""
    result, _, interval = run_with_a_deal(tmp_path / "run", opened)
    band = next(o.band for o in result.intervals if o.interval.index == interval)
    (market,) = opened
    seller = market.members[1].key.address
    assert dict(market.chain.offered()) == {seller: -(-ENERGY_WH * (band.retail - PRICE) // 1_000)}
    errors = {i.name: i.error for i in result.invariants}
    assert (errors["bills_are_balances"], errors["money_in_total"]) == (0, 0)


def check_parts_of_bills(folder: Path) -> None:
    """A deal's own price is part of what was bought and sold, so that rounding stays rounding."""
    with (folder / "bills.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert all(abs(float(row["rounding"])) < 0.0001 for row in rows)
    assert all(
        float(row["saving"]) == pytest.approx(float(row["trading_gain"]) - float(row["imbalance_cost"]), abs=1e-4)
        for row in rows
    )
