"""Planning problems from the reference files and from the measured data."""

import csv
import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.assets.flexible import FlexibleLoads
from microgrid.planning.problem import Metering, Problem


def toy_problem(case: dict[str, Any], metering: Metering = "shared") -> Problem:
    """A case of battery_lp.json that holds all its arrays."""
    inputs = case["inputs"]
    columns = {name: np.array([one[name] for one in inputs["batteries"]]) for name in inputs["batteries"][0]}
    nothing = np.zeros(len(columns["home"]))
    fleet = BatteryFleet(
        home=columns["home"],
        capacity_kwh=columns["capacity_kwh"],
        charge_power_kw=columns["power_kw"],
        discharge_power_kw=columns["power_kw"],
        eta_charge=columns["eta_charge"],
        eta_discharge=columns["eta_discharge"],
        soc_min_kwh=nothing,
        soc_max_kwh=columns["capacity_kwh"],
        soc0_kwh=columns["soc0_kwh"],
        min_final_soc_kwh=columns["min_final_soc_kwh"],
    )
    return Problem(
        dt_hours=inputs["dt_hours"],
        load_kwh=np.array(inputs["load_kwh"]).T,
        pv_kwh=np.array(inputs["pv_kwh"]).T,
        import_price=np.array(inputs["import_price"]),
        export_price=np.array(inputs["export_price"]),
        batteries=fleet,
        metering=metering,
    )


def measured_problem(case: dict[str, Any], folder: Path, metering: Metering = "shared") -> Problem:
    """A case of battery_lp.json with measured homes; each has the battery that the case describes."""
    data = case["inputs"]["data"]
    homes, start, end = data["homes"], data["from"], data["to_exclusive"]
    times: dict[str, int] = {}
    load, pv = {}, {}
    with gzip.open(folder / data["file"], "rt") as file:
        for row in csv.DictReader(file):
            if start <= row["interval_start"] < end and row["home_id"] in homes:
                time = times.setdefault(row["interval_start"], len(times))
                load[time, homes.index(row["home_id"])] = float(row["load_kwh"])
                pv[time, homes.index(row["home_id"])] = float(row["pv_kwh"])
    with (folder / "sierra_crest_price.csv").open() as file:
        prices = {row["interval_start"]: float(row["retail_usd_per_kwh"]) for row in csv.DictReader(file)}
    days = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).days
    assert len(times) == 24 * days
    shape = (len(times), len(homes))
    return Problem(
        dt_hours=1.0,
        load_kwh=np.array([load[place] for place in np.ndindex(shape)]).reshape(shape),
        pv_kwh=np.array([pv[place] for place in np.ndindex(shape)]).reshape(shape),
        import_price=np.array([prices[time] for time in times]),
        export_price=np.full(len(times), data["export_price"]),
        batteries=home_batteries(len(homes)),
        metering=metering,
    )


def home_batteries(count: int) -> BatteryFleet:
    """6.4 kWh, 5 kW, 90 % round trip, empty, no end condition: one for each home."""
    return BatteryFleet.of_homes(np.arange(count), 6.4, 5.0, round_trip=0.9, lowest=0.0, highest=1.0, start=0.0)


def case_l(intervals: int) -> Problem:
    """The battery programme of peer_books.json: 100 homes on one meter, PV curtailable."""
    draw = np.random.RandomState(7)
    homes, hours = 100, np.arange(intervals) * 24 / intervals
    dt = 24 / intervals
    load = 0.3 + 0.7 * draw.rand(intervals, homes)
    pv = np.clip(np.sin((hours - 6) / 12 * np.pi), 0, 1)[:, None] * draw.uniform(1, 4, homes)
    one = np.ones(homes)
    return Problem(
        dt_hours=dt,
        load_kwh=load * dt,
        pv_kwh=pv * dt,
        import_price=np.full(intervals, 0.30),
        export_price=np.full(intervals, 0.08),
        batteries=BatteryFleet(
            home=np.arange(homes),
            capacity_kwh=6 * one,
            charge_power_kw=2 * one,
            discharge_power_kw=2 * one,
            eta_charge=0.95 * one,
            eta_discharge=0.95 * one,
            soc_min_kwh=0 * one,
            soc_max_kwh=6 * one,
            soc0_kwh=3 * one,
            min_final_soc_kwh=0 * one,
        ),
        metering="shared",
        pv_curtailable=True,
    )


def random_problem(seed: int, homes: int, intervals: int, **changes: Any) -> Problem:
    """Homes with sun, a battery each and a load that can wait; prices above zero, the same for all."""
    draw = np.random.default_rng(seed)
    hours = np.arange(intervals) * 24 / max(intervals, 6)
    sun = np.clip(np.sin((hours - 6) / 12 * np.pi), 0, 1)[:, None] * draw.uniform(0, 4, homes)
    first = draw.integers(0, intervals, homes)
    last = np.minimum(first + draw.integers(0, 4, homes), intervals - 1)
    power = draw.uniform(0.5, 3, homes)
    energy = power * (last - first + 1) * draw.uniform(0, 1, homes)
    round_trip, start = draw.uniform(0.7, 1.0, homes), draw.uniform(0.1, 0.95, homes)
    size, kilowatts = draw.uniform(0, 8, homes), draw.uniform(0, 5, homes)
    values: dict[str, Any] = {
        "dt_hours": 1.0,
        "load_kwh": draw.uniform(0, 2, (intervals, homes)),
        "pv_kwh": sun,
        "import_price": draw.uniform(0.15, 0.4, intervals),
        "export_price": draw.uniform(0.01, 0.15, intervals),
        "batteries": BatteryFleet.of_homes(np.arange(homes), size, kilowatts, round_trip=round_trip, start=start),
        "flexible": FlexibleLoads.in_windows(intervals, np.arange(homes), energy, power, first, last),
    }
    return Problem(**(values | changes))
