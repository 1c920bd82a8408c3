"""`microgrid grid` against a node in another thread."""

from pathlib import Path
from typing import Any

import pytest
from rim.cli_chain import HOUR_S, Run, commands_in, open_market, put_back, reading
from rim.cli_chain import ONE as HOME
from village import START_S, key

from microgrid.chain.node import NodeServer
from microgrid.domain.errors import BadInputError, ContractRevertError, ReportRefusedError

METER, SENSOR = key("meter-01"), key("sensor-01")


@pytest.fixture(scope="module")
def prepared(server: NodeServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a market with a home, its meter and a sensor."""
    folder = tmp_path_factory.mktemp("grid")
    with commands_in(folder, server) as run:
        Path("sensor.key").write_text(SENSOR.secret.hex())
        run("deploy")
        run("device", "register", "meter-01", "--owner", HOME.address, "--key", METER.address, "--zone", "3")
        sensor = ["--class", "grid-sensor", "--zone", "3"]
        run("device", "register", "sensor-01", "--owner", HOME.address, "--key", SENSOR.address, *sensor)
    return folder


@pytest.fixture
def grid(prepared: Path, run: Run) -> Run:
    """Runs a command on that market."""
    put_back(prepared)
    return run


def report(grid: Run, *values: str, **kwargs: Any) -> Any:
    return grid("grid", "report", "sensor-01", *values, "--device-key-file", "sensor.key", **kwargs)


def read_meter(server: NodeServer, imports_wh: list[int], first_hour: int = 0) -> None:
    """Readings at the ends of hours, with these registers."""
    with open_market(server) as market:
        oracle = market.transactor.address
        for hour, import_wh in enumerate(imports_wh, first_hour):
            time_s = START_S + hour * HOUR_S
            market.advance_to(time_s)
            shown = reading(market, "meter-01", hour, time_s, import_wh, 0)
            market.send_readings(market.prepare_readings(market.registry.next_batch(oracle), [shown]))


class TestSensors:
    def test_a_signed_report_moves_severity_and_stress(self, grid: Run) -> None:
        before = grid("grid", "status")
        assert (before["severity_permille"], before["sensors"], before["last_import_wh"]) == (None, [], None)
        assert report(grid, "49400", "230000", "10")["severity_permille"] == 600
        after = grid("grid", "status")
        assert (after["severity_permille"], after["grid_stress_factor"]) == (600, 0.6)
        (sensor,) = after["sensors"]
        assert (sensor["device"], sensor["frequency_millihertz"], sensor["faults"]) == ("sensor-01", 49_400, [])

    def test_faults_are_named(self, grid: Run) -> None:
        report(grid, "51000", "200000", "90")
        (sensor,) = grid("grid", "status")["sensors"]
        assert sensor["faults"] == ["FREQUENCY_HIGH", "VOLTAGE_LOW", "DISTORTION"]
        assert "VOLTAGE_LOW" in grid("grid", "status", as_json=False)

    def test_a_refused_report_names_the_reason(self, grid: Run) -> None:
        with pytest.raises(ReportRefusedError, match="'sensor-01' was refused: bad_signature"):
            grid("grid", "report", "sensor-01", "50000", "230000", "10", "--device-key-file", "home.key")

    def test_an_oracle_reports_stress(self, grid: Run) -> None:
        assert grid("grid", "stress", "0.25")["grid_stress_factor"] == 0.25
        with pytest.raises(ContractRevertError, match="InvalidFactor"):
            grid("grid", "stress", "3.5")

    def test_energy_by_zone(self, grid: Run, server: NodeServer) -> None:
        read_meter(server, [100, 1_350])
        shown = grid("grid", "zones", str(START_S // HOUR_S))
        assert shown["zones"] == [{"zone": 3, "import_wh": 1_250, "export_wh": 0, "readings": 1}]
        assert "unknown" in grid("grid", "zones", str(START_S // HOUR_S), "--zone", "4", as_json=False)


class TestEmergency:
    def test_levels_from_alert_to_normal(self, grid: Run) -> None:
        assert grid("grid", "emergency", "show")["level"] == "normal"
        assert grid("grid", "emergency", "severity", "500")["level"] == "alert"
        declared = grid("grid", "emergency", "declare", "emergency", "--seconds", "600", "--reason", "a line is down")
        assert (declared["level"], declared["declared"]) == ("emergency", True)
        assert grid("grid", "emergency", "shed", "1")["curtailed_classes"] == ["flexible"]
        assert grid("grid", "emergency", "stand-down")["level"] == "recovery"
        assert grid("grid", "emergency", "stand-down")["level"] == "normal"

    def test_sensors_raise_it(self, grid: Run) -> None:
        with pytest.raises(ContractRevertError, match="SeverityUnknown"):
            grid("grid", "emergency", "observe")
        report(grid, "49000", "230000", "10")
        assert grid("grid", "emergency", "observe")["level"] == "emergency"

    def test_priorities_decide_who_is_curtailed(self, grid: Run) -> None:
        shown = grid("grid", "emergency", "priority", HOME.address)
        assert (shown["priority"], shown["curtailed"]) == ("standard", False)
        grid("grid", "emergency", "priority", HOME.address, "flexible")
        grid("grid", "emergency", "severity", "1000")
        grid("grid", "emergency", "shed", "1")
        assert grid("grid", "emergency", "priority", HOME.address)["curtailed"] is True
        with pytest.raises(BadInputError, match="is no member"):
            grid("grid", "emergency", "priority", key("nobody").address)

    def test_a_home_has_no_say(self, grid: Run) -> None:
        with pytest.raises(ContractRevertError, match="AccessManagedUnauthorized"):
            grid("grid", "emergency", "severity", "1000", "--key-file", "home.key")


class TestEvent:
    @pytest.fixture
    def funded(self, grid: Run, server: NodeServer) -> Run:
        """A day of readings, 1 kWh an hour; the operator has 100 units of money."""
        read_meter(server, [1_000 * hour for hour in range(25)])
        with open_market(server) as market:
            market.token.mint(market.transactor.address, 100_000_000)
        return grid

    def test_a_home_is_paid_for_what_it_saved(self, funded: Run, server: NodeServer) -> None:
        first = START_S // HOUR_S + 26
        read_meter(server, [25_000], 25)
        words = ["--rate", "0.20", "--budget", "50"]
        announced = funded("grid", "event", "announce", str(first), *words)
        assert (announced["event"], announced["status"], announced["baseline_first"]) == (1, "announced", first - 24)
        enrolled = funded("grid", "event", "enrol", "1", "--key-file", "home.key")
        assert enrolled["homes"][0]["baseline_wh"] == 1_000
        assert funded("grid", "event", "dispatch", "1")["status"] == "dispatched"
        read_meter(server, [26_000, 26_400], 26)
        settled = funded("grid", "event", "settle", "1")
        assert (settled["status"], settled["payout_micro"], settled["saved_wh"]) == ("settled", 120_000, 600)
        assert [event["status"] for event in funded("grid", "event", "list")] == ["settled"]
        with open_market(server) as market:
            assert market.token.balance_micro(HOME.address) == 120_000
            assert market.token.balance_micro(market.transactor.address) == 100_000_000 - 120_000

    def test_a_home_opts_out_and_the_event_is_cancelled(self, funded: Run) -> None:
        first = START_S // HOUR_S + 26
        words = ["--rate", "0.20", "--budget", "50", "--baseline", str(first - 6), "--baseline-intervals", "4"]
        funded("grid", "event", "announce", str(first), *words, "--zone", "3")
        funded("grid", "event", "enrol", "1", "--key-file", "home.key")
        assert funded("grid", "event", "opt-out", "1", "--key-file", "home.key")["homes"] == []
        assert funded("grid", "event", "cancel", "1")["status"] == "cancelled"

    def test_missing_readings_are_named(self, funded: Run, server: NodeServer) -> None:
        first = START_S // HOUR_S + 26
        words = ["--baseline", str(first - 6), "--rate", "0.20", "--budget", "50"]
        funded("grid", "event", "announce", str(first), *words)
        funded("grid", "event", "enrol", "1", "--key-file", "home.key")
        funded("grid", "event", "dispatch", "1")
        with open_market(server) as market:
            market.advance_to((first + 1) * HOUR_S)
        with pytest.raises(BadInputError, match="waits for the readings of 1 homes"):
            funded("grid", "event", "settle", "1")

    def test_an_unknown_event_is_named(self, grid: Run) -> None:
        with pytest.raises(BadInputError, match="there is no event 7; the latest is 0"):
            grid("grid", "event", "show", "7")


class TestBattery:
    @pytest.fixture
    def stored(self, grid: Run) -> Run:
        """An enlisted battery of 10 kWh."""
        Path("battery.key").write_text(key("battery").secret.hex())
        battery = ["--class", "battery", "--owner", HOME.address, "--key", key("battery").address]
        grid("device", "register", "battery-1", *battery)
        grid("grid", "battery", "enlist", "battery-1", "10", "--keep", "1", "--key-file", "home.key")
        return grid

    def test_a_report_tells_what_is_available(self, stored: Run) -> None:
        words = ["grid", "battery", "report", "battery-1", "6.5", "120", "110", "--device-key-file", "battery.key"]
        shown = stored(*words)
        assert (shown["dischargeable_wh"], shown["chargeable_wh"], shown["fresh"]) == (5_500, 3_500, True)
        assert [battery["stored_wh"] for battery in stored("grid", "battery", "list")] == [6_500]
        words[4] = "10.1"
        with pytest.raises(ReportRefusedError, match="implausible"):
            stored(*words)

    def test_a_plan_is_kept(self, stored: Run) -> None:
        first = START_S // HOUR_S + 2
        words = ["--key-file", "home.key", "--", "battery-1", str(first), "-2000", "1500"]
        planned = stored("grid", "battery", "schedule", *words)
        assert planned["powers_w"] == {str(first): -2_000, str(first + 1): 1_500}

    def test_an_unlisted_battery_is_named(self, grid: Run) -> None:
        with pytest.raises(BadInputError, match="'battery-9' is no enlisted battery"):
            grid("grid", "battery", "report", "battery-9", "1", "1", "1", "--device-key-file", "home.key")


class TestTariff:
    def test_an_operator_publishes_the_prices_of_a_row_of_intervals(self, grid: Run) -> None:
        first = START_S // HOUR_S + 1
        told = grid("grid", "tariff", str(first), "0.08", "0.30", "--intervals", "3")
        assert [(band["interval"], band["feed_in"], band["retail"]) for band in told] == [
            (first + ahead, 80_000, 300_000) for ahead in range(3)
        ]
        with pytest.raises(BadInputError, match=f"interval {first + 2} from .* has its tariff already"):
            grid("grid", "tariff", str(first + 2), "0.08", "0.31")

    def test_without_prices_the_formula_gives_them(self, grid: Run) -> None:
        first = START_S // HOUR_S + 1
        (band,) = grid("grid", "tariff", str(first))
        assert band["retail"] == band["reference"]

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("0", "0.08", "0.30"), "interval 0 began at 1970"),
            (("next", "0.31", "0.30"), "FEED_IN 0.310000 is above RETAIL 0.300000"),
            (("next", "0.31"), "RETAIL is missing"),
            (("next", "0", "1000001"), "RETAIL 1000001.000000 is out of range"),
        ],
    )
    def test_prices_that_make_no_band_are_refused(self, grid: Run, words: tuple[str, ...], sentence: str) -> None:
        with pytest.raises(BadInputError, match=sentence):
            grid("grid", "tariff", *words)


def test_an_alert_that_time_has_ended_is_told(grid: Run, server: NodeServer) -> None:
    grid("grid", "emergency", "declare", "alert", "--seconds", "60")
    with open_market(server) as market:
        market.advance_to(market.now_s() + 61)
    assert grid("grid", "emergency", "expire")["level"] == "normal"


def test_an_event_without_money_is_refused_before_anything_is_approved(grid: Run, server: NodeServer) -> None:
    first = str(START_S // HOUR_S + 26)
    for words, sentence in ((("0.20", "50"), "--budget 50.000000 is more"), (("0", "0"), "must be above 0")):
        with pytest.raises(BadInputError, match=sentence):
            grid("grid", "event", "announce", first, "--rate", words[0], "--budget", words[1])
    with open_market(server) as market:
        assert market.token.allowance_micro(market.transactor.address, market.response.contract.address) == 0
