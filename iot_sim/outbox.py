"""What a device keeps until the oracle's receipt covers it, in memory or in a file that survives a restart."""

import json
from pathlib import Path
from typing import Any


class Outbox:
    """Frames by sequence, oldest first, with the counter that gives the next one.

    With a file every change is appended to it before it takes effect outside, so a restarted device goes on where it
    was. A file that cannot be understood is lost state: the device begins a new epoch (`epoch` is None until it does).
    A last line that was cut short was never sent, and is dropped.

    Args:
        path: The file; None keeps everything in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.epoch: int | None = None
        self.next_sequence = 0
        self._frames: dict[int, bytes] = {}
        if path is not None and path.exists():
            self._load(path)

    def __len__(self) -> int:
        return len(self._frames)

    def begin_epoch(self, epoch: int) -> None:
        """Start counting from 0 in a new epoch."""
        self._append({"epoch": epoch})
        self.epoch, self.next_sequence = epoch, 0
        self._frames.clear()

    def add(self, frame: bytes) -> None:
        """Keep the frame of the next sequence."""
        self._append({"sequence": self.next_sequence, "frame": frame.hex()})
        self._frames[self.next_sequence] = frame
        self.next_sequence += 1

    def oldest(self, most: int) -> list[bytes]:
        """Up to `most` frames, oldest first."""
        return [frame for _, frame in zip(range(most), self._frames.values(), strict=False)]

    def forget(self, up_to: int) -> bool:
        """Drop all frames up to a sequence; whether there were any."""
        covered = [sequence for sequence in self._frames if sequence <= up_to]
        if covered:
            self._append({"receipt": up_to})
            for sequence in covered:
                del self._frames[sequence]
        return bool(covered)

    def _append(self, entry: dict[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")

    def _load(self, path: Path) -> None:
        try:
            whole_lines = path.read_text(encoding="utf-8").split("\n")[:-1]
            for line in whole_lines:
                self._replay(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            self.epoch, self.next_sequence, self._frames = None, 0, {}
        self._rewrite(path)

    def _replay(self, entry: dict[str, Any]) -> None:
        if "epoch" in entry:
            self.epoch, self.next_sequence, self._frames = int(entry["epoch"]), 0, {}
        elif "receipt" in entry:
            self._frames = {number: frame for number, frame in self._frames.items() if number > int(entry["receipt"])}
        elif "next" in entry:
            self.next_sequence = int(entry["next"])
        else:
            self._frames[int(entry["sequence"])] = bytes.fromhex(entry["frame"])
            self.next_sequence = int(entry["sequence"]) + 1

    def _rewrite(self, path: Path) -> None:
        """Leave only what still counts; the old file stands until the new one is whole."""
        entries: list[dict[str, Any]] = []
        if self.epoch is not None:
            frames = [{"sequence": number, "frame": frame.hex()} for number, frame in self._frames.items()]
            entries = [{"epoch": self.epoch}, *frames, {"next": self.next_sequence}]
        fresh = path.with_name(path.name + ".new")
        fresh.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
        fresh.replace(path)
