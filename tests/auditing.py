"""The audit as a command, for tests."""

import json
from typing import Any

from click.testing import CliRunner

from microgrid.cli import root


def audit(*words: str) -> Any:
    """What `microgrid audit` prints, or its error."""
    result = CliRunner().invoke(root, ["audit", *words, "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
