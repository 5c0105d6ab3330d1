"""What a log store must be able to do. Two implementations: embedded (Parquet) and Cassandra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from workbench.log_rows import LogBatch

STATS: Final = pa.schema(
    [("hour", pa.int8()), ("severity", pa.string()), ("source", pa.string()), ("rows", pa.int64())]
)
"""Counts of a host and day; ``hour`` is 0 to 23, in UTC."""

HOSTS: Final = pa.schema(
    [("hostname", pa.string()), ("first_day", pa.date32()), ("last_day", pa.date32()), ("rows", pa.int64())]
)

__all__ = ["HOSTS", "STATS", "LoadReport", "LogBatch", "LogStore"]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did: acknowledged rows, rows skipped because they had been loaded before, rejected rows, bytes.

    ``expired`` rows were older than the store keeps rows, and were not written.
    """

    loaded: int
    skipped: int
    rejected: int
    partitions: int
    bytes: int
    seconds: float
    reject_file: Path | None = None
    expired: int = 0


class LogStore(Protocol):
    """Keeps infrastructure_logs and their statistics. Answers are Arrow tables; days are UTC."""

    def load(
        self,
        batches: Iterable[LogBatch],
        *,
        resume: bool = True,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> LoadReport:
        """Write batches; the same batches again change nothing. With ``resume``, acknowledged ones are skipped.

        The same row again (host, time and id) is the same row, in this load or any later one.
        """

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
        """Rows of one host and day: at most ``newest`` of those in [since, until) that match.

        Newest first, ties by log_id from the highest. Times without an offset are UTC. Unknown hosts and days are
        empty.
        """

    def stats(self, host: str, day: date) -> pa.Table:
        """Counts of one host and day: STATS, by hour, severity and source in that order."""

    def hosts(self) -> pa.Table:
        """Every host with its first and last day and its rows: HOSTS, by name."""

    def describe(self) -> Mapping[str, str]:
        """What and where it is, for people, without secrets: ``store``, ``location``, ``version``."""
