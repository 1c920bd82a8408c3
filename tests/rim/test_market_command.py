"""The `market` commands as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path

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
    names = [rule["name"] for rule in json.loads(market("list", "--json").stdout)]
    assert {"uniform_price", "pay_as_bid", "tick_auction"} <= set(names)
    assert [result["mechanism"] for result in json.loads(market("compare", orders, "--json").stdout)] == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1: is no JSON"),
        ("[]", "the document is a list"),
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
