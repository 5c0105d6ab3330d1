"""What happened in the logs of some hosts: volume, processes, errors and bursts of them, messages that are new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from workbench.logs.digest import Digest, ask
from workbench.logs.findings import Burst, Finding, bursts, data_findings, load_findings
from workbench.logs.protocol import LogStore
from workbench.model import Window

HOUR: Final = timedelta(hours=1)
FORMAT: Final = 1
VOLUME: Final = pa.schema(
    [
        ("host", pa.string()),
        ("hour", pa.timestamp("ms")),
        ("severity", pa.string()),
        ("source", pa.string()),
        ("lines", pa.int64()),
    ]
)
NEW_SHOWN: Final = 200
"""Processes and new messages that figures.json has."""


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """Which hosts, which time, and at most how many of the newest lines of a host and day are read for their words."""

    hosts: tuple[str, ...]
    window: Window
    newest: int
    now: datetime


@dataclass(frozen=True, slots=True)
class HostTotal:
    """Lines of one host in the window; ``read`` of them were looked into, ``errors`` of those are error lines."""

    host: str
    lines: int
    read: int
    errors: int
    first: datetime | None
    last: datetime | None

    def figures(self) -> Iterator[dict[str, Any]]:
        """For JSON: a number each; error lines of a host without lines are not known."""
        errors = self.errors if self.read else None
        for metric, value in (("lines", self.lines), ("lines_read", self.read), ("error_lines", errors)):
            yield {"host": self.host, "metric": metric, "value": value, "unit": "lines", "n": self.lines}


class LogAnswer:
    """The answer to a question about logs; computes on first use. Times are naive UTC. Every read is a critical one."""

    def __init__(self, store: LogStore, question: LogQuestion, loads: list[dict[str, Any]]) -> None:
        self._store = store
        self._loads = loads
        self.question = question

    @property
    def window(self) -> Window:
        """The time that it is about, [start, end)."""
        return self.question.window

    @cached_property
    def volume(self) -> pa.Table:
        """Lines by host, UTC hour, severity and source (VOLUME): every line counts."""
        since, until = _whole_hours(self.window)
        parts = [VOLUME.empty_table()]
        for host, day in self._days(self.window):
            sql = """
                SELECT $host AS host, hour, severity, source, rows AS lines
                FROM (SELECT * REPLACE (CAST($day AS TIMESTAMP) + to_hours(CAST(hour AS INTEGER)) AS hour) FROM counts)
                WHERE hour >= $since AND hour < $until
            """
            asked = {"host": host, "day": day, "since": since, "until": until}
            parts.append(ask(sql, asked, counts=self._store.stats(host, day, critical=True)).cast(VOLUME))
        return pa.concat_tables(parts).combine_chunks()

    @cached_property
    def digest(self) -> Digest:
        """Words, processes and clocks of the lines that were read."""
        return Digest.of(self._read(self.window))

    @cached_property
    def before(self) -> Digest:
        """The same of the window before, for what is new."""
        return Digest.of(self._read(self.window.previous()))

    @cached_property
    def hosts(self) -> tuple[HostTotal, ...]:
        """Totals of each host asked for."""
        lines = dict(
            _pairs(ask("SELECT host, CAST(sum(lines) AS BIGINT) FROM volume GROUP BY ALL", {}, volume=self.volume))
        )
        spans = {row["host"]: row for row in self.digest.days.group_by("host").aggregate(
            [("lines", "sum"), ("errors", "sum"), ("first", "min"), ("last", "max")]
        ).to_pylist()}  # fmt: skip
        return tuple(_total(host, int(lines.get(host) or 0), spans.get(host, {})) for host in self.question.hosts)

    @property
    def lines(self) -> int:
        """Lines of all hosts in the window."""
        return sum(host.lines for host in self.hosts)

    @cached_property
    def processes(self) -> pa.Table:
        """Lines and error lines by process, over all hosts, the noisiest first."""
        sql = """
            SELECT process, CAST(sum(lines) AS BIGINT) AS lines, CAST(sum(errors) AS BIGINT) AS errors,
                count(DISTINCT host) AS hosts
            FROM processes GROUP BY process ORDER BY lines DESC, process
        """
        return ask(sql, {}, processes=self.digest.processes)

    @cached_property
    def bursts(self) -> tuple[Burst, ...]:
        """Hours with more error lines than chance explains (logs.findings.bursts), the least likely first."""
        return bursts(self.digest.errors, self.volume)

    @cached_property
    def new_messages(self) -> pa.Table | None:
        """Message templates of the window that no line of the window before has; None if that one has no lines."""
        if not self.before.templates.num_rows:
            return None
        sql = """
            SELECT template, first(sample ORDER BY first_seen) AS sample, CAST(sum(lines) AS BIGINT) AS lines,
                CAST(sum(errors) AS BIGINT) AS errors, min(first_seen) AS first_seen,
                list_sort(list_distinct(list(host))) AS hosts, min(process) AS process
            FROM now WHERE template NOT IN (SELECT template FROM before)
            GROUP BY template ORDER BY errors DESC, lines DESC, first_seen, template
        """
        return ask(sql, {}, now=self.digest.templates, before=self.before.templates)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What to know about the data before trusting the rest."""
        return (
            *data_findings(self.digest, self.volume, self.hosts, self.window, self.question.now),
            *load_findings(self._loads),
        )

    @property
    def loads(self) -> list[dict[str, Any]]:
        """The last loads, the newest first (logs.intake.past_loads)."""
        return self._loads

    def store(self) -> Mapping[str, str]:
        """What and where the store is, without secrets."""
        return self._store.describe()

    def as_json(self) -> dict[str, Any]:
        """All numbers for a program: the form of figures.json."""
        window = self.window
        new = self.new_messages
        severities = "SELECT severity, CAST(sum(lines) AS BIGINT) FROM volume GROUP BY ALL ORDER BY 1"
        return {
            "format": FORMAT,
            "window": {"start": window.start.isoformat(), "end": window.end.isoformat(), "timezone": window.timezone},
            "figures": [figure for host in self.hosts for figure in host.figures()],
            "severities": dict(_pairs(ask(severities, {}, volume=self.volume))),
            "processes": self.processes.slice(0, NEW_SHOWN).to_pylist(),
            "bursts": [burst.as_dict() for burst in self.bursts],
            "new_messages": None if new is None else [_plain(row) for row in new.slice(0, NEW_SHOWN).to_pylist()],
            "quality": {"findings": [finding.as_dict() for finding in self.findings]},
        }

    def _days(self, window: Window) -> Iterator[tuple[str, date]]:
        """The hosts and UTC days that a window touches."""
        since, until = window.utc
        first, last = since.date(), (until - timedelta(microseconds=1)).date()
        known = {row["hostname"]: row for row in self._known.to_pylist()}
        for host in self.question.hosts:
            if host in known:
                begin = max(first, known[host]["first_day"])
                end = min(last, known[host]["last_day"])
                yield from ((host, begin + timedelta(days=n)) for n in range((end - begin).days + 1))

    @cached_property
    def _known(self) -> pa.Table:
        return self._store.hosts(critical=True)

    def _read(self, window: Window) -> Iterator[tuple[str, pa.Table]]:
        """The newest lines of each host and day."""
        since, until = window.utc
        for host, day in self._days(window):
            newest = self.question.newest
            yield host, self._store.partition(host, day, newest=newest, since=since, until=until, critical=True)


def _whole_hours(window: Window) -> tuple[datetime, datetime]:
    """The UTC hours that a window touches."""
    since, until = window.utc
    begin = since.replace(minute=0, second=0, microsecond=0)
    end = until.replace(minute=0, second=0, microsecond=0)
    return begin, end if end == until else end + HOUR


def _total(host: str, lines: int, span: Mapping[str, Any]) -> HostTotal:
    counted = int(span.get("lines_sum") or 0), int(span.get("errors_sum") or 0)
    return HostTotal(host, lines, *counted, span.get("first_min"), span.get("last_max"))


def _pairs(table: pa.Table) -> list[tuple[Any, Any]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "first_seen": row["first_seen"].replace(tzinfo=UTC).isoformat()}
