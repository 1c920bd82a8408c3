"""`microgrid audit`: recompute everything, and name the first difference."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid.chain.backend import dev_key
from microgrid.chain.journal import read_journal
from microgrid.cli._chain import NameBook, open_market, show
from microgrid.cli._store import SQLITE, open_existing
from microgrid.config import load_settings
from microgrid.domain.journal import Journal
from microgrid.report.audit import check_folder
from microgrid.report.journal import read_journal as read_journal_file
from microgrid.settlement.audit import Recomputed, check_state, check_stored, recompute

RUN_STORE = "readings.sqlite"


@dataclass(frozen=True)
class _Audited:
    """What was compared; None for what there was nothing to compare with."""

    source: str
    journal: Journal
    recomputed: Recomputed
    stored: int | None
    cells: int | None

    def document(self) -> dict[str, Any]:
        """The summary."""
        return {
            "audited": self.source,
            "differences": 0,
            "accounts": len(self.recomputed.accounts),
            "intervals": len(self.recomputed.intervals),
            "events": len(self.journal.events),
            "signed_readings": self.recomputed.readings,
            "stored_readings": self.stored,
            "state_numbers": len(self.recomputed.state),
            "table_cells": self.cells,
        }


@click.command()
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option("--store", help="Database of the readings to compare, as a URL. [default: the one in RUN]")
@click.option("--rpc", "rpc_url", help="JSON-RPC address of the node. [default: http://127.0.0.1:8545]")
@click.option(
    "--deployment", type=click.Path(path_type=Path), help="The contracts' addresses. [default: deployment.json]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    run: Path | None, *, store: str | None, rpc_url: str | None, deployment: Path | None, as_json: bool
) -> None:
    """Recompute every bill, clearing and balance from signed orders, signed readings and movements of money.

    Without RUN the contracts on a node are audited, with RUN the tables of that run folder. Exit code 1 and the first
    difference, named, where a number does not follow from what happened.

    Example: microgrid audit runs/demo
    """
    audited = _audit_node(store, rpc_url, deployment) if run is None else _audit_folder(run, store)
    document = audited.document()
    known = {name.replace("_", " "): value for name, value in document.items() if value is not None}
    show(document, as_json=as_json, text="\n".join(f"{name}: {value}" for name, value in known.items()))


def _audit_folder(run: Path, store: str | None) -> _Audited:
    journal = read_journal_file(run)
    recomputed = recompute(journal)
    check_state(journal.state, recomputed.state)
    beside = run / RUN_STORE
    stored = _check_store(journal, store or (f"{SQLITE}{beside}" if beside.exists() else None))
    return _Audited(str(run), journal, recomputed, stored, check_folder(run, recomputed, journal.interval_seconds))


def _audit_node(store: str | None, rpc_url: str | None, deployment: Path | None) -> _Audited:
    path = load_settings(deployment=deployment).deployment
    # Nothing is sent, so any key does.
    with open_market(rpc_url, None, path, NameBook(path), reader=dev_key(0)) as market:
        journal = read_journal(market)
    recomputed = recompute(journal)
    check_state(journal.state, recomputed.state)
    return _Audited(str(path), journal, recomputed, _check_store(journal, store), None)


def _check_store(journal: Journal, url: str | None) -> int | None:
    if url is None:
        return None
    with closing(open_existing(url)) as opened:
        return check_stored(journal, opened.handed_in())
