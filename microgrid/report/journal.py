"""`events.jsonl` of a run folder: what the contracts told, one JSON document a line, the state last."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microgrid.domain.errors import RunFolderError
from microgrid.domain.journal import Journal, JournalEvent

JOURNAL_FILE = "events.jsonl"
FORMAT = "microgrid-journal/2"
HEADER = ("chain_id", "registry", "trading", "backstop", "treasury", "interval_seconds", "reading_deadline_seconds")


def journal_lines(journal: Journal) -> Iterator[str]:
    """The lines of the file, each with its end."""
    yield _line({"format": FORMAT} | {name: getattr(journal, name) for name in HEADER})
    for event in journal.events:
        yield _line({"block": event.block, "log": event.log, "event": event.name, "args": dict(event.args)})
    yield _line({"state": dict(journal.state)})


def read_journal(folder: Path) -> Journal:
    """The journal of a run folder.

    Raises:
        RunFolderError: there is none, or it is damaged.
    """
    path = folder / JOURNAL_FILE
    try:
        first, *events, last = (json.loads(line) for line in path.read_text("utf-8").splitlines())
        return Journal(
            **{name: first[name] for name in HEADER},
            events=tuple(_event(line) for line in events),
            state=last["state"],
        )
    except OSError as error:
        raise RunFolderError(str(folder), f"holds no {JOURNAL_FILE} that can be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RunFolderError(str(folder), f"holds a damaged {JOURNAL_FILE}") from error


def _event(line: dict[str, Any]) -> JournalEvent:
    return JournalEvent(line["block"], line["log"], line["event"], line["args"])


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"
