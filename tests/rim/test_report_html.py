"""The HTML report and the command that draws it anew."""

import json
from pathlib import Path

import pytest
from builders import run_result
from run_folders import assert_page_fits, assert_page_stands_alone, report

from microgrid.domain.errors import DataFileError, RunFolderError
from microgrid.report import rebuild_report, write_run_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run_folder(run_result(5, 12), tmp_path / "run")


def test_the_page_stands_alone(folder: Path) -> None:
    assert_page_stands_alone((folder / "report.html").read_text())


def test_the_page_shows_saving_homes_gas_and_reproduction(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    summary = json.loads((folder / "summary.json").read_text())
    saving = abs(summary["totals"]["saving_micro"]) / 1e6
    for text in (f"{saving:.2f} EUR", "home-03", "submitOrders", summary["reproduce"]["command"], "bad signature"):
        assert text in page


def test_names_are_escaped(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    summary["reproduce"]["command"] = "<script>alert(1)</script>"
    (folder / "summary.json").write_text(json.dumps(summary))
    assert "<script" not in rebuild_report(folder).read_text()


def test_rebuilding_gives_the_same_page(folder: Path) -> None:
    before = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert rebuild_report(folder).read_bytes() == before


def test_a_run_without_intervals_has_a_report(tmp_path: Path) -> None:
    page = write_run_folder(run_result(2, 0), tmp_path / "run") / "report.html"
    assert "No interval was run" in page.read_text()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"no summary\.json"):
        rebuild_report(tmp_path)


def test_a_damaged_table_is_named_with_line_and_column(folder: Path) -> None:
    table = folder / "bills.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], lines[1].replace(lines[1].split(",")[1], "lots", 1), *lines[2:]]) + "\n")
    with pytest.raises(DataFileError, match=r"bills\.csv, line 2, column 'bill': 'lots' is no number"):
        rebuild_report(folder)


def test_a_summary_that_lacks_a_part_is_refused(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    del summary["totals"]
    (folder / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(RunFolderError, match="totals"):
        rebuild_report(folder)


def test_the_command_prints_one_json_document(folder: Path) -> None:
    done = report(str(folder), "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["report"] == str(folder / "report.html")
    assert len(answer["plots"]) == 3
    assert answer["totals"]["homes"] == 5


def test_the_command_refuses_a_folder_without_a_run_in_one_sentence(tmp_path: Path) -> None:
    done = report(str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "nowhere" in done.stderr


@pytest.mark.chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen_and_loads_nothing(folder: Path, tmp_path: Path, width: int) -> None:
    assert_page_fits(folder / "report.html", tmp_path / "profile", width)
