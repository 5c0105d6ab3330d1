"""What a log store must be able to do. Two implementations: embedded (Parquet) and Cassandra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from workbench.log_rows import LogBatch

__all__ = ["LoadReport", "LogBatch", "LogStore"]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did: rows acknowledged, rows skipped because an earlier run loaded them, rows the store refused, bytes sent."""

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
