"""Compile the contracts into the package, and those that only tests use into the tests.

python scripts/compile.py
"""

from pathlib import Path

from microgrid.chain.compiler import MOCKS, compile_contracts, write_artifacts

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "contracts"


def main() -> None:
    """Compile both sets and write their artifacts."""
    write_artifacts(compile_contracts(SOURCES), ROOT / "microgrid" / "chain" / "artifacts")
    write_artifacts(compile_contracts(SOURCES, MOCKS), ROOT / "tests" / "contracts" / "artifacts")


if __name__ == "__main__":
    main()
