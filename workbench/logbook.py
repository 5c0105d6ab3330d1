"""bench.logs: infrastructure logs for notebooks and the command. Load them, read a host's day, count, report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.durable import replace_json
from workbench.errors import ConfigurationError, ParameterError, StoreError
from workbench.logs import intake
from workbench.logs.intake import Progress, Summary
from workbench.logs.overview import LogAnswer, LogQuestion
from workbench.logs.protocol import LogStore
from workbench.settings import Settings, run_folder

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd
    import plotly.graph_objects as go
    import pyarrow as pa

    from workbench.display.fragment import Html
    from workbench.log_rows import LogBatch
    from workbench.logs.ranges import Part, Range
    from workbench.sources.log_options import LogOptions

DAYS: Final = 7
NEWEST: Final = 200_000
MOST_HOSTS: Final = 50
CONCURRENT: Final = 4
MOST_CONCURRENT: Final = 64
_BATCH: Final = 65_536


class Logs:
    """Questions to the log store, and loads into it. Answers are Arrow tables: ``.to_pandas()`` makes a DataFrame."""

    def __init__(self, store: LogStore, settings: Settings) -> None:
        self.store = store
        self._settings = settings

    def close(self) -> None:
        """End the connections to Cassandra, if there are any; the next call connects anew."""
        if close := getattr(self.store, "close", None):
            close()

    def partition(
        self,
        host: str,
        day: date | str,
        *,
        newest: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        severity: str | None = None,
        source: str | None = None,
        critical: bool = False,
    ) -> pa.Table:
        """Lines of one host and UTC day, newest first (workbench.log_rows.LOG_ROWS).

        Args:
            newest: at most so many.
            since: not before it; until: before it. Times without an offset are UTC.
            severity: emergency, alert, critical, error, warning, notice, info or debug.
            source: such as sshd or kernel.
            critical: for what must be right: Cassandra is asked at QUORUM, not at LOCAL_ONE.

        Raises:
            ParameterError: an argument makes no sense.
            StoreError: the store cannot be read.
        """
        asked: dict[str, Any] = {"since": since, "until": until, "severity": severity, "source": source}
        return self.store.partition(host, as_day(day), newest=newest, critical=critical, **asked)

    def stream(
        self,
        host: str | Sequence[str] | None = None,
        since: datetime | date | str | None = None,
        until: datetime | date | str | None = None,
        *,
        severity: str | None = None,
        source: str | None = None,
        columns: Sequence[str] = (),
        concurrent: int = CONCURRENT,
        critical: bool = False,
    ) -> pa.RecordBatchReader:
        """Lines of a range of any size, batch by batch: a host's week, all hosts for an hour, everything.

        A batch has some thousand lines of one host and day. The newest day comes first, its hosts by name, and of
        each the newest line first. Memory holds a few batches of each host and day that is being read.

        Args:
            host: a name or several; None: all.
            since: from it on; until: before it. A day is its midnight; times without an offset are UTC. None: no bound.
            severity, source, critical: as of :meth:`partition`.
            columns: only these, which is quicker; none named: all.
            concurrent: how many hosts and days are read at once.

        Raises:
            ParameterError: a host is unknown, or an argument makes no sense.
            StoreError: no logs have been imported yet; or, while batches are taken, the store cannot be read.
        """
        import pyarrow as pa

        from workbench.logs import ranges

        if not 1 <= concurrent <= MOST_CONCURRENT:
            raise ParameterError(
                f"{concurrent} partitions cannot be read at once.", f"Give a number from 1 to {MOST_CONCURRENT}."
            )
        asked, parts = self._range(host, since, until, severity, source, columns, critical)
        tables = ranges.stream(self.store, asked, parts, concurrent)
        batches = (batch for table in tables for batch in table.to_batches())
        return pa.RecordBatchReader.from_batches(asked.schema, batches)

    def dask(
        self,
        host: str | Sequence[str] | None = None,
        since: datetime | date | str | None = None,
        until: datetime | date | str | None = None,
        *,
        severity: str | None = None,
        source: str | None = None,
        columns: Sequence[str] = (),
        critical: bool = False,
    ) -> dd.DataFrame:
        """The same range as a Dask DataFrame (extra ``dask``): a partition is a host's day, in the order of a stream.

        Nothing is read before something is computed; then each worker reads its partitions itself, and of them only
        the columns that are needed. Workers of an embedded store share its folder; those of Cassandra with a login
        have WORKBENCH_LOGS_URL in their own environment.

        Raises:
            MissingExtraError: Dask is not installed.
            ParameterError, StoreError: as of :meth:`stream`.
        """
        from workbench.log_dask import dask_frame

        return dask_frame(self._settings, *self._range(host, since, until, severity, source, columns, critical))

    def _range(
        self, host: Any, since: Any, until: Any, severity: Any, source: Any, columns: Any, critical: bool
    ) -> tuple[Range, list[Part]]:
        """What a stream is to read, and the hosts and days in which it lies."""
        from workbench.logs.ranges import Range

        asked = Range(as_moment(since), as_moment(until), severity, source, tuple(columns), critical)
        known = self._known(critical)
        names = set(_chosen(host, known))
        return asked, asked.parts([row for name, row in known.items() if name in names])

    def stats(self, host: str, day: date | str, *, critical: bool = False) -> pa.Table:
        """Lines of one host and UTC day by hour, severity and source."""
        return self.store.stats(host, as_day(day), critical=critical)

    def hosts(self, *, critical: bool = False) -> pa.Table:
        """Every host with its first and last day and its lines (null: the store keeps no counts)."""
        return self.store.hosts(critical=critical)

    def monitor(self) -> pd.DataFrame:
        """What ``nodetool tablestats`` tells of the log tables, of every node of Cassandra: a row each.

        Raises:
            ConfigurationError: the store is embedded.
            StoreError: no node answers.
        """
        if self._settings.logs_url is None:
            raise ConfigurationError(
                "No Cassandra is configured.", "Set WORKBENCH_LOGS_URL=cassandra://host/keyspace?dc=NAME."
            )
        store: Any = self.store
        frame: pd.DataFrame = store.monitor()
        return frame

    def server(self) -> Html:
        """The nodes' own view as a section of a report; nothing where the store is embedded."""
        from workbench.display.fragment import Html

        if self._settings.logs_url is None:
            return Html("")
        from workbench.display.log_nodes import section

        try:
            return Html(section(self.monitor()))
        except StoreError as error:  # a user who may read the logs may not be allowed to read the server's views
            return Html(section(None, str(error)))

    def load(
        self,
        data: Any,
        *,
        format: str | None = None,
        host: str | None = None,
        zone: str | None = None,
        year: int | None = None,
        mapping: Mapping[str, str] | None = None,
        dry_run: bool = False,
        rate: float | None = None,
        progress: Progress | None = None,
    ) -> Summary:
        """Load log files, a DataFrame, or an Arrow table or stream. Loading the same again changes nothing.

        Args:
            data: a path or several (``-``: standard input), or anything with Arrow's stream interface (pandas,
                pyarrow, polars, DuckDB).
            format: syslog, journald, jsonl or parquet; None: told from the content.
            host: of lines that name none.
            zone: IANA zone of times without an offset (default: the setting ``timezone``).
            year: of times without a year; None: the year that puts the line nearest before the file's last change.
            mapping: column of the log rows -> column of the data, where the usual names (docs/logs.md) do not fit.
            dry_run: read everything, write nothing.
            rate: at most so many rows a second.
            progress: called with bytes read and bytes in all; of anything but files with lines read and None.

        Raises:
            SourceError: the data cannot be read to its end; what came before is loaded.
            ParameterError: an argument makes no sense.
            StoreError: the store cannot be written.
        """
        from workbench.sources.log_options import LogOptions

        if rate is not None and not rate > 0:
            raise ParameterError(f"A rate of {rate} rows a second is not possible.", "Give a number above 0.")
        chosen: Any = format
        options = LogOptions(chosen, host, zone or self._settings.timezone, year, dict(mapping or {}))
        options.check()
        batches, total = _batches(data, options)
        given: dict[str, Any] = {"dry_run": dry_run, "rate": rate, "progress": progress, "total": total}
        return intake.run(self.store, batches, self._settings.data, **given)

    def report(
        self,
        host: str | Sequence[str] | None = None,
        *,
        days: int | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        timezone: str | None = None,
        newest: int = NEWEST,
        now: datetime | None = None,
    ) -> LogReport:
        """What happened: volume, processes, bursts of errors, new messages, and how good the data are.

        Args:
            host: a name or several; None: all, at most the MOST_HOSTS with the most lines.
            days: complete local days before today's midnight (default 7); or give ``start`` and ``end`` (exclusive).
            timezone: IANA zone in which days are counted and times are shown (default: the setting).
            newest: lines of a host and day that are read for processes, errors and messages; counts use all lines.
            now: the time of asking, for reproducible answers.

        Raises:
            ParameterError: a host is unknown, or the window or the number makes no sense.
            StoreError: no logs have been imported yet.
        """
        from workbench.model import window_of

        if newest < 1:
            raise ParameterError(f"{newest} lines a day cannot be read.", "Give a number from 1 on.")
        if days is None and start is None and end is None:
            days = DAYS
        window = window_of(days, start, end, timezone or self._settings.timezone, now)
        question = LogQuestion(self._named(host), window, newest, now or datetime.now(UTC))
        return LogReport(self.store, question, self.past_loads())

    def _named(self, host: str | Sequence[str] | None) -> tuple[str, ...]:
        known = self._known(critical=True)
        chosen = _chosen(host, known)
        if host is not None:
            return chosen
        return tuple(sorted(sorted(chosen, key=lambda name: -(known[name]["rows"] or 0))[:MOST_HOSTS]))

    def _known(self, critical: bool) -> dict[str, dict[str, Any]]:
        """Every host by name, with its days and lines."""
        known = {row["hostname"]: row for row in self.hosts(critical=critical).to_pylist()}
        if not known:
            raise StoreError("No logs have been imported yet.", "Run: workbench import logs FILE…")
        return known

    def past_loads(self, newest: int = 100) -> list[dict[str, Any]]:
        """The last loads, the newest first: when, from where, and how many rows were loaded, skipped and rejected."""
        return intake.past_loads(self._settings.data, newest)


