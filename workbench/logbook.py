"""bench.logs: infrastructure logs for notebooks and the command. Load them, read a host's day, count, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.durable import replace_json
from workbench.errors import ParameterError, StoreError
from workbench.logs import intake
from workbench.logs.intake import Progress, Summary
from workbench.logs.overview import LogAnswer, LogQuestion
from workbench.logs.protocol import LogStore
from workbench.settings import Settings, run_folder

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import pyarrow as pa

    from workbench.display.fragment import Html
    from workbench.log_rows import LogBatch
    from workbench.sources.log_options import LogOptions

DAYS: Final = 7
NEWEST: Final = 200_000
MOST_HOSTS: Final = 50
_BATCH: Final = 65_536


class Logs:
    """Questions to the log store, and loads into it. Answers are Arrow tables: ``.to_pandas()`` makes a DataFrame."""

    def __init__(self, store: LogStore, settings: Settings) -> None:
        self.store = store
        self._settings = settings

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
    ) -> pa.Table:
        """Lines of one host and UTC day, newest first (workbench.log_rows.LOG_ROWS).

        Args:
            newest: at most so many.
            since: not before it; until: before it. Times without an offset are UTC.
            severity: emergency, alert, critical, error, warning, notice, info or debug.
            source: such as sshd or kernel.

        Raises:
            ParameterError: an argument makes no sense.
            StoreError: the store cannot be read.
        """
        asked: dict[str, Any] = {"since": since, "until": until, "severity": severity, "source": source}
        return self.store.partition(host, as_day(day), newest=newest, **asked)

    def stats(self, host: str, day: date | str) -> pa.Table:
        """Lines of one host and UTC day by hour, severity and source."""
        return self.store.stats(host, as_day(day))

    def hosts(self) -> pa.Table:
        """Every host with its first and last day and its lines."""
        return self.store.hosts()

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
        known = {row["hostname"]: row["rows"] for row in self.hosts().to_pylist()}
        if not known:
            raise StoreError("No logs have been imported yet.", "Run: workbench import logs FILE…")
        if host is None:
            return tuple(sorted(sorted(known, key=lambda name: -known[name])[:MOST_HOSTS]))
        names = (host,) if isinstance(host, str) else tuple(dict.fromkeys(host))
        if unknown := [name for name in names if name not in known]:
            shown = ", ".join(list(known)[:10]) + (", …" if len(known) > 10 else "")
            raise ParameterError(f"There are no logs of a host {unknown[0]!r}.", f"There are: {shown}.")
        if not names:
            raise ParameterError("No host was named.", "Name one, or leave the host out to take all.")
        return names

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

    with pa.RecordBatchReader.from_stream(data) as stream:
        small = (batch.slice(start, _BATCH) for batch in stream for start in range(0, batch.num_rows, _BATCH))
        yield from table_batches(small, stream.schema, type(data).__name__, options)
