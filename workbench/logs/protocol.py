"""What a log store must be able to do. Two implementations: embedded (Parquet) and Cassandra."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from workbench.errors import ParameterError
from workbench.log_rows import LOG_ROWS, SEVERITIES, LogBatch

STATS: Final = pa.schema(
    [("hour", pa.int8()), ("severity", pa.string()), ("source", pa.string()), ("rows", pa.int64())]
)
"""Counts of a host and day; ``hour`` is 0 to 23, in UTC."""

HOSTS: Final = pa.schema(
    [("hostname", pa.string()), ("first_day", pa.date32()), ("last_day", pa.date32()), ("rows", pa.int64())]
)

__all__ = ["HOSTS", "STATS", "LoadReport", "LogBatch", "LogStore", "check", "columns_of"]


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


def check(newest: int | None, severity: str | None) -> None:
    """Refuse questions that make no sense, in every store alike.

    Raises:
        ParameterError: ``newest`` is negative, or there is no such severity.
    """
    if newest is not None and newest < 0:
        raise ParameterError(f"{newest} rows cannot be asked for.", "Give a number from 0 on.")
    if severity is not None and severity not in SEVERITIES:
        raise ParameterError(f"There is no severity {severity!r}.", f"Use one of {', '.join(SEVERITIES)}.")


def columns_of(names: Sequence[str]) -> pa.Schema:
    """These columns of LOG_ROWS in its order; all if none is named.

    Raises:
        ParameterError: log rows have no such column.
    """
    if unknown := [name for name in names if name not in LOG_ROWS.names]:
        raise ParameterError(f"Log rows have no column {unknown[0]!r}.", f"They have: {', '.join(LOG_ROWS.names)}.")
    return pa.schema([field for field in LOG_ROWS if not names or field.name in names])


class LogStore(Protocol):
    """Keeps infrastructure_logs and their statistics. Answers are Arrow tables; days are UTC.

    ``critical`` asks for what must be right, such as a report's numbers: where a store has replicas, so many of them
    are asked that they agree (QUORUM). It is slower there, and changes nothing in a store without replicas.
    """

    def load(
        self,
        batches: Iterable[LogBatch],
        *,
        resume: bool = True,
        progress: Callable[[int, int | None], None] | None = None,
        rows_per_second: float | None = None,
        dry_run: bool = False,
    ) -> LoadReport:
        """Write batches; the same batches again change nothing. With ``resume``, acknowledged ones are skipped.

        A dry run reads everything, writes nothing, and tells what would happen, as far as that can be told.

        The same row again (host, time and id) is the same row, in this load or any later one. Where its other columns
        differ, because another version of a parser read the same line, the embedded store keeps what it has, and
        Cassandra takes the later.
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
        critical: bool = False,
    ) -> pa.Table:
        """Rows of one host and day: at most ``newest`` of those in [since, until) that match.

        Newest first, ties by log_id from the highest. Times without an offset are UTC. Unknown hosts and days are
        empty.
        """

    def stream(
        self,
        host: str,
        day: date,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        severity: str | None = None,
        source: str | None = None,
        columns: Sequence[str] = (),
        critical: bool = False,
    ) -> Iterator[pa.Table]:
        """The rows of ``partition``, some thousand at a time, and of each only these columns (none named: all)."""

    def stats(self, host: str, day: date, *, critical: bool = False) -> pa.Table:
        """Counts of one host and day: STATS, by hour, severity and source in that order."""

    def hosts(self, *, critical: bool = False) -> pa.Table:
        """Every host with its first and last day and its rows: HOSTS, by name.

        ``rows`` is null where the store keeps no counts.
        """

    def describe(self) -> Mapping[str, str]:
        """What and where it is, for people, without secrets: ``store``, ``location``, ``version``."""
