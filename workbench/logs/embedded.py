"""The embedded log store: Parquet files for each host and day, read by DuckDB.

``<folder>/hostname=web-1/log_date=2026-03-01/00000001-00000004-81920.parquet``: the name says which loads the file
holds (from, to) and how many rows. A load adds a file with the next number, once it is complete on the disk; merging
replaces files by one that spans their numbers, and from the moment it is there the others do not count. So readers
never wait, and a kill at any moment leaves all rows of the files before, or of the file after. Rows that are stored
already are not written again, which makes loading the same lines twice change nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from workbench.errors import StoreError
from workbench.log_rows import LOG_ROWS
from workbench.logs.embedded_files import (
    LogFile,
    check_format,
    day_folder,
    days_of,
    host_folders,
    live_files,
    write_file,
)
from workbench.logs.protocol import HOSTS, STATS, LoadReport, LogBatch, check, columns_of

_GROUP_ROWS: Final = 400_000
"""Rows that are collected before files are written: many hosts in one source would otherwise make many small files."""
_GROUP_BYTES: Final = 256 * 2**20
_MOST_FILES: Final = 8
"""Files of a day beyond which the newest of them are merged."""
_MERGED_ROWS: Final = 2_000_000
"""A merged file has at most about so many rows, so that merging fits into memory."""
_LOCK_SECONDS: Final = 600
_NEWEST_FIRST: Final = "ORDER BY log_timestamp DESC, log_id DESC"
STREAM_ROWS: Final = 5000
"""Rows of a piece of a stream, as many as a page of Cassandra has."""
SORTED_ROWS: Final = 400_000
"""About so many rows of a stream are sorted at once."""


@dataclass(slots=True)
class _Tally:
    loaded: int = 0
    skipped: int = 0
    bytes: int = 0
    days: set[Path] = field(default_factory=set)


class EmbeddedLogStore:
    """A folder of Parquet files. Implements LogStore; safe to use from threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening = threading.Lock()
        self._opened: Any = None
        self._checked: set[Path] = set()

    # -- reading -----------------------------------------------------------------------------------------------------

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
        """Rows of one host and day, newest first (see the protocol).

        Raises:
            ParameterError: ``newest`` is negative, or there is no such severity.
            StoreError: a file cannot be read.
        """
        check(newest, severity)
        sql, values = _lines(LOG_ROWS, since, until, severity, source)
        limit = "" if newest is None else f"LIMIT {int(newest)}"
        return self._ask(f"{sql} {limit}", day_folder(self._folder, host, day), values, LOG_ROWS)

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
        """The same piece by piece (see the protocol); a long day is sorted in parts, so that it fits into memory."""
        check(None, severity)
        schema, folder = columns_of(columns), day_folder(self._folder, host, day)
        with self._reading():
            rows = sum(file.rows for file in live_files(folder))
        for begin, end in _spans(day, 1 + rows // SORTED_ROWS, naive(since), naive(until)):
            sql, values = _lines(schema, begin, end, severity, source)
            answer = self._ask(sql, folder, values, schema)
            yield from (pa.Table.from_batches([batch]) for batch in answer.to_batches(max_chunksize=STREAM_ROWS))

    def stats(self, host: str, day: date, *, critical: bool = False) -> pa.Table:
        """Counts of one host and day (see the protocol)."""
        sql = """
            SELECT hour(log_timestamp) AS hour, severity, source, count(*) AS rows
            FROM file GROUP BY ALL ORDER BY hour, severity, source
        """
        return self._ask(sql, day_folder(self._folder, host, day), {}, STATS)

    def hosts(self, *, critical: bool = False) -> pa.Table:
        """Every host with its first and last day and its rows; told by the names of files alone."""
        rows = []
        with self._reading():
            for host, folder in host_folders(self._folder):
                days = [(day, sum(file.rows for file in live_files(place))) for day, place in days_of(folder)]
                filled = [day for day, count in days if count]
                if filled:
                    rows.append((host, min(filled), max(filled), sum(count for _, count in days)))
        columns = [list(column) for column in zip(*sorted(rows), strict=True)] or [[], [], [], []]
        return pa.table(columns, schema=HOSTS)

    def describe(self) -> Mapping[str, str]:
        """Kind, place and engine of this store."""
        import duckdb

        return {
            "store": "embedded (Parquet + DuckDB)",
            "location": str(self._folder),
            "version": f"DuckDB {duckdb.__version__}",
        }

    def _ask(self, sql: str, folder: Path, values: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
        """The answer over one day's files; they are listed anew where a merge took them away meanwhile."""
        import duckdb

        for attempt in range(5):
            with self._reading():
                files = live_files(folder)
            if not files:
                return schema.empty_table()
            try:
                self._check_format(files)
                return self._run(sql, files, values).cast(schema)
            except (duckdb.IOException, FileNotFoundError) as error:
                if attempt == 4:
                    raise _unreadable(self._folder, error) from None
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise _unreadable(self._folder, error) from None
        raise AssertionError("unreachable")

    def _run(self, sql: str, files: Sequence[LogFile], values: Mapping[str, Any]) -> pa.Table:
        with self._database().cursor() as cursor:
            paths = [str(file.path) for file in files]
            files_sql = sql.replace("FROM file", "FROM read_parquet($files, hive_partitioning = false)")
            return cursor.sql(files_sql, params={**values, "files": paths}).to_arrow_table()

    def _check_format(self, files: Sequence[LogFile]) -> None:
        """A file's content never changes, so each is looked at once."""
        for file in files:
            if file.path not in self._checked:
                check_format(file.path)
                self._checked.add(file.path)

    def _database(self) -> Any:
        import duckdb

        with self._opening:
            if self._opened is None:
                self._opened = duckdb.connect(":memory:")
        return self._opened

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _unreadable(self._folder, error) from None

    # -- writing -----------------------------------------------------------------------------------------------------

    def load(
        self,
        batches: Iterable[LogBatch],
        *,
        resume: bool = True,
        progress: Callable[[int, int | None], None] | None = None,
        rows_per_second: float | None = None,
        dry_run: bool = False,
    ) -> LoadReport:
        """Write batches (see the protocol). ``resume`` changes nothing here: what is stored is found by its ids.

        Raises:
            StoreError: the folder or the disk refuses; what was written before is complete.
        """
        begun, tally = time.monotonic(), _Tally()
        done = 0
        for rows in _groups(_paced((batch.rows for batch in batches), rows_per_second)):
            if not dry_run:
                with self._writing():
                    self._write(rows, tally)
            done += rows.num_rows
            if progress is not None:
                progress(done, None)
        return LoadReport(tally.loaded, tally.skipped, 0, len(tally.days), tally.bytes, time.monotonic() - begun)

    def _write(self, rows: pa.Table, tally: _Tally) -> None:
        from workbench.logs.embedded_rows import by_day, new_rows

        for host, day, part in by_day(rows):
            folder = day_folder(self._folder, host, day)
            files = live_files(folder)
            fresh = new_rows(part, [file.path for file in files])
            tally.days.add(folder)
            tally.skipped += part.num_rows - fresh.num_rows
            if fresh.num_rows:
                number = max((file.last for file in files), default=0) + 1
                written = write_file(folder, host, fresh, number, number)
                tally.bytes += written.path.stat().st_size
                tally.loaded += fresh.num_rows
                self._merge(folder, host, [*files, written])

    def _merge(self, folder: Path, host: str, files: Sequence[LogFile]) -> None:
        """Merge the newest files of a day when there are many: a file joins newer ones of at least half its size."""
        if len(files) <= _MOST_FILES:
            return
        from workbench.logs.embedded_rows import merged

        newest = list(files[-1:])
        for file in reversed(files[:-1]):
            total = sum(one.rows for one in newest)
            if file.rows > 2 * total or file.rows + total > _MERGED_ROWS:
                break
            newest.insert(0, file)
        if len(newest) > 1:
            rows = merged([file.path for file in newest])
            write_file(folder, host, rows, newest[0].first, newest[-1].last)
            for file in newest:
                file.path.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / ".lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout:
            raise StoreError(f"Another load holds {self._folder}.", "Wait for it, or stop it, and try again.") from None
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"The log store in {self._folder} cannot be written: {getattr(error, 'strerror', None) or error}.",
                "Free space or choose another folder with --data; what was stored before is unchanged.",
            ) from None


def _spans(
    day: date, parts: int, since: datetime | None, until: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a day that lie in [since, until), the latest first."""
    midnight = datetime(day.year, day.month, day.day)
    for part in reversed(range(parts)):
        begin, end = (midnight + timedelta(days=1) * edge / parts for edge in (part, part + 1))
        begin, end = max(begin, since or begin), min(end, until or end)
        if begin < end:
            yield begin, end


def _lines(
    schema: pa.Schema, since: datetime | None, until: datetime | None, severity: str | None, source: str | None
) -> tuple[str, dict[str, Any]]:
    """The question for lines of a day, and the values that it binds."""
    conditions = {
        "log_timestamp >= $since": naive(since),
        "log_timestamp < $until": naive(until),
        "severity = $severity": severity,
        "source = $source": source,
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    where = f"WHERE {' AND '.join(asked)}" if asked else ""
    values = {condition.rsplit("$")[-1]: value for condition, value in asked.items()}
    sql = f"SELECT {', '.join(schema.names)} FROM file {where} {_NEWEST_FIRST}"  # noqa: S608 - names of LOG_ROWS
    return sql, values


def _paced(tables: Iterable[pa.Table], rows_per_second: float | None) -> Iterator[pa.Table]:
    """The same tables, none of them before its time."""
    begun, rows = time.monotonic(), 0
    for table in tables:
        yield table
        rows += table.num_rows
        if rows_per_second:
            time.sleep(max(0.0, begun + rows / rows_per_second - time.monotonic()))


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Tables put together until they are worth writing; those before a failure come before it."""
    waiting: list[pa.Table] = []
    failure: Exception | None = None
    rows = size = 0
    try:
        for table in tables:
            waiting.append(table)
            rows, size = rows + table.num_rows, size + table.nbytes
            if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
                yield pa.concat_tables(waiting)
                waiting, rows, size = [], 0, 0
    except Exception as error:
        failure = error
    if rows:
        yield pa.concat_tables(waiting)
    if failure is not None:
        raise failure


def naive(moment: datetime | None) -> datetime | None:
    """A time as the rows have it: UTC without offset."""
    return moment if moment is None or moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _unreadable(folder: Path, error: Exception) -> StoreError:
    why = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return StoreError(f"The log store in {folder} cannot be read: {why}.", "Run: workbench doctor.")
