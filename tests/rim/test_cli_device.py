"""`microgrid device` against a node in another thread."""

import pytest
from rim.cli_chain import ONE as HOME
from rim.cli_chain import TWO as OTHER
from rim.cli_chain import Run, open_market
from village import key

from microgrid.chain.node import NodeServer
from microgrid.domain.errors import BadInputError, ContractRevertError

METER = key("meter-01")


def test_a_registered_device_is_shown_and_listed(market: Run) -> None:
    shown = market("device", "show", "meter-01")
    assert (shown["owner"], shown["key"], shown["member_id"]) == (HOME.address, METER.address, 1)
    assert (shown["class"], shown["status"], shown["last_reading"]) == ("smart-meter", "active", None)
    assert [device["device"] for device in market("device", "list")] == ["meter-01", "meter-02"]


def test_the_table_shows_whole_addresses(market: Run) -> None:
    assert METER.address in market("device", "show", "meter-01", as_json=False)


def test_suspending_activating_and_a_new_key(market: Run) -> None:
    assert market("device", "suspend", "meter-01")["status"] == "suspended"
    assert market("device", "activate", "meter-01")["status"] == "active"
    rotated = market("device", "rotate-key", "meter-01", "--device-key-file", "other.key")
    assert rotated["key"] == OTHER.address


def test_alerts_are_raised_acknowledged_and_resolved(market: Run) -> None:
    assert market("device", "raise-alert", "meter-01", "3")["status"] == "raised"
    assert market("device", "acknowledge", "0")["status"] == "acknowledged"
    (alert,) = market("device", "alerts", "--open")
    assert (alert["alert"], alert["device"], alert["kind"]) == (0, "meter-01", 3)
    assert market("device", "resolve", "0")["status"] == "resolved"
    assert market("device", "alerts", "--open") == []


def test_the_performance_of_a_new_device_is_empty(market: Run) -> None:
    shown = market("device", "performance", "meter-01")
    assert (shown["device"], shown["accepted"], shown["last_seen_s"]) == ("meter-01", 0, 0)


def test_a_device_is_replaced_when_its_owner_agreed(market: Run) -> None:
    words = ("device", "replace", "meter-01", "meter-09", "--key", key("spare").address)
    with pytest.raises(ContractRevertError, match="ReplacementNotApproved"):
        market(*words)
    assert not market(*words, "--approve", "--key-file", "home.key")["replaced"]
    assert market(*words)["replaced"]
    assert market("device", "show", "meter-01")["status"] == "retired"
    assert market("device", "show", "meter-09")["status"] == "active"


def test_a_device_is_retired(market: Run) -> None:
    assert market("device", "retire", "meter-02")["status"] == "retired"
    assert market("device", "show", "meter-02")["status"] == "retired"


def test_an_owner_rotates_its_own_devices_key(market: Run) -> None:
    market("device", "rotate-key", "meter-01", "--key", key("new").address, "--key-file", "home.key")
    with pytest.raises(ContractRevertError, match="Unauthorized"):
        market("device", "rotate-key", "meter-02", "--key", key("newer").address, "--key-file", "home.key")


def test_an_unknown_device_is_named_beside_the_known_ones(market: Run) -> None:
    with pytest.raises(BadInputError, match="no device is called 'meter-99'; known here are: meter-01, meter-02"):
        market("device", "show", "meter-99")


@pytest.mark.parametrize("words", [[], ["--key", METER.address, "--device-key-file", "home.key"]])
def test_the_key_is_named_exactly_once(market: Run, words: list[str]) -> None:
    with pytest.raises(BadInputError, match="name the device's key once"):
        market("device", "register", "meter-03", "--owner", HOME.address, *words)


@pytest.mark.parametrize(
    ("role", "whose"), [("grid_account", "the grid supplier's"), ("fee_account", "the treasury's")]
)
def test_a_home_has_an_account_of_its_own(market: Run, server: NodeServer, role: str, whose: str) -> None:
    with open_market(server) as chain:
        owner = getattr(chain, role)
    with pytest.raises(BadInputError, match=f"{owner} is {whose} account"):
        market("device", "register", "meter-05", "--owner", owner, "--key", key("fifth").address)
    with open_market(server) as chain:
        assert chain.registry.member_of(owner) == 0
