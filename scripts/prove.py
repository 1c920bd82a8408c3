"""Prove the contracts, one tool at a time.

python scripts/prove.py invariants [--times 10]
python scripts/prove.py findings [slither | lint | solhint]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"
FORGE = CONTRACTS / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin"
SOLHINT = CONTRACTS / "node_modules" / ".bin" / "solhint"
ACCEPTED = CONTRACTS / "accepted-findings.json"
RUNS = 256
FOLDERS = (".", "tokens", "trading", "libraries", "interfaces")


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
    """High and medium findings: check and subject. A contract's file brings what it imports."""
    found: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as folder:
        for number, source in enumerate(sources((".", "tokens"))):
            report = Path(folder) / f"{number}.json"
            result = run("slither", source, "--json", str(report))
            if not report.is_file():
                raise SystemExit(result.stderr)
            findings = json.loads(report.read_text(encoding="utf-8"))["results"].get("detectors", [])
            found |= {(each["id"], f"{each['check']} {_subject(each['description'])}") for each in findings}
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


def differences(tool: str) -> list[str]:
    """Where a tool and the list of accepted findings disagree; both ways, so that no reason outlives its finding."""
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))[tool]
    found = TOOLS[tool]()
    pairs = {name: (found.get(name, 0), accepted.get(name, {}).get("count", 0)) for name in {*found, *accepted}}
    return [
        f"{tool}: {name}: found {now}, accepted {then}" for name, (now, then) in sorted(pairs.items()) if now != then
    ]


def _subject(description: str) -> str:
    """The first thing a finding names, without line numbers."""
    return re.sub(r"\s*\([^()]*#\d+(-\d+)?\).*", "", description.splitlines()[0])


def _forge(*arguments: str, **settings: str) -> int:
    result = run("forge", *arguments, **settings)
    print(result.stdout, result.stderr, sep="\n")
    return result.returncode


def main() -> int:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("invariants").add_argument("--times", type=int, default=1)
    commands.add_parser("findings").add_argument("tools", nargs="*", metavar="|".join(TOOLS))
    options = parser.parse_args()
    if options.command == "invariants":
        return _forge("test", "--match-contract", "Invariants", FOUNDRY_INVARIANT_RUNS=str(RUNS * options.times))
    found = [line for tool in options.tools or TOOLS for line in differences(tool)]
    print("\n".join(found) or "nothing that is not accepted")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
