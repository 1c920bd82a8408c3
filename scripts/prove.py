"""Prove the contracts, one tool at a time.

python scripts/prove.py invariants [--times 10]
python scripts/prove.py units [--times 10]
python scripts/prove.py symbolic
python scripts/prove.py coverage
python scripts/prove.py findings [slither | lint | solhint] [--write]
python scripts/prove.py gas [--write]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / "contracts"
FORGE = CONTRACTS / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin"
SOLHINT = CONTRACTS / "node_modules" / ".bin" / "solhint"
ACCEPTED = CONTRACTS / "accepted-findings.json"
WAIVERS = CONTRACTS / "coverage-waivers.json"
RUNS, FUZZ_RUNS = 256, 1_000
QUICK_RUNS, QUICK_FUZZ_RUNS = 16, 64
LEAST_REASON = 20
FOLDERS = (".", "governance", "grid", "interfaces", "libraries", "registry", "rewards", "tokens", "trading")


def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in the contracts folder; Forge's binary is on its path."""
    path = os.pathsep.join((str(FORGE), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, **settings}
    return subprocess.run(command, cwd=CONTRACTS, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


def sources(folders: tuple[str, ...] = FOLDERS) -> list[str]:
    """Our own contracts, as the tools want to be told."""
    found = (file for folder in folders for file in (CONTRACTS / folder).glob("*.sol"))
    return sorted(str(file.relative_to(CONTRACTS)) for file in found)


def slither() -> Counter[str]:
    """High and medium findings: check and subject. All contracts are read at once, through a file that imports them."""
    with tempfile.TemporaryDirectory(dir=CONTRACTS, prefix="all-") as folder:
        everything, report = Path(folder) / "All.sol", Path(folder) / "report.json"
        imports = "".join(f'import "../{source}";\n' for source in sources() if not source.startswith("interfaces"))
        everything.write_text(f"pragma solidity 0.8.28;\n{imports}", encoding="utf-8")
        result = run("slither", str(everything.relative_to(CONTRACTS)), "--json", str(report))
        if not report.is_file():
            raise SystemExit(result.stderr)
        findings = json.loads(report.read_text(encoding="utf-8"))["results"].get("detectors", [])
    found = {(each["id"], f"{each['check']} {_subject(each['description'])}") for each in findings}
    return Counter(name for _, name in found)


def lint() -> Counter[str]:
    """Findings of Forge's linter: rule and file, with their number."""
    result = run("forge", "lint", "--json", *sources(), "--severity", "high", "--severity", "med")
    if result.returncode > 1:
        raise SystemExit(result.stderr)
    lines = [json.loads(line) for line in (result.stdout + result.stderr).splitlines() if line.startswith("{")]
    return Counter(f"{line['code']['code']} {line['spans'][0]['file_name']}" for line in lines if line.get("code"))


def solhint() -> Counter[str]:
    """Findings of Solhint: rule and file, with their number."""
    result = run(str(SOLHINT), "--noPoster", "-c", ".solhint.json", "-f", "json", *sources())
    findings = [each for each in json.loads(result.stdout or "[]") if "ruleId" in each]
    return Counter(f"{each['ruleId']} {each['filePath']}" for each in findings)


TOOLS = {"slither": slither, "lint": lint, "solhint": solhint}


def renew(tool: str) -> None:
    """Bring the list up to date; a finding that is new comes without a reason, which somebody must find and write."""
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    reasons = {name: each["reason"] for name, each in accepted[tool].items()}
    found = sorted(TOOLS[tool]().items())
    accepted[tool] = {name: {"count": count, "reason": reasons.get(name, "")} for name, count in found}
    ACCEPTED.write_text(json.dumps(accepted, indent=2) + "\n", encoding="utf-8")


def differences(tool: str) -> list[str]:
    """Where a tool and the list of accepted findings disagree; both ways, so that no reason outlives its finding."""
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))[tool]
    found = TOOLS[tool]()
    pairs = {name: (found.get(name, 0), accepted.get(name, {}).get("count", 0)) for name in {*found, *accepted}}
    wrong = [
        f"{tool}: {name}: found {now}, accepted {then}" for name, (now, then) in sorted(pairs.items()) if now != then
    ]
    bare = [name for name, each in accepted.items() if len(each["reason"]) < LEAST_REASON]
    return wrong + [f"{tool}: {name}: accepted without a reason" for name in bare]


@dataclass
class Coverage:
    """What tests reached of one file: how many lines and branches there are, and the source lines of those not reached.

    A branch is the body of an `if` or an `else`; Forge counts neither an `if` that is never false nor a `?:`.
    """

    lines: int = 0
    branches: int = 0
    missed_lines: list[int] = field(default_factory=list)
    missed_branches: list[int] = field(default_factory=list)

    def add(self, record: str) -> None:
        """Take a record of the LCOV format: `DA:line,hits` or `BRDA:line,block,branch,hits`."""
        kind, _, values = record.partition(":")
        line, *_, hits = values.split(",")
        missed = hits in ("0", "-")
        if kind == "DA":
            self.lines += 1
            self.missed_lines += [int(line)] * missed
        if kind == "BRDA":
            self.branches += 1
            self.missed_branches += [int(line)] * missed


