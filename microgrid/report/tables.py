"""The CSV files of a run folder as rows of exact decimal strings: money in units, energy in kWh, times in UTC."""

from collections.abc import Iterator, Mapping

from microgrid.domain.records import HomeStatement, Order, Side
from microgrid.domain.run import HomeTotal, IntervalOutcome, RunResult
from microgrid.domain.units import decimal_kwh, decimal_units, decimal_wad
from microgrid.report.trades import pair_trades

Row = dict[str, str]

COLUMNS: dict[str, tuple[str, ...]] = {
    "prosumer_energy": (
        "interval_start",
        "home_id",
        "load_kwh",
        "pv_kwh",
        "import_kwh",
        "export_kwh",
        "forecast_net_kwh",
        "metered",
    ),
    "prosumer_trading": (
        "interval_start",
        "home_id",
        "side",
        "order_kwh",
        "limit_price_per_kwh",
        "bought_kwh",
        "sold_kwh",
        "price_per_kwh",
        "bill",
        "bill_without_market",
        "saving",
    ),
    "all_trades": ("interval_start", "buyer", "seller", "energy_kwh", "price_per_kwh", "kind"),
    "regulator_actions": ("interval_start", "action", "target", "value", "reason"),
    "community_summary": (
        "interval_start",
        "feed_in_per_kwh",
        "retail_per_kwh",
        "price_per_kwh",
        "traded_kwh",
        "bid_kwh",
        "offered_kwh",
        "load_kwh",
        "pv_kwh",
        "import_kwh",
        "export_kwh",
        "orders",
        "orders_refused",
        "readings_accepted",
        "readings_refused",
        "bills",
        "bills_without_market",
        "grid",
        "fees",
        "dust",
    ),
    "bills": (
        "home_id",
        "bill",
        "bill_without_market",
        "saving",
        "bought_kwh",
        "sold_kwh",
        "import_kwh",
        "export_kwh",
        "energy_bought",
        "fees",
        "grid_import",
        "shortage",
        "energy_sold",
        "grid_feed_in",
        "unused_resold",
        "rounding",
        "trading_gain",
        "imbalance_cost",
        "imbalance_kwh",
        "unmetered_intervals",
        "reward",
    ),
}


def all_tables(result: RunResult) -> dict[str, list[Row]]:
    """Rows of every CSV file by name, homes and intervals in the order of the run.

    No regulator acts in an emulated run, so `regulator_actions` is empty.
    """
    return {
        "prosumer_energy": [row for outcome in result.intervals for row in _energy_rows(result, outcome)],
        "prosumer_trading": [row for outcome in result.intervals for row in _trading_rows(result, outcome)],
        "all_trades": [row for outcome in result.intervals for row in _trade_rows(result, outcome)],
        "regulator_actions": [],
        "community_summary": [_community_row(outcome) for outcome in result.intervals],
        "bills": [_bill_row(total, result.rewards_wad) for total in result.totals],
    }


def _stamp(outcome: IntervalOutcome) -> str:
    return outcome.interval.start_utc.isoformat()


def _by_home(result: RunResult, outcome: IntervalOutcome) -> Iterator[tuple[str, HomeStatement]]:
    found = {statement.account: statement for statement in outcome.settlement.statements}
    return ((home.home_id, found[home.account]) for home in result.homes if home.account in found)


def _known(energy_wh: Mapping[str, int] | None, account: str) -> str:
    """Energy of a home in kWh, empty where nobody knows it."""
    return decimal_kwh(energy_wh[account]) if energy_wh and account in energy_wh else ""


def _energy_rows(result: RunResult, outcome: IntervalOutcome) -> Iterator[Row]:
    for home_id, statement in _by_home(result, outcome):
        yield {
            "interval_start": _stamp(outcome),
            "home_id": home_id,
            "load_kwh": _known(outcome.load_wh, statement.account),
            "pv_kwh": _known(outcome.pv_wh, statement.account),
            "import_kwh": decimal_kwh(statement.import_wh),
            "export_kwh": decimal_kwh(statement.export_wh),
            "forecast_net_kwh": _known(outcome.forecast_wh, statement.account),
            "metered": "yes" if statement.metered else "no",
        }


