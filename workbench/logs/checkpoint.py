"""Which chunks of a source a table has acknowledged: one small file a source, replaced as a whole.

A chunk that is missing here is loaded again, which changes nothing, as rows and counts are written over themselves. So
an unreadable file is no failure, and a file that lags behind costs only time.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Final

from workbench.durable import replace_text

FORMAT: Final = 1
_EVERY: Final = 0.5
"""Seconds between two writes."""


class Checkpoint:
    """The acknowledged chunks of one source (by its digest) in one table (by its id)."""

    def __init__(self, folder: Path, table_id: str, origin: str, digest: str) -> None:
        name = hashlib.sha256(f"{table_id} {digest}".encode()).hexdigest()[:40]
        self.path = folder / f"{name}.json"
        self._head = {"format": FORMAT, "table": table_id, "origin": origin, "digest": digest}
        self._written = 0.0
        self._dirty = False
        self.chunks: set[int] = set()

    def read(self) -> None:
        """Take over what an earlier run left, if anything."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            ranges = [(int(first), int(last)) for first, last in kept["chunks"]]
        except (OSError, ValueError, KeyError, TypeError):
            return
        if {name: kept.get(name) for name in ("format", "table", "digest")} == {
            name: self._head[name] for name in ("format", "table", "digest")
        }:
            self.chunks = {chunk for first, last in ranges for chunk in range(first, last + 1)}

    def add(self, chunk: int) -> None:
        """Note a chunk whose rows and counts are acknowledged; the file follows at most half a second later."""
        self.chunks.add(chunk)
        self._dirty = True
        if time.monotonic() - self._written > _EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, if there is something new."""
        if self._dirty:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(self.path, json.dumps(self._head | {"chunks": _ranges(self.chunks)}))
            self._written, self._dirty = time.monotonic(), False


def _ranges(chunks: set[int]) -> list[list[int]]:
    """{0, 1, 2, 5} -> [[0, 2], [5, 5]]"""
    ranges: list[list[int]] = []
    for chunk in sorted(chunks):
        if ranges and ranges[-1][1] == chunk - 1:
            ranges[-1][1] = chunk
        else:
            ranges.append([chunk, chunk])
    return ranges
