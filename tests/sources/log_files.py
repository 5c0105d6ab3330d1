"""Helps tests write log files and read them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.log_rows import LOG_ROWS, LogBatch
from workbench.rows import REJECTS
from workbench.sources.log_options import LogOptions
from workbench.sources.logs import read

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Loaded:
    """All that came out of reading files."""

    rows: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    notes: dict[str, int]
    lines: int
    batches: list[LogBatch]

    @property
    def accounted(self) -> int:
        """Lines that are a row, a reject, a part of the row above, or blank."""
        return len(self.rows) + len(self.rejects) + self.notes.get("continued", 0) + self.notes.get("blank", 0)

    def column(self, name: str) -> list[Any]:
        """One column."""
        return [row[name] for row in self.rows]


def load(paths: Path | Sequence[Path | str], **options: Any) -> Loaded:
    """Read files; what comes out fits the schema."""
    chosen = LogOptions(**{"now": NOW, **options})
    batches = list(read([paths] if isinstance(paths, Path) else paths, chosen))
    for batch in batches:
        batch.rows.validate(full=True)
        batch.rejects.validate(full=True)
        assert batch.rows.schema == LOG_ROWS
        assert batch.rejects.schema == REJECTS
    notes: dict[str, int] = {}
    for batch in batches:
        notes = {name: notes.get(name, 0) + batch.notes.get(name, 0) for name in {*notes, *batch.notes}}
    rows = pa.concat_tables([LOG_ROWS.empty_table(), *(batch.rows for batch in batches)])
    rejects = pa.concat_tables([REJECTS.empty_table(), *(batch.rejects for batch in batches)])
    return Loaded(rows.to_pylist(), rejects.to_pylist(), notes, sum(batch.lines for batch in batches), batches)


def written(folder: Path, content: str | bytes, name: str = "syslog", modified: datetime = NOW) -> Path:
    """A file of that content, last changed at that time."""
    import os

    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (modified.timestamp(), modified.timestamp()))
    return path