def _trading_rows(result: RunResult, outcome: IntervalOutcome) -> Iterator[Row]:
    orders = {order.trader: order for order in outcome.orders}
    for home_id, statement in _by_home(result, outcome):
        bill, alone = -statement.amount_micro, outcome.bill_without_market_micro.get(statement.account, 0)
        yield {
            "interval_start": _stamp(outcome),
            "home_id": home_id,
            **_order_cells(orders.get(statement.account)),
            "bought_kwh": decimal_kwh(statement.bought_wh),
            "sold_kwh": decimal_kwh(statement.sold_wh),
            "price_per_kwh": decimal_units(outcome.auction.price_micro_per_kwh),
            "bill": decimal_units(bill),
            "bill_without_market": decimal_units(alone),
            "saving": decimal_units(alone - bill),
        }


def _order_cells(order: Order | None) -> Row:
    if order is None:
        return {"side": "", "order_kwh": "", "limit_price_per_kwh": ""}
    return {
        "side": order.side.name.lower(),
        "order_kwh": decimal_kwh(order.energy_wh),
        "limit_price_per_kwh": decimal_units(order.price_micro_per_kwh),
    }


def _trade_rows(result: RunResult, outcome: IntervalOutcome) -> Iterator[Row]:
    """Trades of the auction, paired, then the direct deals, which have pairs and prices of their own."""
    names = {home.account: home.home_id for home in result.homes}
    kinds = {"auction": pair_trades(outcome), "direct": sorted(outcome.direct_trades)}
    for kind, trades in kinds.items():
        for trade in trades:
            yield {
                "interval_start": _stamp(outcome),
                "buyer": names.get(trade.buyer, trade.buyer),
                "seller": names.get(trade.seller, trade.seller),
                "energy_kwh": decimal_kwh(trade.energy_wh),
                "price_per_kwh": decimal_units(trade.price_micro_per_kwh),
                "kind": kind,
            }


def _sum_known(energy_wh: Mapping[str, int] | None) -> str:
    return decimal_kwh(sum(energy_wh.values())) if energy_wh else ""


def _community_row(outcome: IntervalOutcome) -> Row:
    money, statements, orders = outcome.settlement.money, outcome.settlement.statements, outcome.orders
    return {
        "interval_start": _stamp(outcome),
        "feed_in_per_kwh": decimal_units(outcome.band.feed_in),
        "retail_per_kwh": decimal_units(outcome.band.retail),
        "price_per_kwh": decimal_units(outcome.auction.price_micro_per_kwh),
        "traded_kwh": decimal_kwh(outcome.auction.volume_wh),
        "bid_kwh": decimal_kwh(sum(order.energy_wh for order in orders if order.side is Side.BUY)),
        "offered_kwh": decimal_kwh(sum(order.energy_wh for order in orders if order.side is Side.SELL)),
        "load_kwh": _sum_known(outcome.load_wh),
        "pv_kwh": _sum_known(outcome.pv_wh),
        "import_kwh": decimal_kwh(sum(statement.import_wh for statement in statements)),
        "export_kwh": decimal_kwh(sum(statement.export_wh for statement in statements)),
        "orders": str(len(orders)),
        "orders_refused": str(outcome.order_refusals),
        "readings_accepted": str(outcome.accepted_readings),
        "readings_refused": str(sum(outcome.refused_readings.values())),
        "bills": decimal_units(-money.homes_micro),
        "bills_without_market": decimal_units(sum(outcome.bill_without_market_micro.values())),
        "grid": decimal_units(money.grid_micro),
        "fees": decimal_units(money.fees_micro),
        "dust": decimal_units(money.dust_micro),
    }


CHARGES = ("bought_nano", "fee_nano", "grid_import_nano", "shortage_nano")
CREDITS = ("sold_nano", "feed_in_nano", "unused_nano")


def _bill_row(total: HomeTotal, rewards_wad: Mapping[str, int]) -> Row:
    """A line of `bills.csv`: bill = charges - credits + rounding; but for rounding saving = gain - imbalance cost."""
    charges = [total.value_micro(name) for name in CHARGES]
    credits_ = [total.value_micro(name) for name in CREDITS]
    rounding = total.bill_micro - sum(charges) + sum(credits_)
    money = [total.bill_micro, total.without_market_micro, total.saving_micro]
    effect = [total.value_micro("trading_gain_nano"), total.value_micro("imbalance_nano")]
    cells = (
        total.home.home_id,
        *map(decimal_units, money),
        *(decimal_kwh(total.energy_wh(name)) for name in ("bought_wh", "sold_wh", "import_wh", "export_wh")),
        *map(decimal_units, (*charges, *credits_, rounding, *effect)),
        decimal_kwh(total.imbalance_wh),
        str(total.unmetered),
        decimal_wad(rewards_wad.get(total.home.account, 0)),
    )
    return dict(zip(COLUMNS["bills"], cells, strict=True))
