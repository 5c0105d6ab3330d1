"""connect(): the one place that chooses implementations, and the objects that notebooks and the command talk to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import settings as configuration
from workbench.answer import Answer
from workbench.durable import replace_json
from workbench.errors import ParameterError, StoreError
from workbench.metrics import queries
from workbench.metrics.dora import Question
from workbench.metrics.protocol import MetricStore
from workbench.metrics.recorded import Listener, Listeners, RecordedStore
from workbench.model import BUCKET_UNITS, BucketUnit, window_of
from workbench.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.display.fragment import Html
    from workbench.logbook import Logs
    from workbench.logs.protocol import LogStore
    from workbench.profiling import Profile
    from workbench.profiling.server import ServerView


def connect(**overrides: Any) -> Bench:
    """Open the workbench with the settings of the environment and workbench.toml.

    Args:
        overrides: settings that win over both, such as ``data="folder"``.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    settings = configuration.load(**overrides)
    return Bench(settings, _cached(_metric_store(settings), settings))


def _metric_store(settings: Settings) -> MetricStore:
    if settings.metrics_url is not None:
        from workbench.metrics import mysql_engine
        from workbench.metrics.mysql import MySQLStore

        if settings.legacy_project is not None:
            return _django_store(settings, settings.legacy_project)
        primary = MySQLStore(mysql_engine.from_settings(settings))
        if (replica := mysql_engine.replica_from_settings(settings)) is None:
            return primary
        from workbench.metrics.replica import ReplicatedStore

        return ReplicatedStore(primary, MySQLStore(replica))
    from workbench.metrics.embedded import EmbeddedStore

    return EmbeddedStore(settings.data)


def _django_store(settings: Settings, project: str) -> MetricStore:
    from workbench.metrics import mysql_engine
    from workbench.metrics.mysql_django import DjangoStore
    from workbench.sources.export import from_table

    replica = mysql_engine.replica_from_settings(settings)
    return DjangoStore(
        replica or mysql_engine.from_settings(settings),
        from_table,
        project=project,
        link_hours=settings.link_hours,
        rejects_folder=settings.data / "rejects",
        replica=replica is not None,
    )


def _cached(store: MetricStore, settings: Settings) -> MetricStore:
    from workbench.metrics.cache import CachedStore
    from workbench.metrics.result_cache import shared

    if not settings.cache_seconds:
        return store
    cache = shared(settings.cache, settings.cache_seconds, settings.cache_megabytes * 1_000_000)
    return CachedStore(store, cache, check_seconds=settings.cache_check_ms / 1000)


def _query_log(settings: Settings) -> Iterator[Listener]:
    from workbench.metrics.query_log import QueryLog

    if settings.query_log:
        yield QueryLog(settings.query_log, round(settings.query_log_megabytes * 1_000_000), settings.query_log_files)


def _log_store(settings: Settings) -> LogStore:
    if settings.logs_url is not None:
        from workbench.logs.cassandra import CassandraLogStore

        return CassandraLogStore(settings.logs_url.get_secret_value(), settings.data / "logs-state")
    from workbench.logs.embedded import EmbeddedLogStore

    return EmbeddedLogStore(settings.data / "logs")


