"""Simulated runs in which everything happens: two markets, bans, bonuses, penalties, refused transfers, blocks."""

from functools import cache
from pathlib import Path
from typing import Any

from simulations import inputs_of, scenario

from microgrid.report.simulation import write_simulation_folder
from microgrid.sim.results import Results
from microgrid.sim.run import run

EVERYTHING: dict[str, Any] = {
    "name": "everything",
    "homes": {"count": 12, "ev_share": 0.4, "heat_pump_share": 0.3, "mix": {}},
    "market": {"mechanism": "three_tier", "parameters": {"cap_kwh": 0.05, "fee": 0.004}},
    "regulator": {"enabled": True, "market_limit_kwh": 0.2, "start_balance": 0.3},
    "credits": {"enabled": True, "start": 2.0, "transfers_per_step": 8},
    "ledger": {"kind": "proof_of_work", "miners": 3, "difficulty": 1, "block_size": 10},
}
BY_HAND: dict[str, Any] = {
    "batteries": {"model": "none"},
    "prices": {"tariff": "flat", "retail": 0.3, "feed_in": 0.1},
    "market": {"mechanism": "mid_market_rate", "strategy": "truthful"},
}


@cache
def everything(seed: int = 1, model: str = "individual") -> Results:
    """Twelve homes for a day."""
    return run(scenario(EVERYTHING, batteries__model=model, steps=24), seed=seed)


@cache
def by_hand(mechanism: str = "mid_market_rate") -> Results:
    """h0 has 2 kWh to spare, h1 lacks 1 and h2 lacks 2, twice; the grid asks 0.30 and pays 0.10."""
    rules = scenario(BY_HAND, market__mechanism=mechanism, steps=2)
    return run(rules, inputs=inputs_of(rules, [[0.0, 1.0, 2.0]] * 2, [[2.0, 0.0, 0.0]] * 2))


def written(results: Results, target: Path, *, plots: bool = False, **options: Any) -> Path:
    """Its folder."""
    command = f"microgrid simulate {results.scenario.name} --seed {results.seed}"
    return write_simulation_folder(
        results,
        target,
        command=command,
        version="0.1.0",
        inputs_hashes={"homes.csv": "ab" * 32},
        plots=plots,
        **options,
    )
