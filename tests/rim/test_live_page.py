"""The live page in a browser: its figures are the ones that were fed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import INVARIANTS, run_result
from chromium import chromium, console, overflow_px, requested, resize
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait

from microgrid.domain.run import Invariant
from microgrid.web import LiveFeed, LiveServer, done_view, interval_view, invariants_view, run_view

pytestmark = pytest.mark.chromium
RESULT = run_result(4, 8)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def feed() -> LiveFeed:
    feed = LiveFeed()
    feed.publish(run_view(RESULT.homes, len(RESULT.intervals), RESULT.currency))
    return feed


@pytest.fixture
def server(feed: LiveFeed) -> Iterator[LiveServer]:
    with LiveServer(feed) as running:
        yield running


def settle(feed: LiveFeed, first: int, last: int) -> None:
    for outcome in RESULT.intervals[first:last]:
        feed.publish(interval_view(outcome, RESULT.homes))


def finish(feed: LiveFeed, invariants: tuple[Invariant, ...] = INVARIANTS) -> None:
    feed.publish(invariants_view(invariants))
    feed.publish(done_view(RESULT.readings))


def text(browser: Chrome, name: str) -> str:
    found: str = browser.find_element("id", name).text
    return found


def wait(browser: Chrome, condition: Callable[[Chrome], bool]) -> None:
    WebDriverWait(browser, 10, poll_frequency=0.05).until(condition)


def shows(name: str, expected: str) -> Callable[[Chrome], bool]:
    return lambda browser: expected in text(browser, name)


def table(browser: Chrome, name: str) -> list[list[str]]:
    cells: list[list[str]] = browser.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} tr`)].map("
        "(row) => [...row.cells].map((cell) => cell.textContent))",
        name,
    )
    return cells


def number(cell: str) -> float:
    return float(cell.lstrip("▲▼= "))


def test_figures_follow_the_run_as_it_goes(browser: Chrome, server: LiveServer, feed: LiveFeed) -> None:
    settle(feed, 0, 2)
    browser.get(server.url)
    wait(browser, shows("count", "2 of 8 settled"))
    settle(feed, 2, 8)
    wait(browser, shows("count", "8 of 8 settled"))
    last = RESULT.intervals[7]
    assert float(text(browser, "price")) == pytest.approx(last.auction.price_micro_per_kwh / 1e6, abs=5e-5)
    assert "0.0800 and 0.3000" in text(browser, "band")
    traded = sum(outcome.auction.volume_wh for outcome in RESULT.intervals) / 1e3
    assert text(browser, "traded") == f"{traded:.2f} kWh"


def test_bills_are_the_sums_of_the_statements(browser: Chrome, server: LiveServer, feed: LiveFeed) -> None:
    settle(feed, 0, 8)
    browser.get(server.url)
    wait(browser, shows("count", "8 of 8 settled"))
    for home, cells in zip(RESULT.homes, table(browser, "bills"), strict=True):
        statements = [s for o in RESULT.intervals for s in o.settlement.statements if s.account == home.account]
        bill = -sum(s.amount_micro for s in statements) / 1e6
        alone = sum(o.bill_without_market_micro[home.account] for o in RESULT.intervals) / 1e6
        assert cells[0] == home.home_id
        assert [number(cell) for cell in cells[1:]] == pytest.approx([alone - bill, bill, alone], abs=5.1e-4)
        assert cells[1][0] == ("▲" if alone > bill else "▼")


def test_refused_readings_and_invariants_are_shown(browser: Chrome, server: LiveServer, feed: LiveFeed) -> None:
    settle(feed, 0, 8)
    browser.get(server.url)
    wait(browser, shows("readings", "1 refused"))
    assert "bad signature: the signature is not the meter's" in text(browser, "refused")
    finish(feed, (*INVARIANTS, Invariant("energy_matches", 7, "Registers equal profiles.")))
    wait(browser, shows("connection", "finished"))
    assert "✓ money sums to zero: exact" in text(browser, "invariants")
    assert "✗ energy matches: off by 7" in text(browser, "invariants")
    sent = RESULT.readings.sent
    assert text(browser, "readings") == f"{sent} sent, {sent} stored, {sent} on chain, 1 refused."


def test_sellers_and_buyers_are_told_apart_in_words(browser: Chrome, server: LiveServer, feed: LiveFeed) -> None:
    settle(feed, 0, 8)
    browser.get(server.url)
    wait(browser, shows("count", "8 of 8 settled"))
    result = RESULT.intervals[7].auction
    for home, line in zip(RESULT.homes, text(browser, "traders").splitlines()[1::2], strict=True):
        net = result.sold_wh.get(home.account, 0) - result.bought_wh.get(home.account, 0)
        word = "sells" if net > 0 else "buys" if net < 0 else "no trade"
        assert line == (f"{word} {abs(net) / 1e3:.2f}" if net else word)


def test_an_earlier_interval_can_be_looked_at(browser: Chrome, server: LiveServer, feed: LiveFeed) -> None:
    settle(feed, 0, 8)
    browser.get(server.url)
    wait(browser, shows("count", "8 of 8 settled"))
    browser.execute_script(
        "const scrub = document.getElementById('scrub'); scrub.value = 2; scrub.dispatchEvent(new Event('input'))"
    )
    assert "02:00" in text(browser, "clock")
    price = RESULT.intervals[2].auction.price_micro_per_kwh / 1e6
    assert float(text(browser, "price")) == pytest.approx(price, abs=5e-5)
    browser.find_element("id", "follow").click()
    assert "07:00" in text(browser, "clock")


def test_the_chart_is_there_as_a_table_too(browser: Chrome, server: LiveServer, feed: LiveFeed) -> None:
    settle(feed, 0, 8)
    browser.get(server.url)
    wait(browser, shows("count", "8 of 8 settled"))
    browser.find_element("css selector", "#history summary").click()
    wait(browser, lambda driver: len(table(driver, "history-rows")) == 8)
    volumes = [number(row[4]) for row in table(browser, "history-rows")]
    assert volumes == [outcome.auction.volume_wh / 1e3 for outcome in RESULT.intervals]


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen_and_asks_no_other_host(
    browser: Chrome, server: LiveServer, feed: LiveFeed, tmp_path: Path, width: int
) -> None:
    settle(feed, 0, 8)
    finish(feed)
    resize(browser, width)
    browser.get(server.url)
    wait(browser, shows("connection", "finished"))
    assert overflow_px(browser) <= 0
    assert [name for name in requested(browser) if not name.startswith((server.url, "data:"))] == []
    assert console(browser) == []
    assert browser.save_screenshot(str(tmp_path / "page.png"))
