"""What a log store must be able to do. Two implementations: embedded (Parquet) and Cassandra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Rows (workbench.log_rows.LOG_ROWS) in the order of their source, and where that batch ends in it.

    ``origin`` names the source (file name, or ``-``), ``digest`` identifies its content, ``chunk`` numbers the batch
    from 0: the same source gives the same batches, so (digest, chunk) says what a checkpoint and the stats have seen.
    """

    rows: pa.Table
    origin: str
    digest: str
    chunk: int


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did: rows acknowledged, rows that an earlier run had loaded, rows rejected, bytes sent."""

    loaded: int
    skipped: int
    rejected: int
    partitions: int
    bytes: int
    seconds: float
    reject_file: Path | None = None


class LogStore(Protocol):
    """Keeps infrastructure_logs and their statistics. Answers are Arrow tables; days are UTC."""

    def load(
        self,
        batches: Iterable[LogBatch],
        *,
        resume: bool = True,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> LoadReport:
        """Write batches; the same batches again change nothing. With ``resume``, acknowledged ones are skipped."""

    def partition(
        self,
        host: str,
        day: date,
        *,
        newest: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        severity: str | None = None,
        source: str | None = None,
    ) -> pa.Table:
        """Rows of one host and day, newest first: at most ``newest`` of those in [since, until) that match."""

    def stats(self, host: str, day: date) -> pa.Table:
        """Counts of one host and day by hour (0 to 23), severity and source: columns hour, severity, source, rows."""

    def hosts(self) -> pa.Table:
        """Every host with its first and last day and its rows: columns hostname, first_day, last_day, rows."""

    def describe(self) -> Mapping[str, str]:
        """What and where it is, for people, without secrets: ``store``, ``location``, ``version``."""
