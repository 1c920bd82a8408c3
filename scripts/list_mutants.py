"""Print the mutants that slither-mutate makes of a source file, as JSON; for `mutate.py`, in Slither's environment.

python scripts/list_mutants.py EnergyTrading.sol   (in the contracts folder)
"""

import json
import sys
from pathlib import Path

from slither import Slither
from slither.tools.mutator.mutators import all_mutators
from slither.tools.mutator.mutators.abstract_mutator import AbstractMutator

SETTINGS = json.loads(Path("slither.config.json").read_text(encoding="utf-8"))
# slither-mutate lets these two go first: a line they mutate unnoticed is not worth mutating in detail.
COARSE = ("RR", "CR")


def main() -> None:
    """List the patches of every mutator for the contracts of a file, each once, offsets in bytes."""
    file = sys.argv[1]
    slither = Slither(
        file,
        compile_force_framework="solc",
        solc=SETTINGS["solc"],
        solc_remaps=SETTINGS["solc_remaps"],
        solc_args=SETTINGS["solc_args"],
    )
    unit = slither.compilation_units[0]
    kinds = [each for each in vars(all_mutators).values() if isinstance(each, type)]
    kinds.sort(key=lambda kind: (COARSE.index(kind.NAME) if kind.NAME in COARSE else len(COARSE), kind.NAME))
    path = str(Path(file).resolve())
    own = [each for each in unit.contracts if each.source_mapping.filename.absolute == path]
    text = Path(file).read_bytes()
    seen = {text}
    found = []
    for kind in kinds:
        for contract in own:
            mutator = kind(unit, 0, "", "", contract, None, False, Path(), [])
            for patch in sorted(_patches(mutator, path), key=lambda each: int(each["start"])):
                start, end, new = patch["start"], patch["end"], patch["new_string"].encode()
                mutant = text[:start] + new + text[end:]
                if mutant not in seen:
                    seen.add(mutant)
                    place = {"mutator": kind.NAME, "line": patch["line_number"], "start": start, "end": end}
                    found.append({**place, "before": text[start:end].decode(), "after": patch["new_string"]})
    json.dump(found, sys.stdout)


def _patches(mutator: AbstractMutator, path: str) -> list[dict[str, int | str]]:
    try:
        return mutator._mutate().get("patches", {}).get(path, [])  # noqa: SLF001
    except Exception as error:  # noqa: BLE001 - slither-mutate goes on without a mutator that stumbles, too
        print(f"{path}: {mutator.NAME}: {error!r}", file=sys.stderr)
        return []


if __name__ == "__main__":
    main()
