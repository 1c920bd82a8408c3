"""Change the contracts one place at a time and see whether the unit tests in Solidity notice.

python scripts/mutate.py run RESULTS.json [FILES] [--workers 2] [--sample 12 --seed 1]
python scripts/mutate.py again RESULTS.json [FILES]   the survivors once more, after tests were added
python scripts/mutate.py write RESULTS.json [FILES]   renews contracts/mutants.json
"""

import argparse
import contextlib
import hashlib
import json
import queue
import random
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mutation_bench import CONTRACTS, SURVIVED, TARGETS, Bench, Mutant, check, freeze, mutants

LEDGER = CONTRACTS / "mutants.json"
LEAST_REASON = 20
COARSE = ("RR", "CR")
BATCH = 12


class Results:
    """Verdicts by mutant, kept in a file."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self.all: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def add(self, mutant: Mutant, verdict: str) -> None:
        """Note a verdict."""
        with self._lock:
            self.all[mutant.key()] = {**vars(mutant), "verdict": verdict}
            part = self._file.with_suffix(".part")
            part.write_text(json.dumps(self.all), encoding="utf-8")
            part.replace(self._file)


def run(files: Sequence[str], results: Results, workers: int, sample: tuple[int, int] | None, *, again: bool) -> None:
    """Judge what is not judged yet, or the survivors again; coarse mutants first."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        first = Path(folder) / "0"
        freeze(first)
        with Bench(first) as bench:
            check(bench)
            base = bench.base
        for number in range(1, workers):
            shutil.copytree(first, Path(folder) / str(number), symlinks=True)
        benches = [Bench(Path(folder) / str(number), base) for number in range(workers)]
        for file in files:
            found = _some(mutants(file), sample)
            for coarse in (True, False):
                passed_over = set() if sample is not None else _unnoticed(found, results)
                todo = [each for each in found if (each.mutator in COARSE) == coarse]
                todo = [each for each in todo if coarse or each.line not in passed_over]
                _share_out([each for each in todo if _is_open(each, results, again=again)], benches, results)
            print(file, dict(Counter(_verdict(each, results) for each in found)), flush=True)
        for bench in benches:
            bench.__exit__()


def _some(found: list[Mutant], sample: tuple[int, int] | None) -> list[Mutant]:
    """All, or so many of them by chance: number and seed."""
    if sample is None:
        return found
    return random.Random(sample[1]).sample(found, min(sample[0], len(found)))  # noqa: S311


def _share_out(todo: Sequence[Mutant], benches: Sequence[Bench], results: Results) -> None:
    waiting: queue.SimpleQueue[Sequence[Mutant]] = queue.SimpleQueue()
    for first in range(0, len(todo), BATCH):
        waiting.put(todo[first : first + BATCH])

    def work(bench: Bench) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                batch = waiting.get_nowait()
                verdicts = bench.judge(TARGETS[batch[0].file], [mutant.text() for mutant in batch])
                for mutant, verdict in zip(batch, verdicts, strict=True):
                    results.add(mutant, verdict)

    threads = [threading.Thread(target=work, args=(bench,)) for bench in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _is_open(mutant: Mutant, results: Results, *, again: bool) -> bool:
    verdict = _verdict(mutant, results)
    return verdict == "not run" or (again and verdict == SURVIVED)


def _verdict(mutant: Mutant, results: Results) -> str:
    return str(results.all.get(mutant.key(), {}).get("verdict", "not run"))


def _unnoticed(found: Iterable[Mutant], results: Results) -> set[int]:
    """Lines whose statement nobody misses: slither-mutate does not mutate them further."""
    return {each.line for each in found if each.mutator in COARSE and _verdict(each, results) == SURVIVED}


def write(files: Sequence[str], results: Results) -> None:
    """Renew the ledger of these files: counts, and each survivor with the reason it had; a new one comes without."""
    ledger = read_ledger()
    for file in files:
        reasons = {_name(each): each["reason"] for each in ledger.get(file, {}).get("survivors", ())}
        found = mutants(file)
        verdicts = [_verdict(each, results) for each in found]
        lines = _unnoticed(found, results)
        verdicts = [
            "passed over" if verdict == "not run" and each.line in lines else verdict
            for each, verdict in zip(found, verdicts, strict=True)
        ]
        alive = [each for each, verdict in zip(found, verdicts, strict=True) if verdict == SURVIVED]
        ledger[file] = {
            "sha256": digest(file),
            "mutants": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
            "survivors": [{**_place(each), "reason": reasons.get(_name(_place(each)), "")} for each in alive],
        }
    LEDGER.write_text(json.dumps(dict(sorted(ledger.items())), indent=1) + "\n", encoding="utf-8")


def read_ledger() -> dict[str, Any]:
    """What is known of the mutants of each file."""
    known: dict[str, Any] = json.loads(LEDGER.read_text(encoding="utf-8")) if LEDGER.is_file() else {}
    return known


def digest(file: str) -> str:
    """What a file was when its mutants were judged."""
    return hashlib.sha256((CONTRACTS / file).read_bytes()).hexdigest()


def problems() -> list[str]:
    """Files not judged or changed unsaid since their mutants were, and survivors that nobody explains."""
    ledger = read_ledger()
    wrong = [f"{file}: its mutants were never judged" for file in TARGETS if file not in ledger]
    wrong += [
        f"{file}: changed since its mutants were judged"
        for file, known in ledger.items()
        if known["sha256"] != digest(file) and len(known.get("changed_since", "")) < LEAST_REASON
    ]
    wrong += [f"{file}: not all mutants were judged" for file in ledger if "not run" in ledger[file]["mutants"]]
    return wrong + [
        f"{file}:{each['line']}: {each['before']} -> {each['after']}: survives without a reason"
        for file, known in ledger.items()
        for each in known["survivors"]
        if len(each["reason"]) < LEAST_REASON
    ]


def unlisted(results: Results) -> list[str]:
    """Survivors that the ledger does not list."""
    ledger = read_ledger()
    listed = {(file, *_name(each)) for file, known in ledger.items() for each in known["survivors"]}
    alive = [each for each in results.all.values() if each["verdict"] == SURVIVED]
    return [
        f"{each['file']}:{each['line']}: {each['after']}"
        for each in alive
        if (each["file"], *_name(each)) not in listed
    ]


def _place(mutant: Mutant) -> dict[str, Any]:
    """How the ledger names a mutant."""
    names = ("line", "mutator", "before", "after")
    return {name: getattr(mutant, name) for name in names}


def _name(place: dict[str, Any]) -> tuple[str, ...]:
    """The same wherever the line goes."""
    return tuple(str(place[name]) for name in ("mutator", "before", "after"))


def main() -> int:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "again", "write"))
    parser.add_argument("results", type=Path)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="instead of all: as contracts/EnergyTrading.sol is named there"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sample", type=int, help="so many, by chance")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sample = None if options.sample is None else (options.sample, options.seed)
    files = options.files or list(TARGETS)
    if options.command == "write":
        write(files, Results(options.results))
        print("\n".join(problems()) or "every survivor is explained")
        return 0
    run(files, Results(options.results), options.workers, sample, again=options.command == "again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
