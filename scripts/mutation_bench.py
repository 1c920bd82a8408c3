"""A bench for `mutate.py`: a copy of the contracts whose unit tests take the contract under test from a file."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, cast

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / "contracts"
FORGE = CONTRACTS / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
KILLED, SURVIVED, INVALID, SAME = "killed", "survived", "does not compile", "same code"
TIMEOUT_SECONDS = 120
FUZZ_RUNS = 16

Codes = dict[str, list[str]]

TRADING = (("EnergyTrading.sol", "EnergyTrading"), ("libraries/GappedQueues.sol", "GappedQueues"))
REGISTRY = (("DeviceRegistry.sol", "DeviceRegistry"),)
# These have library code in themselves: they are compiled anew for each mutant of a library.
DIRECT = (("test/unit/Libraries.t.sol", "LibrariesTest"), ("test/unit/TickAuction.t.sol", "TickAuctionTest"))
TRADING_TESTS = ("EnergyTrading", "OrderBook", "TradingLedger", "TradingFee", "DirectTrading")
REGISTRY_TESTS = (
    "DeviceRegistry",
    "LargeReadings",
    "BookedEnergy",
    "RegistryViews",
    "ReadingCommitments",
    "DeviceBook",
    "MaintenanceLog",
)
LIBRARY_TESTS = ("Libraries", "TickAuction")

# Where the linked library lies in tests, as `mutants.js` links it.
LIBRARY_ADDRESS = "0x" + b"mutant-queues-------".hex()
MAKER = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;
import {Vm} from "./Vm.sol";
interface Files {
    function readFileBinary(string calldata path) external view returns (bytes memory);
    function etch(address target, bytes calldata code) external;
}
library Mutants {
    Files private constant files = Files(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    function make(string memory name, bytes memory arguments) internal returns (address made) {
        files.etch(address(uint160(%s)), files.readFileBinary("mutant/GappedQueues.bin"));
        bytes memory code = bytes.concat(files.readFileBinary(string.concat("mutant/", name, ".bin")), arguments);
        assembly {
            made := create(0, add(code, 32), mload(code))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}
"""


@dataclass(frozen=True)
class Target:
    """A file to change, what is compiled of it, and the tests that should notice."""

    file: str
    wanted: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


TARGETS = {
    target.file: target
    for target in (
        Target("EnergyTrading.sol", TRADING, TRADING_TESTS),
        Target("registry/ReadingGate.sol", REGISTRY, REGISTRY_TESTS),
        Target("trading/TradingLedger.sol", TRADING, TRADING_TESTS),
        Target("trading/OrderBook.sol", TRADING, TRADING_TESTS),
        Target("libraries/Settlement.sol", TRADING + DIRECT, TRADING_TESTS + LIBRARY_TESTS),
        Target("DeviceRegistry.sol", REGISTRY, REGISTRY_TESTS),
        Target("trading/OrderCancelling.sol", TRADING, TRADING_TESTS),
        Target("trading/DirectLocks.sol", TRADING, TRADING_TESTS),
        Target("registry/ReadingCommitments.sol", REGISTRY, REGISTRY_TESTS),
        Target("libraries/ReadingWord.sol", REGISTRY + DIRECT, REGISTRY_TESTS + LIBRARY_TESTS),
        Target("libraries/IntervalTally.sol", REGISTRY, REGISTRY_TESTS),
        Target("libraries/IntervalHistory.sol", REGISTRY, REGISTRY_TESTS),
        Target("libraries/DeviceWord.sol", REGISTRY + DIRECT, REGISTRY_TESTS + LIBRARY_TESTS),
        Target("libraries/TickAuction.sol", TRADING + DIRECT, TRADING_TESTS + LIBRARY_TESTS),
        Target("libraries/OrderLanes.sol", TRADING + DIRECT, TRADING_TESTS + LIBRARY_TESTS),
        Target("libraries/AccountWord.sol", TRADING + DIRECT, TRADING_TESTS + LIBRARY_TESTS),
    )
}
# The tests must notice these, or the arrangement is broken: text, its replacement.
LETHAL = (
    ("EnergyTrading.sol", "run.homes += amount;", "run.homes -= amount;"),
    ("registry/ReadingGate.sol", "entry.state = next;", ""),
    ("libraries/AccountWord.sol", ") sold = LARGEST_COUNT;", ") sold = LARGEST_COUNT - 1;"),
    ("libraries/TickAuction.sol", "next - referencePrice <", "next - referencePrice >"),
)