class LogReport(LogAnswer):
    """The answer of :meth:`Logs.report`, which also draws itself and shows itself well in a notebook."""

    def chart(self, name: str) -> go.Figure:
        """A chart by name (workbench.charts.logs.CHARTS)."""
        from workbench.charts import logs

        return logs.draw(name, self)

    def show(self, name: str, **options: Any) -> Html:
        """A piece of the report by name (workbench.display.logs.PIECES)."""
        from workbench.display import logs

        return logs.show(name, self, **options)

    def save(self, folder: Path | None = None) -> Path | None:
        """Write figures.json into a folder, atomically; without one, into that of the report's run, if there is one."""
        folder = folder or run_folder()
        if folder is None:
            return None
        return replace_json(folder / "figures.json", self.as_json())

    def _repr_html_(self) -> str:
        return self.show("header")._repr_html_()


def as_day(day: date | str) -> date:
    """A day from a date or its ISO text.

    Raises:
        ParameterError: it is none.
    """
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except (TypeError, ValueError):
        raise ParameterError(f"{day!r} is no day.", "Write it as 2026-03-31.") from None


def as_moment(moment: datetime | date | str | None) -> datetime | None:
    """A time in UTC, without offset, from a time, a day, or the ISO text of one; None stays.

    Raises:
        ParameterError: it is none.
    """
    if moment is None:
        return None
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            raise ParameterError(
                f"{moment!r} is no time.", "Write it as 2026-03-31, or 2026-03-31T12:00:00+02:00."
            ) from None
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _chosen(host: str | Sequence[str] | None, known: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts that are meant; all if none is named."""
    if host is None:
        return tuple(known)
    names = (host,) if isinstance(host, str) else tuple(dict.fromkeys(host))
    if unknown := [name for name in names if name not in known]:
        shown = ", ".join(list(known)[:10]) + (", …" if len(known) > 10 else "")
        raise ParameterError(f"There are no logs of a host {unknown[0]!r}.", f"There are: {shown}.")
    if not names:
        raise ParameterError("No host was named.", "Name one, or leave the host out to take all.")
    return names


def _batches(data: Any, options: LogOptions) -> tuple[Iterator[LogBatch], int | None]:
    """The batches of what a user gives, and its bytes if it is files."""
    from workbench.sources.logs import read

    if isinstance(data, str | Path):
        data = [data]
    if isinstance(data, Sequence) and all(isinstance(path, str | Path) for path in data):
        if not data:
            raise ParameterError("No file was named.", "Name one, or - for standard input.")
        return read(data, options), _bytes(data)
    if not hasattr(data, "__arrow_c_stream__"):
        raise ParameterError(
            f"A {type(data).__name__} cannot be loaded.", "Give paths, a DataFrame, or an Arrow table."
        )
    return _from_arrow(data, options), None


def _bytes(paths: Sequence[str | Path]) -> int | None:
    try:
        return sum(Path(path).stat().st_size for path in paths) if "-" not in map(str, paths) else None
    except OSError:  # the reader says which, and why
        return None


def _from_arrow(data: Any, options: LogOptions) -> Iterator[LogBatch]:
    import pyarrow as pa

    from workbench.sources.log_table import table_batches

    content = _content(data)
    with pa.RecordBatchReader.from_stream(data) as stream:
        small = (batch.slice(start, _BATCH) for batch in stream for start in range(0, batch.num_rows, _BATCH))
        yield from table_batches(small, stream.schema, type(data).__name__, options, content=content)


def _content(data: Any) -> str | None:
    """Names what is in memory by its content, so that a load that was cut off goes on where it was; else None."""
    import pyarrow as pa

    if not hasattr(data, "__len__"):  # a stream can be read once only
        return None
    hashed = hashlib.sha256()
    with pa.RecordBatchReader.from_stream(data) as stream:
        for batch in stream:
            hashed.update(batch.serialize())
    return hashed.hexdigest()