class Bench:
    """The workbench: questions to the metric store and the log store. Made by :func:`connect`."""

    def __init__(self, settings: Settings, metrics: MetricStore) -> None:
        self.settings = settings
        self.metrics = RecordedStore(metrics, Listeners(*_query_log(settings)))

    @cached_property
    def logs(self) -> Logs:
        """Infrastructure logs: load, read a host's day, count, report."""
        from workbench.logbook import Logs

        return Logs(_log_store(self.settings), self.settings)

    def profile(self, *, plans: bool = False) -> Profile:
        """Collect every statement that this bench runs: ``with bench.profile() as p:``, or ``.start()``, ``.stop()``.

        Args:
            plans: also ask the store how it ran each statement; that runs it a second time.
        """
        from workbench.profiling import Profile

        return Profile(self.metrics.listeners, plans=plans, slow_seconds=self.settings.slow_seconds)

    def monitor(self, *, slow_log: float | None = None, limit: int = 20) -> ServerView:
        """What the server itself says; ``.statements``, ``.slowest``, ``.unused_indexes``, ``.tables`` are DataFrames.

        Args:
            slow_log: first switch the slow query log on, for statements that take longer than this many seconds.
            limit: how many statements to list.

        Raises:
            ConfigurationError: there is no server, the store is embedded.
            StoreError: the server cannot be reached.
        """
        from workbench.metrics import mysql_engine
        from workbench.metrics.mysql_monitor import monitor
        from workbench.profiling.server import ServerView

        return ServerView(monitor(mysql_engine.from_settings(self.settings), slow_log=slow_log, limit=limit))

    def server(self) -> Html:
        """The server's own view as a section of a report; nothing where the store is embedded."""
        from workbench.display.fragment import Html

        return self.monitor(limit=10).section() if self.settings.metrics_url else Html("")

    def projects(self) -> pd.DataFrame:
        """Every project with its counts and the time they span (queries/projects.sql)."""
        return self.query("projects", projects=list(self.metrics.projects()))

    def query(self, name: str, **parameters: Any) -> pd.DataFrame:
        """The answer of any file of queries/ as a DataFrame; durations are Decimal seconds, times naive UTC.

        Raises:
            QueryError: there is no such query.
            ParameterError: parameters do not fit it.
        """
        frame: pd.DataFrame = self.metrics.query(queries.get(name), parameters).to_pandas()
        return frame

    def dora(
        self,
        project: str | Sequence[str] | None = None,
        *,
        days: int | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        timezone: str | None = None,
        bucket: BucketUnit = "week",
        edition: str | None = None,
        pooled: bool = False,
        now: datetime | None = None,
        refresh: bool = False,
    ) -> Dora:
        """The five DORA metrics of one, several or (by default) all projects.

        Args:
            project: a name or several; None: all that are stored.
            days: complete local days before today's midnight (default 90); or give ``start`` and ``end`` (exclusive).
            timezone: IANA zone in which days and weeks are counted (default: the setting).
            bucket: step of the trend.
            edition: edition of the levels (default: the setting).
            pooled: add one set of figures over the rows of all these projects together.
            now: the time of asking, for reproducible answers.
            refresh: compute everything anew, also what is in the cache.

        Raises:
            ParameterError: the window, a name, the zone, the bucket or the edition makes no sense.
            StoreError: nothing has been imported yet.
        """
        if bucket not in BUCKET_UNITS:
            raise ParameterError(f"There is no bucket {bucket!r}.", f"Use one of {', '.join(BUCKET_UNITS)}.")
        question = Question(
            projects=self._named(project),
            window=window_of(days, start, end, timezone or self.settings.timezone, now),
            bucket=bucket,
            edition=edition or self.settings.edition,
            pooled=pooled,
            link_hours=self.settings.link_hours,
            now=now or datetime.now(UTC),
        )
        return Dora(self.metrics.refreshed() if refresh else self.metrics, question)

    def _named(self, project: str | Sequence[str] | None) -> tuple[str, ...]:
        known = self.metrics.projects()
        names = known if project is None else (project,) if isinstance(project, str) else tuple(dict.fromkeys(project))
        if not known:
            raise StoreError(
                "Nothing has been imported yet.", "Run: workbench import git PATH, or workbench import sample."
            )
        if unknown := [name for name in names if name not in known]:
            shown = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
            raise ParameterError(f"There is no project {unknown[0]!r}.", f"There are: {shown}.")
        if not names:
            raise ParameterError("No project was named.", "Name one, or leave the project out to take all.")
        return names


class Dora(Answer):
    """The answer of :meth:`Bench.dora`, which also draws itself and shows itself well in a notebook."""

    def chart(self, name: str) -> go.Figure:
        """A chart by name (workbench.charts.CHARTS)."""
        from workbench import charts

        return charts.draw(name, self)

    def show(self, name: str, **options: Any) -> Html:
        """A piece of the report by name (workbench.display.PIECES): ``cards``, ``quality``, ``rules`` …"""
        from workbench import display

        return display.show(name, self, **options)

    def save(self, folder: Path | None = None) -> Path | None:
        """Write figures.json into a folder, atomically; without one, into that of the report's run, if there is one."""
        folder = folder or configuration.run_folder()
        if folder is None:
            return None
        return replace_json(folder / "figures.json", self.as_json())

    def _repr_html_(self) -> str:
        from workbench import display

        return display.dora_html(self)

    def __repr__(self) -> str:
        return f"Dora({', '.join(self.projects)}; {self.window.start.isoformat()} to {self.window.end.isoformat()})"
