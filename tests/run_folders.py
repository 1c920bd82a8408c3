"""What the folders of both kinds of runs share: names of tables, their rows, the page and the command that draws it."""

import csv
import re
import subprocess
import sys
from pathlib import Path

from chromium import chromium, console, overflow_px, requested, resize

TABLES = {
    "prosumer_energy.csv",
    "prosumer_trading.csv",
    "all_trades.csv",
    "regulator_actions.csv",
    "community_summary.csv",
    "bills.csv",
}


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a table as texts."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`microgrid report`, as a person runs it."""
    return subprocess.run(
        [sys.executable, "-m", "microgrid", "report", *arguments], capture_output=True, text=True, check=False
    )


def assert_page_stands_alone(page: str) -> None:
    """Nothing in the page points to another host, runs, or has the name of another part."""
    addresses = set(re.findall(r"""(?:src|href|url\()=?["']?([^"')\s>]+)""", page))
    assert {a for a in addresses if not a.startswith(("#", "data:"))} == set()
    assert "<script" not in page
    assert "default-src 'none'" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def assert_page_fits(path: Path, profile: Path, width: int) -> None:
    """A browser of this width shows the whole page, loads nothing else and has no complaint."""
    with chromium(profile) as driver:
        resize(driver, width)
        driver.get(path.as_uri())
        assert overflow_px(driver) <= 0
        assert [name for name in requested(driver) if not name.startswith("data:")] == []
        assert console(driver) == []
        assert "What the market did" in driver.find_element("tag name", "h1").text