@dataclass(frozen=True)
class Mutant:
    """One change of one file; offsets in bytes."""

    file: str
    mutator: str
    line: int
    start: int
    end: int
    before: str
    after: str

    def text(self) -> str:
        """The whole file, changed."""
        source = (CONTRACTS / self.file).read_bytes()
        return (source[: self.start] + self.after.encode() + source[self.end :]).decode()

    def key(self) -> str:
        """The same for the same change of the same source."""
        return hashlib.sha256(f"{self.file}\n{self.text()}".encode()).hexdigest()[:16]


def mutants(file: str) -> list[Mutant]:
    """What slither-mutate would try, by its own mutators; Slither lives in an environment of its own, on the path."""
    slither = shutil.which("slither")
    if slither is None:
        sys.exit("slither is not installed: pip install -r contracts/proof-requirements.txt")
    python = Path(slither).parent / "python"
    command = [str(python), str(ROOT / "scripts" / "list_mutants.py"), file]
    environment = {**os.environ, "PATH": os.pathsep.join((str(FORGE.parent), os.environ["PATH"]))}
    listed = subprocess.run(command, cwd=CONTRACTS, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    return [Mutant(file, **each) for each in json.loads(listed.stdout)]


class Bench:
    """A copy of the contracts whose tests are compiled once and take the contract under test from a file."""

    def __init__(self, folder: Path, base: Codes | None = None) -> None:
        self.folder = folder
        self._compiler = subprocess.Popen(  # noqa: S603
            ["node", str(CONTRACTS / "bin" / "mutants.js")],  # noqa: S607
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask, self._hear = cast("IO[str]", self._compiler.stdin), cast("IO[str]", self._compiler.stdout)
        self.base: Codes = base or self._unchanged()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ask.close()
        self._hear.close()
        self._compiler.kill()
        self._compiler.wait()

    def compile(self, file: str, texts: Sequence[str], wanted: Sequence[tuple[str, str]]) -> list[Codes | None]:
        """For each text of the file the creation and runtime code of each contract, or None."""
        self._ask.write(json.dumps({"file": file, "texts": texts, "wanted": wanted}) + "\n")
        self._ask.flush()
        found: list[Codes | None] = json.loads(self._hear.readline())
        return found

    def judge(self, target: Target, texts: Sequence[str]) -> Iterator[str]:
        """What becomes of each mutant of a file: one of the four verdicts."""
        for codes in self.compile(target.file, texts, target.wanted):
            if codes is None:
                yield INVALID
            elif all(codes[name] == self.base[name] for name in codes):
                yield SAME
            else:
                yield SURVIVED if self.passes(target.tests, codes) else KILLED

    def _unchanged(self) -> Codes:
        text = (CONTRACTS / "EnergyTrading.sol").read_text(encoding="utf-8")
        codes = self.compile("EnergyTrading.sol", [text], TRADING + REGISTRY + DIRECT)[0]
        return codes or sys.exit("the contracts do not compile")

    def passes(self, tests: Iterable[str], codes: Codes) -> bool:
        """Whether all tests pass with this code."""
        for name, (creation, runtime) in {**self.base, **codes}.items():
            self._place(name, creation, runtime)
        command = [str(FORGE), "test", "--fail-fast", "--match-path", f"test/unit/{{{','.join(tests)}}}.t.sol"]
        environment = {**os.environ, "FOUNDRY_PROFILE": "fast", "FOUNDRY_FUZZ_RUNS": str(FUZZ_RUNS)}
        try:
            result = subprocess.run(  # noqa: S603
                command,
                check=False,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return False
        if "Ran " not in result.stdout or "Compiling" in result.stdout:
            sys.exit(f"no tests ran, or they were compiled anew:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
        return result.returncode == 0

    def _place(self, name: str, creation: str, runtime: str) -> None:
        """Where the frozen tests find a contract's code; a test contract's own code is in Forge's artifact."""
        test = next((Path(source).name for source, contract in DIRECT if contract == name), None)
        if test is None:
            code = runtime if name == "GappedQueues" else creation
            (self.folder / "mutant" / f"{name}.bin").write_bytes(bytes.fromhex(code))
            return
        file = self.folder / "out" / "fast" / test / f"{name}.json"
        artifact = json.loads(file.read_text(encoding="utf-8"))
        artifact["bytecode"]["object"], artifact["deployedBytecode"]["object"] = f"0x{creation}", f"0x{runtime}"
        file.write_text(json.dumps(artifact), encoding="utf-8")


def freeze(folder: Path) -> None:
    """Make the copy: tests that take the contracts from files, compiled."""
    ignore = shutil.ignore_patterns("node_modules", "out", "cache", "Invariants.t.sol", "MarketHandler.sol", "all-*")
    shutil.copytree(CONTRACTS, folder, ignore=ignore)
    (folder / "node_modules").symlink_to((CONTRACTS / "node_modules").resolve())
    (folder / "mutant").mkdir()
    needed = {*TRADING_TESTS, *REGISTRY_TESTS, *LIBRARY_TESTS}
    for file in (folder / "test").rglob("*.sol"):
        name, direct = file.name.removesuffix(".t.sol"), str(file.relative_to(folder)) in dict(DIRECT)
        if file.name.endswith(".t.sol") and name not in needed:
            file.unlink()
        elif not direct:
            file.write_text(_from_files(file.read_text(encoding="utf-8"), file.parent != folder / "test"))
    (folder / "test" / "Mutants.sol").write_text(MAKER % int(LIBRARY_ADDRESS, 16), encoding="utf-8")
    rules = folder / "foundry.toml"
    text = re.sub(r"^dynamic_test_linking.*\n", "", rules.read_text(encoding="utf-8"), flags=re.MULTILINE)
    # A mutant that never ends should end soon.
    allowed = 'gas_limit = 200000000\nfs_permissions = [{ access = "read", path = "./mutant" }]\n'
    rules.write_text(text.replace("[profile.default]\n", f"[profile.default]\n{allowed}"), encoding="utf-8")
    environment = {**os.environ, "FOUNDRY_PROFILE": "fast"}
    subprocess.run([str(FORGE), "build"], cwd=folder, env=environment, capture_output=True, check=True)  # noqa: S603
    # Nothing is compiled from here on; Forge asks for the version each time, which takes the compiler half a second.
    solc = folder / "bin" / "solc.js"
    version = subprocess.run([str(solc), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    solc.write_text(f"#!/bin/sh\ncat <<END\n{version}END\n", encoding="utf-8")


def _from_files(text: str, deeper: bool) -> str:  # noqa: FBT001
    """A test's text with `new EnergyTrading(...)` and `new DeviceRegistry(...)` made from files."""
    changed = text
    for name in ("EnergyTrading", "DeviceRegistry"):
        pattern = re.compile(rf"new {name}\(((?:[^()]|\([^()]*\))*)\)")
        changed = pattern.sub(rf'{name}(Mutants.make("{name}", abi.encode(\1)))', changed)
    if changed == text:
        return text
    place = "../Mutants.sol" if deeper else "./Mutants.sol"
    return changed.replace("\nimport ", f'\nimport {{Mutants}} from "{place}";\nimport ', 1)


def check(bench: Bench) -> None:
    """The arrangement itself: unchanged code passes, lethal changes are noticed."""
    for tests in {target.tests for target in TARGETS.values()}:
        if not bench.passes(tests, {}):
            sys.exit(f"the tests fail on the unchanged code: {', '.join(tests)}")
    for file, old, new in LETHAL:
        text = (CONTRACTS / file).read_text(encoding="utf-8")
        if old not in text:
            sys.exit(f"{file}: there is no {old!r} to change")
        if list(bench.judge(TARGETS[file], [text.replace(old, new)])) != [KILLED]:
            sys.exit(f"{file}: nobody notices {old!r} become {new!r}")
    print("unchanged code passes; lethal changes are noticed", flush=True)
