"""The `market` commands as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BOOK = {
    "bids": [{"id": "a", "price": 0.30, "qty": 1.5}, {"id": "[b]", "price": 0.20, "qty": 1}],
    "asks": [{"id": "c", "price": 0.10, "qty": 2}],
}


def market(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "microgrid", "market", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def orders(tmp_path: Path) -> str:
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(BOOK), "utf-8")
    return str(path)


def test_clear_prints_one_document(orders: str) -> None:
    done = market("clear", orders, "--mechanism", "uniform_price", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "mechanism": "uniform_price",
        "clearing_price": 0.2,
        "volume": 2.0,
        "welfare": pytest.approx(0.35),
        "trades": [
            {"buyer": "a", "seller": "c", "qty": 1.5, "buyer_price": 0.2, "seller_price": 0.2},
            {"buyer": "[b]", "seller": "c", "qty": 0.5, "buyer_price": 0.2, "seller_price": 0.2},
        ],
        "unmatched": [{"id": "[b]", "side": "bid", "price": 0.2, "qty": 0.5}],
    }


def test_clear_and_compare_show_tables_with_the_ids_as_written(orders: str) -> None:
    assert "[b]" in market("clear", orders).stdout
    compared = market("compare", orders)
    assert compared.returncode == 0
    assert "uniform_price" in compared.stdout
    assert "tick_auction" in compared.stdout


def test_parameters_reach_the_rule(orders: str) -> None:
    done = market("clear", orders, "--mechanism", "tick-auction", "--set", "floor=0.08", "--set", "cap=0.3", "--json")
    assert json.loads(done.stdout)["clearing_price"] == pytest.approx(0.08 + 0.22 * 64 / 127, abs=0.22 / 127)


def test_list_and_compare_speak_json(orders: str) -> None:
    rules = json.loads(market("list", "--json").stdout)
    names = [rule["name"] for rule in rules]
    assert {"uniform_price", "pay_as_bid", "tick_auction", "vcg", "three_tier", "no_market"} <= set(names)
    assert next(rule for rule in rules if rule["name"] == "three_tier")["defaults"] == {
        "k": 0.5,
        "cap_kwh": 3.0,
        "partners": 1,
        "fee": 0.03,
    }
    assert [result["mechanism"] for result in json.loads(market("compare", orders, "--json").stdout)] == names


def test_list_shows_every_rule_with_its_parameters_and_first_line() -> None:
    shown = " ".join(market("list").stdout.split())
    for words in ("fee=0.03", "vcg", "Vickrey-Clarke-Groves", "feed_in", "bill_sharing"):
        assert words in shown


def compared(orders: str, *arguments: str) -> dict[str, dict[str, Any]]:
    done = market("compare", orders, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return {result["mechanism"]: result for result in json.loads(done.stdout)}


def test_compare_tells_welfare_share_operator_gainers_and_the_biggest_loser(orders: str) -> None:
    """Bids 1.5 kWh at 0.30 and 1 kWh at 0.20, an ask of 2 kWh at 0.10: the best welfare is 0.35."""
    results = compared(orders)
    uniform = results["uniform_price"]
    assert (uniform["welfare_share"], uniform["operator_surplus"], uniform["losers"]) == (1.0, 0.0, 0)
    assert (uniform["gainers"], uniform["biggest_loser"]) == (2, None)
    assert (uniform["average_buyer_price"], uniform["average_seller_price"]) == (0.2, 0.2)
    nothing = results["no_market"]
    assert (nothing["welfare_share"], nothing["volume"], nothing["average_buyer_price"]) == (0.0, 0.0, None)
    free = results["bill_sharing"]
    assert (free["gainers"], free["losers"]) == (2, 1)
    assert free["biggest_loser"] == {"id": "c", "side": "ask", "gain": pytest.approx(-0.2)}
    vcg, missed_without_the_seller = results["vcg"], 0.30 * 1.5 + 0.20 * 0.5
    assert vcg["average_seller_price"] == pytest.approx(missed_without_the_seller / 2)
    paid_by_a, paid_by_b = 0.20 * 0.5 + 0.10 * 1.0, 0.10 * 0.5
    assert vcg["operator_surplus"] == pytest.approx(paid_by_a + paid_by_b - missed_without_the_seller)
    assert all(result["best_welfare"] == pytest.approx(0.35) for result in results.values())


def test_the_prices_of_the_grid_reach_the_rules_that_have_them(orders: str) -> None:
    results = compared(orders, "--retail", "0.30", "--feed-in", "0.06", "--set", "fee=0.05")
    assert results["mid_market_rate"]["clearing_price"] == pytest.approx(0.18)
    assert results["local_market"]["operator_surplus"] == pytest.approx(0.05 * 2)
    for arguments, words in ((("--set", "toll=1"), "known are"), (("--retail", "0.1", "--feed-in", "0.2"), "feed_in")):
        done = market("compare", orders, *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert words in done.stderr


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([], []),
        ([{"id": "a", "price": 0.3, "qty": 1}], []),
        ([], [{"id": "c", "price": 0.1, "qty": 1}]),
        ([{"id": "a", "price": 0.3, "qty": 0}], [{"id": "c", "price": 0.1, "qty": 1}]),
    ],
    ids=["empty", "buyers only", "sellers only", "no energy"],
)
def test_a_book_that_cannot_trade_is_compared_as_well(
    tmp_path: Path, bids: list[dict[str, Any]], asks: list[dict[str, Any]]
) -> None:
    path = tmp_path / "orders.json"
    path.write_text(json.dumps({"bids": bids, "asks": asks}), "utf-8")
    for result in compared(str(path)).values():
        assert (result["volume"], result["welfare"], result["trades"], result["welfare_share"]) == (0, 0, [], None)
        assert (result["gainers"], result["losers"], result["operator_surplus"]) == (0, 0, 0)
    assert market("compare", str(path)).returncode == 0


def test_the_table_of_a_comparison_fits_a_terminal(orders: str) -> None:
    lines = market("compare", orders).stdout.splitlines()
    row = next(line.split() for line in lines if line.startswith("bill_sharing"))
    assert row == ["bill_sharing", "0", "2", "0.32", "91.4%", "0", "2", "1", "c", "-0.2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1: is no JSON"),
        ("[]", "the document is a list"),
        ('{"bids": 5, "asks": []}', '"bids" is a number; it must be a list'),
        ('{"bids": ["a"], "asks": []}', 'entry 0 of "bids" is text; it must be an object'),
        ('{"bids": [{"id": "a", "price": 1, "qty": -1}], "asks": []}', "qty of bid 'a' is -1"),
        ('{"bids": [{"id": "a", "price": NaN, "qty": 1}], "asks": []}', "price of bid 'a' is nan"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_exit_2(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "orders.json"
    path.write_text(text, "utf-8")
    done = market("clear", str(path), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_file_an_unknown_rule_and_a_wrong_setting_are_told(orders: str, tmp_path: Path) -> None:
    for arguments, words in (
        (["clear", str(tmp_path / "none.json")], "there is no such file"),
        (["clear", orders, "--mechanism", "uniform"], "known are"),
        (["clear", orders, "--mechanism", "tick_auction", "--set", "floor=x"], "NAME=NUMBER"),
    ):
        done = market(*arguments)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