def coverage() -> dict[str, Coverage]:
    """What the unit tests reach of each of our contracts, by Forge, without the optimizer.

    The invariants stay out: without the optimizer, solc-js overflows its stack on them.
    """
    settings = {"FOUNDRY_PROFILE": "fast", "FOUNDRY_TEST": "test/unit", "FOUNDRY_FUZZ_RUNS": str(QUICK_FUZZ_RUNS)}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "lcov.info"
        command = (
            "forge",
            "coverage",
            "--report",
            "lcov",
            "--report-file",
            str(report),
            "--no-match-coverage",
            "^(test|mocks|node_modules)/",
        )
        result = run(*command, **settings)
        if result.returncode != 0:
            raise SystemExit(result.stdout[-4_000:] + result.stderr)
        found: dict[str, Coverage] = {}
        for record in report.read_text(encoding="utf-8").splitlines():
            if record.startswith("SF:"):
                current = found.setdefault(record.removeprefix("SF:"), Coverage())
            elif record.startswith(("DA:", "BRDA:")):
                current.add(record)
    return dict(sorted(found.items()))


def uncovered(found: Mapping[str, Coverage]) -> list[str]:
    """Lines not reached that no waiver names by their text, files without code reached, and waivers without a line."""
    waivers = json.loads(WAIVERS.read_text(encoding="utf-8"))
    problems = [f"{file}: no test knows this file" for file in sources() if file not in found and _has_code(file)]
    for file in sorted({*found, *waivers}):
        text = (CONTRACTS / file).read_text(encoding="utf-8").splitlines()
        waived = {each["code"] for each in waivers.get(file, ())}
        each = found.get(file, Coverage())
        missed = {number: text[number - 1].strip() for number in each.missed_lines + each.missed_branches}
        problems += [f"{file}:{number}: {code}" for number, code in sorted(missed.items()) if code not in waived]
        problems += [f"{file}: needs no waiver: {code}" for code in sorted(waived - set(missed.values()))]
    return problems


def _has_code(file: str) -> bool:
    """Whether a file has more than an interface."""
    text = (CONTRACTS / file).read_text(encoding="utf-8")
    return re.search(r"^(abstract contract|contract|library) ", text, re.MULTILINE) is not None


def _show_coverage() -> int:
    found = coverage()
    print(f"{'file':40}{'lines':>14}{'branches':>14}")
    for file, each in found.items():
        lines, branches = each.lines - len(each.missed_lines), each.branches - len(each.missed_branches)
        print(f"{file:40}{f'{lines}/{each.lines}':>14}{f'{branches}/{each.branches}':>14}")
    problems = uncovered(found)
    print("\n".join(problems) or "all reached but what is waived")
    return 1 if problems else 0


def _subject(description: str) -> str:
    """The first thing a finding names, without line numbers."""
    return re.sub(r"\s*\([^()]*#\d+(-\d+)?\).*", "", description.splitlines()[0])


def invariants(runs: int = RUNS) -> subprocess.CompletedProcess[str]:
    """The campaign, with the code as it is deployed unless the profile says otherwise."""
    return run("forge", "test", "--match-path", "test/Invariants.t.sol", FOUNDRY_INVARIANT_RUNS=str(runs))


def units(times: int = 1) -> subprocess.CompletedProcess[str]:
    """Unit tests and fuzz tests in Solidity, without the slow code generator."""
    settings = {"FOUNDRY_PROFILE": "fast", "FOUNDRY_FUZZ_RUNS": str(FUZZ_RUNS * times)}
    return run("forge", "test", "--match-path", "test/unit/*", **settings)


def symbolic() -> subprocess.CompletedProcess[str]:
    """Lemmas about pure functions, for every value; a counterexample, a timeout or an error fails."""
    shutil.rmtree(CONTRACTS / "out" / "symbolic", ignore_errors=True)  # Halmos would prove what is deleted too
    settings = {f"FOUNDRY_{name}": "test/symbolic" for name in ("SRC", "TEST")}
    settings |= {"FOUNDRY_PROFILE": "fast", "FOUNDRY_OUT": "out/symbolic", "FOUNDRY_CACHE_PATH": "cache/symbolic"}
    command = ("halmos", "--forge-build-out", "out/symbolic", "--no-status", "--loop", "9")
    return run(*command, "--solver-timeout-assertion", "60s", **settings)


def _show(result: subprocess.CompletedProcess[str]) -> int:
    print(result.stdout, result.stderr, sep="\n")
    return result.returncode


def _show_findings(tools: Iterable[str], *, write: bool) -> int:
    for tool in tools:
        if write:
            renew(tool)
    found = [line for tool in tools for line in differences(tool)]
    print("\n".join(found) or "nothing that is not accepted")
    return 1 if found else 0


def _show_gas(*, write: bool) -> int:
    command = [sys.executable, str(ROOT / "tests" / "gas_budget.py"), *["--write"] * write]
    return subprocess.run(command, check=False).returncode  # noqa: S603


def main() -> int:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("invariants", "units"):
        commands.add_parser(name).add_argument("--times", type=int, default=1)
    for name in ("coverage", "symbolic"):
        commands.add_parser(name)
    findings = commands.add_parser("findings")
    findings.add_argument("tools", nargs="*", metavar="|".join(TOOLS))
    findings.add_argument("--write", action="store_true", help="renew the list; new findings come without a reason")
    commands.add_parser("gas").add_argument("--write", action="store_true", help="renew the budget")
    options = parser.parse_args()
    match options.command:
        case "invariants":
            return _show(invariants(RUNS * options.times))
        case "units":
            return _show(units(options.times))
        case "symbolic":
            return _show(symbolic())
        case "coverage":
            return _show_coverage()
        case "findings":
            return _show_findings(options.tools or TOOLS, write=options.write)
        case _:
            return _show_gas(write=options.write)


if __name__ == "__main__":
    sys.exit(main())
