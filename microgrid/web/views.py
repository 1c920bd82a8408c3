"""Records of a run as JSON-able events: whole numbers stay whole (Wh, micro), the browser formats them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from microgrid.domain.records import HomeStatement
from microgrid.domain.run import HomeInfo, IntervalOutcome, Invariant, ReadingCounts

View = dict[str, Any]


def run_view(homes: Sequence[HomeInfo], intervals: int, currency: str, title: str = "") -> View:
    """Who takes part and how many intervals will run; published first."""
    return {
        "type": "run",
        "title": title,
        "currency": currency,
        "intervals": intervals,
        "homes": [{"id": home.home_id, "has_pv": home.has_pv} for home in homes],
    }


def status_view(text: str) -> View:
    """What the run is doing, a few words."""
    return {"type": "status", "text": text}


def interval_view(outcome: IntervalOutcome, homes: Sequence[HomeInfo]) -> View:
    """A settled interval: price in its band, flows between homes and grid, and each home's part and bill."""
    found = {statement.account: statement for statement in outcome.settlement.statements}
    present = [home for home in homes if home.account in found]
    return {
        "type": "interval",
        "index": outcome.interval.index,
        "start_s": outcome.interval.start_s,
        "end_s": outcome.interval.end_s,
        "feed_in": outcome.band.feed_in,
        "retail": outcome.band.retail,
        "price": outcome.auction.price_micro_per_kwh,
        "traded_wh": outcome.auction.volume_wh,
        "flows": flows_view(outcome.settlement.statements),
        "orders": len(outcome.orders),
        "orders_refused": outcome.order_refusals,
        "readings": outcome.accepted_readings,
        "refused": dict(outcome.refused_readings),
        "money_error": outcome.settlement.money.error_micro,
        "homes": [_home_view(home.home_id, found[home.account], outcome.bill_without_market_micro) for home in present],
    }


def flows_view(statements: Iterable[HomeStatement]) -> View:
    """Energy between homes, from the grid and to the grid, in Wh, as it was billed.

    `between = sum(bought)`, `from_grid = sum(max(0, import - bought) + max(0, sold - export))`,
    `to_grid = sum(max(0, export - sold) + max(0, bought - import))`, so that all import less all export is
    `from_grid - to_grid`.
    """
    items = list(statements)
    return {
        "between_wh": sum(s.bought_wh for s in items),
        "from_grid_wh": sum(max(0, s.import_wh - s.bought_wh) + max(0, s.sold_wh - s.export_wh) for s in items),
        "to_grid_wh": sum(max(0, s.export_wh - s.sold_wh) + max(0, s.bought_wh - s.import_wh) for s in items),
    }


def _home_view(home_id: str, statement: HomeStatement, without_market_micro: Mapping[str, int]) -> View:
    return {
        "id": home_id,
        "bought_wh": statement.bought_wh,
        "sold_wh": statement.sold_wh,
        "import_wh": statement.import_wh,
        "export_wh": statement.export_wh,
        "metered": statement.metered,
        "bill": -statement.amount_micro,
        "without_market": without_market_micro.get(statement.account, 0),
    }


def invariants_view(invariants: Iterable[Invariant]) -> View:
    """The sums that must be exact, and by how much they are not."""
    return {
        "type": "invariants",
        "items": [{"name": item.name, "error": item.error, "description": item.description} for item in invariants],
    }


def done_view(readings: ReadingCounts) -> View:
    """The end of the run; published last."""
    return {
        "type": "done",
        "sent": readings.sent,
        "stored": readings.stored,
        "on_chain": readings.on_chain,
        "refused": dict(readings.refused),
    }
