"""`microgrid trade` against a node in another thread: orders, deals, credits and money."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from rim.cli_chain import FIRST, HOUR_S, Run, open_market, reading
from rim.cli_chain import ONE as HOME
from rim.cli_chain import TWO as OTHER

from microgrid.chain.backend import dev_key
from microgrid.chain.bindings.energy_trading import MOVE_MONEY
from microgrid.chain.client import MarketChain
from microgrid.chain.node import NodeServer
from microgrid.cli import root
from microgrid.domain.errors import BadInputError, ContractRevertError, OrderRefusedError
from microgrid.domain.records import Order, OrderResult, Side
from microgrid.domain.wire import sign_order


def read_meters(market: MarketChain, number: int, time_s: int, registers: list[tuple[int, int]]) -> None:
    readings = [
        reading(market, meter, number, time_s, *shown)
        for meter, shown in zip(("meter-01", "meter-02"), registers, strict=True)
    ]
    market.send_readings(market.prepare_readings(number, readings))


def test_an_interval_from_orders_to_bills(market: Run, server: NodeServer) -> None:
    market("trade", "deposit", "100", "--account", dev_key(8).address)
    bought = market("trade", "order", "buy", "1.5", "0.20", "--key-file", "home.key")
    sold = market("trade", "order", "sell", "1", "0.10", "--signed-by", "other.key")
    assert (bought["trader"], sold["trader"]) == (HOME.address, OTHER.address)
    assert bought["interval"] == sold["interval"] == FIRST
    assert bought["start"] == "2016-08-01T01:00:00+00:00"
    book = market("trade", "book")
    assert book["takes_orders"] is True
    assert sum(level["buy_wh"] for level in book["levels"]) == 1_500
    assert sum(level["sell_wh"] for level in book["levels"]) == 1_000
    start_s = FIRST * HOUR_S
    with open_market(server) as chain:
        chain.advance_to(start_s)
        cleared = market("trade", "clear", "2016-08-01T01:00")
        read_meters(chain, 0, start_s, [(0, 0), (0, 0)])
        chain.advance_to(start_s + HOUR_S)
        read_meters(chain, 1, start_s + HOUR_S, [(1_500, 0), (0, 1_000)])
    assert (cleared["volume_wh"], cleared["bought_wh"]) == (1_000, {HOME.address: 1_000})
    bills = market("trade", "settle", str(FIRST))
    money = bills["money"]
    assert money["homes_micro"] + money["grid_micro"] + money["fees_micro"] + money["dust_micro"] == 0
    price = cleared["price_micro_per_kwh"]
    assert {s["account"]: s["amount_micro"] for s in bills["statements"]}[OTHER.address] == price
    balances = market("trade", "balance")
    assert sum(balances.values()) == 200_000_000
    events = [entry["event"] for entry in market("trade", "history", OTHER.address)]
    assert events == ["Deposited", "OrderCreated", "HomeSettled"]


def test_an_order_is_taken_back_and_placed_anew(market: Run) -> None:
    market("trade", "order", "buy", "1.5", "0.20", "--key-file", "home.key")
    cancelled = market("trade", "cancel", "buy", "--key-file", "home.key")
    assert (cancelled["interval"], cancelled["energy_wh"]) == (FIRST, 1_500)
    assert market("trade", "balance", HOME.address) == {HOME.address: 50_000_000}
    assert market("trade", "book")["levels"] == []
    market("trade", "order", "buy", "1", "0.20", "--key-file", "home.key")
    with pytest.raises(ContractRevertError, match="AlreadyCancelled"):
        market("trade", "cancel", "buy", "--interval", str(FIRST), "--key-file", "home.key")
    events = [entry["event"] for entry in market("trade", "history", "--key-file", "home.key")]
    assert events == ["Deposited", "OrderCreated", "OrderCancelled", "OrderCreated"]


def test_two_homes_make_a_deal(market: Run) -> None:
    words = ("trade", "offer", OTHER.address, "sell", "1.5", "0.10", "--key-file", "home.key")
    first, second = market(*words), market(*words)
    assert (first["number"], first["status"], first["interval"], first["maker"]) == (1, "open", FIRST, HOME.address)
    assert [made["number"] for made in market("trade", "offers")] == [1, 2]
    assert [made["status"] for made in market("trade", "accept", "1", "--key-file", "other.key")] == ["accepted"]
    withdrawn = market("trade", "withdraw-offer", str(second["number"]), "--key-file", "home.key")
    assert [made["status"] for made in withdrawn] == ["withdrawn"]
    assert market("trade", "offers") == []
    assert [made["energy_wh"] for made in market("trade", "offers", "--all")] == [1_500, 1_500]
    assert market("trade", "balance", OTHER.address)[OTHER.address] == 50_000_000 - 1_500 * (100_000 + 1_000) // 1_000
    with pytest.raises(ContractRevertError, match="OfferNotOpen"):
        market("trade", "accept", "1", "--key-file", "other.key")


def test_credits_come_from_metered_export_and_go_once(market: Run, server: NodeServer) -> None:
    start_s = FIRST * HOUR_S
    with open_market(server) as chain:
        for number, registers in enumerate([[(0, 0), (0, 0)], [(0, 1_200), (300, 0)]]):
            chain.advance_to(start_s + number * HOUR_S)
            read_meters(chain, number, start_s + number * HOUR_S, registers)
    minted = market("trade", "credits", "mint", str(FIRST), HOME.address)
    assert minted == {"minted_wh": 1_200, "spent_wh": 0, "balances_wh": {HOME.address: 1_200}}
    market("trade", "credits", "transfer", OTHER.address, "0.2", "--key-file", "home.key")
    market("trade", "credits", "spend", "1", "green event", "--key-file", "home.key")
    shown = market("trade", "credits", "show")
    assert (shown["spent_wh"], shown["balances_wh"][HOME.address], shown["balances_wh"][OTHER.address]) == (
        1_000,
        0,
        200,
    )
    with pytest.raises(BadInputError, match="at most 32 bytes"):
        market("trade", "credits", "spend", "1", "x" * 33, "--key-file", "home.key")


def test_money_moves_by_its_owners_key(market: Run) -> None:
    moved = market("trade", "transfer", OTHER.address, "2.50", "--key-file", "home.key")
    assert moved == {HOME.address: 47_500_000, OTHER.address: 52_500_000}
    assert market("trade", "withdraw", "7.5", "--key-file", "home.key") == {HOME.address: 40_000_000}
    assert [e["event"] for e in market("trade", "history", "--key-file", "home.key")] == [
        "Deposited",
        "CreditTransferred",
        "Withdrawn",
    ]


def test_the_rules_in_force_are_shown(market: Run, server: NodeServer) -> None:
    shown = market("trade", "rules")
    regulator = shown.pop("regulator")
    assert shown == {
        "fee_micro_per_kwh": 1_000,
        "interval_seconds": HOUR_S,
        "gate_lead_seconds": 300,
        "settlement_deadline_seconds": 4 * HOUR_S,
        "min_order_wh": 1,
        "max_order_wh": 1_000_000,
        "max_duration_intervals": 96,
        "insurance_share_bps": 0,
        "paused": False,
        "insurance_micro": 0,
    }
    with open_market(server) as chain:
        assert regulator == chain.regulator.contract.address
        trading, send = chain.trading.contract, chain.transactor.execute
        send("setInsuranceShare", trading, "setInsuranceShare", [2_550], MOVE_MONEY)
        send("setOrderLimits", trading, "setOrderLimits", [100, 20_000], MOVE_MONEY)
        send("setRegulator", trading, "setRegulator", ["0x" + 40 * "0"], MOVE_MONEY)
        send("pause", trading, "pause", [], MOVE_MONEY)
        chain.deposit(trading.address, 750_000)
    shown = market("trade", "rules")
    assert (shown["insurance_share_bps"], shown["insurance_micro"], shown["paused"]) == (2_550, 750_000, True)
    assert (shown["min_order_wh"], shown["max_order_wh"]) == (100, 20_000)
    text = market("trade", "rules", as_json=False)
    for part in ("25.50%", "0.750000", "0.100 to 20.000 kWh, in at most 96 intervals", "paused", "none"):
        assert part in text


def test_nonces_are_revoked_before_an_order_is_handed_in(market: Run, server: NodeServer) -> None:
    market("trade", "order", "sell", "1", "0.1", "--signed-by", "other.key")
    revoked = market("trade", "revoke-nonces", "8", "--key-file", "other.key")
    assert revoked == {"account": OTHER.address, "next_nonce": 8}
    with open_market(server) as chain:
        late = [Order(OTHER.address, FIRST, Side.BUY, 1_000, 200_000, nonce, FIRST * HOUR_S) for nonce in (7, 8)]
        results = chain.submit_orders([sign_order(order, OTHER, chain.order_domain) for order in late])
    assert results == [OrderResult.NONCE_USED, OrderResult.ACCEPTED]
    with pytest.raises(ContractRevertError, match=rf"NoncesUsed\(trader={OTHER.address}, nextNonce=9\)"):
        market("trade", "revoke-nonces", "9", "--key-file", "other.key")
    assert [level["sell_wh"] for level in market("trade", "book")["levels"] if level["sell_wh"]] == [1_000]


def test_contract_errors_come_by_name_with_values(market: Run) -> None:
    with pytest.raises(ContractRevertError, match=rf"InsufficientBalance\(account={HOME.address}, balance=50000000"):
        market("trade", "withdraw", "51", "--key-file", "home.key")
    market("trade", "order", "buy", "1", "0.2", "--key-file", "home.key")
    with pytest.raises(ContractRevertError, match=rf"GateStillOpen\(interval={FIRST}, gateClosure="):
        market("trade", "clear", "next")


def test_settling_what_is_not_cleared_is_refused(market: Run) -> None:
    with pytest.raises(ContractRevertError, match=rf"NotCleared\(interval={FIRST}"):
        market("trade", "settle", str(FIRST))


def test_a_refused_relayed_order_names_the_reason(market: Run) -> None:
    market("trade", "order", "sell", "1", "0.1", "--signed-by", "other.key")
    with pytest.raises(OrderRefusedError, match="was refused: order_exists"):
        market("trade", "order", "sell", "2", "0.1", "--signed-by", "other.key")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["buy", "0", "0.2"], "ENERGY 0.000 is out of range"),
        (["buy", "99999999", "0.2"], "ENERGY 99999999.000 is out of range"),
        (["buy", "1", "0.2", "--duration", "100000"], "--duration 100000 is out of range: an order runs 1 to "),
        (
            ["sell", "1", "0.2", "--interval", str(FIRST - 1)],
            f"interval {FIRST - 1} takes no more orders: its gate closed",
        ),
        (["sell", "1", "0.2", "--key-file", "stranger.key"], "is no member of this market"),
    ],
)
def test_an_order_that_cannot_be_is_refused_before_anything_is_sent(
    market: Run, server: NodeServer, words: list[str], sentence: str
) -> None:
    Path("stranger.key").write_text(dev_key(7).secret.hex())
    height = server.chain.blocks[-1].number
    acting = [] if "--key-file" in words else ["--key-file", "home.key"]
    with pytest.raises(BadInputError, match=sentence):
        market("trade", "order", *words, *acting)
    assert server.chain.blocks[-1].number == height


def test_an_offer_that_cannot_be_is_refused_before_anything_is_sent(market: Run, server: NodeServer) -> None:
    height = server.chain.blocks[-1].number
    with pytest.raises(BadInputError, match=r"ENERGY 0\.000 is out of range"):
        market("trade", "offer", OTHER.address, "sell", "0", "0.10", "--key-file", "home.key")
    assert server.chain.blocks[-1].number == height


def test_a_price_outside_a_published_band_is_told_with_the_band(market: Run) -> None:
    market("trade", "order", "buy", "1", "0.2", "--key-file", "home.key")
    band = market("trade", "book")["band_micro_per_kwh"]
    feed_in, retail = (f"{band[name] / 1e6:.6f}" for name in ("feed_in", "retail"))
    with pytest.raises(BadInputError, match=f"at least the feed-in price, {feed_in} per kWh"):
        market("trade", "order", "buy", "1", "0", "--key-file", "other.key")
    with pytest.raises(BadInputError, match=f"at most the retail price, {retail} per kWh"):
        market("trade", "order", "sell", "1", "99", "--key-file", "other.key")


@pytest.mark.parametrize("text", ["tomorrow", "9" * 15, "9" * 30, "9" * 5_000, "9999-12-31T23:00"])
def test_what_is_no_interval_is_told_the_next_open_one(market: Run, text: str) -> None:
    with pytest.raises(
        BadInputError, match=rf"the next open one starts at 2016-08-01T01:00:00\+00:00 and has index {FIRST}"
    ):
        market("trade", "clear", text)


@pytest.mark.parametrize(
    "words",
    [
        ["trade", "deposit", "nan"],
        ["trade", "deposit", "0.0000001"],
        ["trade", "order", "buy", "one", "0.2"],
        ["trade", "balance", "0x12"],
        ["trade", "balance", HOME.address[:-1] + "9"],
    ],
)
def test_mistyped_values_are_usage_errors(words: list[str]) -> None:
    result = CliRunner().invoke(root, words)
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr


def test_a_home_without_gas_money_has_its_order_taken_back(market: Run) -> None:
    market("trade", "order", "buy", "1.5", "0.20", "--signed-by", "other.key")
    gone = market("trade", "cancel", "buy", "--signed-by", "other.key", "--key-file", "home.key")
    assert (gone["energy_wh"], gone["released_micro"] > 0) == (1_500, True)
    assert market("trade", "book")["levels"] == []
    with pytest.raises(ContractRevertError, match="NoOrder"):
        market("trade", "cancel", "buy", "--signed-by", "other.key")


def test_a_pause_stops_orders_until_it_is_ended(market: Run) -> None:
    assert market("trade", "pause") == {"paused": True}
    with pytest.raises(ContractRevertError, match=r"EnforcedPause\(\): new orders, deals and clearing are paused"):
        market("trade", "order", "buy", "1", "0.20", "--key-file", "home.key")
    market("trade", "withdraw", "1", "--key-file", "home.key")
    assert market("trade", "unpause") == {"paused": False}
    assert market("trade", "rules")["paused"] is False


def test_money_for_nobody_and_no_money_are_refused_before_tokens_are_issued(market: Run, server: NodeServer) -> None:
    stranger = dev_key(5).address
    with pytest.raises(BadInputError, match=f"{stranger} is no member"):
        market("trade", "deposit", "5", "--account", stranger)
    with pytest.raises(BadInputError, match="AMOUNT is 0"):
        market("trade", "deposit", "0", "--account", HOME.address)
    with open_market(server) as chain:
        assert chain.token.balance_micro(chain.transactor.address) == 0


def test_a_deal_is_between_two_homes(market: Run, server: NodeServer) -> None:
    for counterparty, sentence in ((dev_key(5).address, "is no member"), (HOME.address, "own home")):
        with pytest.raises(BadInputError, match=sentence):
            market("trade", "offer", counterparty, "sell", "1", "0.2", "--key-file", "home.key")
    with open_market(server) as chain:
        assert chain.grid.band(FIRST) is None


def test_what_a_contract_refuses_is_said_in_words_and_never_sent(market: Run, server: NodeServer) -> None:
    with open_market(server) as chain:
        before = chain.backend.web3.eth.get_transaction_count(HOME.address)
    with pytest.raises(ContractRevertError, match="the account cannot spend that much"):
        market("trade", "withdraw", "51", "--key-file", "home.key")
    with open_market(server) as chain:
        assert chain.backend.web3.eth.get_transaction_count(HOME.address) == before
