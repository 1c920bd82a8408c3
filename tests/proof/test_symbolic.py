"""Lemmas about the pure libraries hold for every value that their arguments can have."""

import re
from collections.abc import Callable
from types import ModuleType

import pytest

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


def test_every_lemma_is_proved(prove: ModuleType, need: Callable[[str], None]) -> None:
    need("halmos")
    result = prove.symbolic()
    assert result.returncode == 0, result.stdout[-4_000:] + result.stderr
    lemmas = [
        text for file in (prove.CONTRACTS / "test/symbolic").glob("*.t.sol") for text in _lemmas(file.read_text())
    ]
    proved = re.findall(r"\[PASS\]\S* (check_\w+)", result.stdout)
    assert sorted(proved) == sorted(lemmas)


def _lemmas(source: str) -> list[str]:
    return re.findall(r"function (check_\w+)", source)
