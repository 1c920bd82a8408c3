"""The audit finds every change of a run folder: its tables, its totals, its events and its stored readings."""

import csv
import dataclasses
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from auditing import audit

from microgrid.config import Settings
from microgrid.domain.errors import AuditError, BadInputError, RunFolderError
from microgrid.report.journal import journal_lines
from microgrid.report.journal import read_journal as read_journal_file
from microgrid.wiring.demo import open_demo
from microgrid.wiring.inputs import DemoRequest

HOMES, HOURS = 4, 4


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audited") / "run"
    settings = Settings(_env_file=None, out=out)
    request = DemoRequest(homes=HOMES, hours=HOURS, start="2026-06-21T10:00")
    with open_demo(settings, request, page_port=None, command="microgrid demo") as demo:
        list(demo.outcomes())
        return demo.write(demo.result())


class TestRunFolder:
    @pytest.fixture
    def folder(self, written: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(written, tmp_path / "run"))

    def test_a_run_follows_from_what_happened(self, folder: Path) -> None:
        before = {path.name: path.read_bytes() for path in folder.glob("*.*")}
        shown = audit(str(folder))
        readings = HOMES * (HOURS + 1)
        assert (shown["differences"], shown["accounts"], shown["intervals"]) == (0, HOMES, HOURS)
        assert (shown["signed_readings"], shown["stored_readings"]) == (readings, readings)
        assert {path.name: path.read_bytes() for path in folder.glob("*.*")} == before

    @pytest.mark.parametrize(
        ("name", "column", "step"),
        [
            ("bills", "bill", "0.000001"),
            ("bills", "rounding", "0.000001"),
            ("prosumer_trading", "bill", "0.000001"),
            ("prosumer_trading", "limit_price_per_kwh", "0.000001"),
            ("all_trades", "energy_kwh", "0.001"),
            ("community_summary", "fees", "0.000001"),
            ("prosumer_energy", "import_kwh", "0.001"),
        ],
    )
    def test_the_smallest_change_of_a_table_is_found(self, folder: Path, name: str, column: str, step: str) -> None:
        path = folder / f"{name}.csv"
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        row = next(row for row in reversed(rows) if row[column] and float(row[column]))
        places = len(row[column].split(".")[1])
        row[column] = f"{float(row[column]) + float(step):.{places}f}"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        where = row.get("home_id") or row["interval_start"]
        with pytest.raises(
            AuditError, match=rf"{column} of .*{where}.* in {name}\.csv: .* off by \+{step}$".replace("+00:00", ".+")
        ):
            audit(str(folder))

    def test_a_missing_row_is_found(self, folder: Path) -> None:
        lines = (folder / "bills.csv").read_text().splitlines(keepends=True)
        (folder / "bills.csv").write_text("".join(lines[:-1]))
        with pytest.raises(AuditError, match=r"number of rows of bills\.csv: the folder has 3, but .* 4, off by -1"):
            audit(str(folder))

    def test_a_micro_in_the_totals_is_found(self, folder: Path) -> None:
        summary = json.loads((folder / "summary.json").read_text())
        summary["totals"]["bills_micro"] += 1
        (folder / "summary.json").write_text(json.dumps(summary))
        with pytest.raises(AuditError, match=r"bills_micro of totals in summary\.json: .* off by \+1"):
            audit(str(folder))

    @pytest.mark.parametrize("column", ["import_wh", "export_wh", "timestamp_s"])
    def test_a_changed_stored_reading_is_found(self, folder: Path, column: str) -> None:
        change(folder, f"UPDATE readings SET {column} = {column} + 1 WHERE device_id = 2 AND sequence = 3")  # noqa: S608 - a column of ours
        with pytest.raises(
            AuditError, match=rf"{column} of reading 3 of epoch \d+ of 'meter-h02': the store has .* off by \+1"
        ):
            audit(str(folder))

    def test_a_changed_signature_is_found(self, folder: Path) -> None:
        change(folder, "UPDATE readings SET signature = zeroblob(65) WHERE device_id = 1 AND sequence = 0")
        with pytest.raises(AuditError, match=r"signer of reading 0 of epoch \d+ of 'meter-h01': the store has nobody"):
            audit(str(folder))

    def test_a_lost_stored_reading_is_found(self, folder: Path) -> None:
        change(folder, "DELETE FROM chain_outbox WHERE device_id = 1 AND sequence = 2")
        with pytest.raises(AuditError, match=r"reading 2 of epoch \d+ of device 0x.*: the store has nothing"):
            audit(str(folder))

    def test_the_command_ends_with_one_and_one_sentence(self, folder: Path) -> None:
        journal = read_journal_file(folder)
        name, amount = next((n, a) for n, a in journal.state.items() if n.startswith("balance_micro"))
        forged = dataclasses.replace(journal, state={**journal.state, name: amount + 1})
        (folder / "events.jsonl").write_text("".join(journal_lines(forged)))
        command = [sys.executable, "-m", "microgrid", "audit", str(folder)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (1, "")
        sentence = f"Error: {name}: the contract has {amount + 1}, but recomputed it is {amount}, off by +1\n"
        assert ended.stderr == sentence

    def test_a_folder_without_events_is_bad_input(self, folder: Path) -> None:
        (folder / "events.jsonl").unlink()
        with pytest.raises(RunFolderError, match=r"holds no events\.jsonl"):
            audit(str(folder))
        (folder / "events.jsonl").write_text("{}\n")
        with pytest.raises(RunFolderError, match="damaged"):
            audit(str(folder))

    def test_a_store_that_is_not_there_is_not_made(self, folder: Path) -> None:
        with pytest.raises(BadInputError, match="names no file"):
            audit(str(folder), "--store", f"sqlite:///{folder}/none.sqlite")
        assert not (folder / "none.sqlite").exists()


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "readings.sqlite") as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()
