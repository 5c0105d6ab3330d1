"""One load from batches to a summary: rejected lines go to a file, the pace is kept, everything is counted."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import StoreError
from workbench.log_rows import LogBatch
from workbench.logs.protocol import LogStore
from workbench.rows import REJECTS

Progress = Callable[[int, int | None], None]
"""Called with bytes read and bytes in all; of a pipe with lines read and None."""
_LEDGER: Final = "log_loads.jsonl"
_FORMAT: Final = 1


@dataclass(slots=True)
class Summary:
    """What a load did.

    Attributes:
        origins: the sources, for people.
        lines: lines (records) read; each is a row, a reject, a part of the row above, or blank.
        rows: what was understood of them.
        loaded: rows that are new in the store; of a dry run 0.
        skipped: rows that had been loaded before.
        rejected: lines that were not understood, and rows that the store refused.
        expired: rows older than the store keeps rows; they were not written.
        reasons: why, with counts.
        notes: what to know about the rows, such as ``missing_host`` -> count.
        first: the earliest time in them, naive UTC; None without rows.
        last: the latest one.
        reject_files: where the rejected ones are.
    """

    origins: list[str] = field(default_factory=list)
    lines: int = 0
    rows: int = 0
    loaded: int = 0
    skipped: int = 0
    rejected: int = 0
    expired: int = 0
    partitions: int = 0
    seconds: float = 0.0
    dry_run: bool = False
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    reject_files: list[Path] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        names = [name for name in self.__slots__ if name not in ("first", "last", "reject_files", "reasons", "notes")]
        return {
            **{name: getattr(self, name) for name in names},
            "reasons": dict(self.reasons),
            "notes": dict(self.notes),
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "reject_files": [str(path) for path in self.reject_files],
        }


def run(
    store: LogStore,
    batches: Iterable[LogBatch],
    folder: Path,
    *,
    dry_run: bool = False,
    rate: float | None = None,
    progress: Progress | None = None,
    total: int | None = None,
) -> Summary:
    """Load batches.

    Args:
        folder: where the reject files (``rejects/``) and the record of loads go.
        dry_run: read everything, write nothing.
        rate: at most so many rows a second.
        total: bytes of all sources, for progress.

    Raises:
        SourceError: a source cannot be read to its end; what came before is loaded.
        StoreError: the store or the folder cannot be written.
    """
    begun = time.monotonic()
    summary = Summary(dry_run=dry_run)
    rejects = None if dry_run else RejectFiles(folder / "rejects")
    watched = _watched(batches, summary, rejects, progress, total)
    try:
        report = store.load(watched, rows_per_second=rate, dry_run=dry_run)
        summary.loaded, summary.skipped = 0 if dry_run else report.loaded, report.skipped
        summary.expired, summary.partitions = report.expired, report.partitions
        summary.rejected += report.rejected
        summary.reject_files += [report.reject_file] if report.reject_file and not dry_run else []
    finally:
        summary.seconds = time.monotonic() - begun
        if rejects is not None:
            summary.reject_files = [*rejects.close(), *summary.reject_files]
            _remember(folder, summary)
    return summary


def _watched(
    batches: Iterable[LogBatch],
    summary: Summary,
    rejects: RejectFiles | None,
    progress: Progress | None,
    total: int | None,
) -> Iterator[LogBatch]:
    """The same batches, each counted before the store sees it."""
    before = reached = 0
    for batch in batches:
        if batch.origin not in summary.origins[-1:] or batch.chunk == 0:
            summary.origins.append(batch.origin)
            before += reached
        reached = batch.position if batch.size is not None else 0
        _count(batch, summary)
        if rejects is not None and batch.rejects.num_rows:
            rejects.add(batch)
        yield batch
        if progress is not None:
            progress(*((before + reached, total) if total else (summary.lines, None)))


def _count(batch: LogBatch, summary: Summary) -> None:
    summary.lines += batch.lines
    summary.rows += batch.rows.num_rows
    summary.rejected += batch.rejects.num_rows
    summary.notes.update({name: count for name, count in batch.notes.items() if count})
    if batch.rejects.num_rows:
        counted = pc.value_counts(batch.rejects["reason"])
        summary.reasons.update({entry["values"].as_py(): entry["counts"].as_py() for entry in counted})
    if batch.rows.num_rows:
        ends = pc.min_max(batch.rows["log_timestamp"]).as_py()
        summary.first = min(ends["min"], summary.first or ends["min"])
        summary.last = max(ends["max"], summary.last or ends["max"])


class RejectFiles:
    """A CSV file (file, line, reason, text) for each source with rejected lines; complete when it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[Path, Path, Any]] = {}

    def add(self, batch: LogBatch) -> None:
        """Append a batch's rejects; loading the same source again writes its file anew."""
        from pyarrow import csv

        if batch.digest not in self._open:
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", batch.origin).strip("._")[:80] or "input"
            path = self._folder / f"{name}-{batch.digest[:8]}.rejects.csv"
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            with _writing(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._open[batch.digest] = (path, temporary, csv.CSVWriter(temporary, REJECTS))
        with _writing(self._folder):
            self._open[batch.digest][2].write_table(batch.rejects)

    def close(self) -> list[Path]:
        """Give the files their names."""
        for path, temporary, writer in self._open.values():
            with _writing(self._folder):
                writer.close()
                temporary.replace(path)
        return [path for path, _, _ in self._open.values()]


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        why = getattr(error, "strerror", None) or error
        raise StoreError(f"{folder} cannot be written: {why}.", "Free space or choose another --data.") from None


def _remember(folder: Path, summary: Summary) -> None:
    """Append the load to the record that the report's data-quality section reads."""
    entry = {"format": _FORMAT, "at": datetime.now(UTC).replace(tzinfo=None).isoformat(), **summary.as_dict()}
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _LEDGER).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=True) + "\n")


def past_loads(folder: Path, newest: int = 100) -> list[dict[str, Any]]:
    """The last loads into this folder's store, the newest first: when (``at``) and what Summary.as_dict tells."""
    try:
        lines = (folder / _LEDGER).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    loads: list[dict[str, Any]] = []
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:  # torn by a power cut
            continue
        if isinstance(entry, dict) and entry.get("format") == _FORMAT:
            loads.append(entry)
        if len(loads) == newest:
            break
    return loads
