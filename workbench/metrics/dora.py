"""The five DORA metrics of a window: asks queries/*.sql, divides, adds intervals, levels and the previous window.

Definitions: docs/metrics.md. One round trip a question; every question answers for the window, the one before it and
all buckets of the trend at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ParameterError
from workbench.metrics import queries
from workbench.metrics.coverage import ProjectCoverage, pooled, read_coverage
from workbench.metrics.figures import NEEDS, Counts, Durations, Part, TrendPoint, figures_of, trend_of
from workbench.metrics.levels import edition
from workbench.metrics.protocol import MetricStore
from workbench.model import DAY, Bucket, BucketUnit, Figure, Window, local_midnight, naive_utc

if TYPE_CHECKING:
    import pyarrow as pa

CURRENT: Final = 0
PREVIOUS: Final = 1
_FIRST_BUCKET: Final = 2
_STEP: Final = timedelta(minutes=5)


Parts = dict[str, dict[int, Part]]
"""What SQL counted, by project ('' of all together) and number of the window."""
Rated = dict[str, dict[int, Counts]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``projects`` are names; ``pooled`` adds one set of figures over all their rows together."""

    projects: tuple[str, ...]
    window: Window
    bucket: BucketUnit = "week"
    edition: str = "2025"
    pooled: bool = False
    link_hours: float = 168.0
    now: datetime | None = None

    @property
    def moment(self) -> datetime:
        """The time of asking, aware."""
        return self.now or datetime.now(UTC)

    @property
    def settled_before(self) -> datetime:
        """Deployments from here on (naive UTC) can still be charged with an incident by the time rule.

        In whole five minutes, as :attr:`future`: who asks a moment later asks the same, and may get what was kept.
        """
        return _whole(naive_utc(self.moment - timedelta(hours=self.link_hours)))

    @property
    def future(self) -> datetime:
        """Rows after this moment (naive UTC) are dated in the future: the time of asking, up to whole five minutes."""
        return _whole(naive_utc(self.moment) + _STEP)


@dataclass(frozen=True, slots=True)
class Asked:
    """One statement that was run: its query, the parameters, how many rows came back and how long it took (seconds)."""

    query: str
    sentence: str
    sql: str
    parameters: Mapping[str, Any]
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Incidents:
    """Incidents that began in the window, beside the recovery time: open ones and those charged to no deployment."""

    open: int
    oldest_seconds: float | None
    unlinked: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """The answer to a question."""

    figures: tuple[Figure, ...]
    trend: tuple[TrendPoint, ...]
    incidents: Incidents
    coverage: Mapping[str, ProjectCoverage]
    rated: Mapping[str, Counts]
    """The deployments of the window that rates speak of, by project; '' of all together."""
    asked: tuple[Asked, ...]


class Asker:
    """Runs named queries on a store and remembers what was asked."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self.asked: list[Asked] = []

    def ask(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of one query."""
        rows: list[dict[str, Any]] = self.table(name, **parameters).to_pylist()
        return rows

    def table(self, name: str, **parameters: Any) -> pa.Table:
        """The answer of one query, for those that have many rows."""
        query = queries.get(name)
        started = time.perf_counter()
        answer = self._store.query(query, parameters)
        seconds = time.perf_counter() - started
        self.asked.append(Asked(name, query.sentence, query.sql, parameters, answer.num_rows, seconds))
        return answer


def _whole(moment: datetime) -> datetime:
    """Down to whole five minutes."""
    return moment - (moment - datetime(1970, 1, 1)) % _STEP


def measure(store: MetricStore, question: Question) -> Measurement:
    """Figures and trend of every project asked for (and pooled, if asked).

    Raises:
        ParameterError: no project is named, or the edition is unknown.
    """
    if not question.projects:
        raise ParameterError("No project was named.", "Import one first: workbench import git PATH.")
    levels = edition(question.edition)
    asker = Asker(store)
    coverage = read_coverage(asker.ask("coverage", projects=list(question.projects)), question.projects)
    previous = question.window.previous()
    buckets = question.window.buckets(question.bucket)
    figures: list[Figure] = []
    trend: list[TrendPoint] = []
    incidents = Incidents(0, None, 0)
    judged: dict[str, Counts] = {}
    windows: list[Window | Bucket] = [question.window, previous, *buckets]
    rated: Rated = {}
    for together in (False, True) if question.pooled else (False,):
        parts = _parts(asker, question, windows, together)
        rated = _add_rated(asker, question, windows, parts, coverage, rated)
        named = {"": pooled(coverage.values())} if together else coverage
        for project, covered in named.items():
            of = parts.get(project, {})
            judged[project] = of.get(CURRENT, Part()).rated
            both = of.get(CURRENT, Part()), of.get(PREVIOUS, Part())
            figures += figures_of(project or None, question.window, both, covered, levels, question.link_hours)
            numbered = {n: of.get(n + _FIRST_BUCKET, Part()) for n in range(len(buckets))}
            trend += trend_of(project or None, question.window.timezone, buckets, numbered, covered)
        if not together:
            incidents = _incidents(parts, question.window.utc[1])
    return Measurement(tuple(figures), tuple(trend), incidents, coverage, judged, tuple(asker.asked))


def measure_window(store: MetricStore, question: Question) -> tuple[Figure, ...]:
    """Only the figures of the window itself, project by project: no window before it, so no change, and no trend."""
    levels = edition(question.edition)
    asker = Asker(store)
    coverage = read_coverage(asker.ask("coverage", projects=list(question.projects)), question.projects)
    parts = _parts(asker, question, [question.window], together=False)
    _add_rated(asker, question, [question.window], parts, coverage, {})
    figures: list[Figure] = []
    for project, covered in coverage.items():
        both = parts.get(project, {}).get(CURRENT, Part()), Part()
        found = figures_of(project, question.window, both, covered, levels, question.link_hours)
        figures += (replace(figure, previous=None, change=None) for figure in found)
    return tuple(figures)


def measure_trend(store: MetricStore, question: Question, unit: BucketUnit) -> tuple[TrendPoint, ...]:
    """Only the trend, in another bucket."""
    asker = Asker(store)
    coverage = read_coverage(asker.ask("coverage", projects=list(question.projects)), question.projects)
    buckets = question.window.buckets(unit)
    points: list[TrendPoint] = []
    rated: Rated = {}
    for together in (False, True) if question.pooled else (False,):
        parts = _parts(asker, question, buckets, together, days=False)
        rated = _add_rated(asker, question, buckets, parts, coverage, rated)
        for project, covered in ({"": pooled(coverage.values())} if together else coverage).items():
            numbered = {n: parts.get(project, {}).get(n, Part()) for n in range(len(buckets))}
            points += trend_of(project or None, question.window.timezone, buckets, numbered, covered)
    return tuple(points)


def _parts(
    asker: Asker, question: Question, windows: Sequence[Window | Bucket], together: bool, days: bool = True
) -> Parts:
    """Everything that SQL counts, by project and number of the window."""
    edges = [(number, naive_utc(window.start), naive_utc(window.end)) for number, window in enumerate(windows)]
    common = {
        "projects": list(question.projects),
        "pooled": int(together),
        "since": min(edge[1] for edge in edges),
        "until": max(edge[2] for edge in edges),
    }
    spans = queries.spans(edges)
    parts: Parts = {}

    def part(row: Mapping[str, Any]) -> Part:
        return parts.setdefault(row["project"], {}).setdefault(row["span"], Part())

    for row in asker.ask("deployment_counts", **common, settled_before=question.settled_before, spans=spans):
        part(row).counts = _counts(row)
    for row in durations_of(asker.table("lead_time_ranks", **common, spans=spans)):
        part(row).lead = row["durations"]
    for row in durations_of(asker.table("recovery_time_ranks", **common, spans=spans)):
        part(row).recovery = row["durations"]
    for row in asker.ask("incident_counts", **common, spans=spans):
        found = part(row)
        found.open, found.oldest_open, found.unlinked = row["open"], row["oldest_open"], row["unlinked"]
        found.incidents = row["incidents"]
    if days:
        _add_days(asker, question, parts, together)
    return parts


def _counts(row: Mapping[str, Any]) -> Counts:
    return Counts(**{name: row[name] for name in Counts.__dataclass_fields__})


def _add_rated(
    asker: Asker,
    question: Question,
    windows: Sequence[Window | Bucket],
    parts: Parts,
    coverage: Mapping[str, ProjectCoverage],
    rated: Rated,
) -> Rated:
    """Fill in which deployments a rate can speak of: those in time that a source of incidents covers, too.

    Only windows that are covered in part need another question. ``rated`` of the single projects is what the pooled
    rows add up to; give {} for the single projects, and get theirs.
    """
    if rated:
        for number, part in parts.get("", {}).items():
            part.rated = sum((of[number] for of in rated.values() if number in of), Counts())
        return rated
    cut: dict[tuple[datetime, datetime], list[tuple[str, int]]] = {}
    for project, covered in coverage.items():
        for number, window in enumerate(windows):
            known = covered.within(window, *NEEDS["change_fail_rate"])
            if known is None or number not in parts.get(project, {}):
                continue
            if covered.complete(window, *NEEDS["change_fail_rate"]):
                parts[project][number].rated = parts[project][number].counts
            else:
                cut.setdefault((naive_utc(known.start), naive_utc(known.end)), []).append((project, number))
    if cut:
        edges = [(span, *edge) for span, edge in enumerate(cut)]
        rows = asker.ask(
            "deployment_counts",
            projects=list(question.projects),
            pooled=0,
            since=min(edge[1] for edge in edges),
            until=max(edge[2] for edge in edges),
            settled_before=question.settled_before,
            spans=queries.spans(edges),
        )
        found = {(row["project"], row["span"]): _counts(row) for row in rows}
        for span, places in enumerate(cut.values()):
            for project, number in places:
                parts[project][number].rated = found.get((project, span), Counts())
    return {project: {number: part.rated for number, part in of.items()} for project, of in parts.items()}


def durations_of(ranks: pa.Table) -> Iterator[dict[str, Any]]:
    """Per project and span of an answer that is ordered by them: its :class:`Durations`, in whole columns."""
    import numpy as np

    if not ranks.num_rows:
        return
    projects = ranks["project"].combine_chunks().dictionary_encode()
    codes, spans = projects.indices.to_numpy(), ranks["span"].to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1) | np.diff(spans, prepend=-1))
    # decimals of two places are exact as hundredths: their twelve digits fit a double
    hundredths = np.rint(ranks["seconds"].cast("float64").to_numpy() * 100).astype(np.int64).tolist()
    positions = ranks["position"].to_numpy().tolist()
    heads = ranks.select(["project", "span", "n", "total"]).take(starts).to_pylist()
    ends = [*starts[1:].tolist(), ranks.num_rows]
    for head, start, end in zip(heads, starts.tolist(), ends, strict=True):
        values = dict(zip(positions[start:end], hundredths[start:end], strict=True))
        yield {**head, "durations": Durations(head["n"], int(head["total"] * 100), values)}


def _add_days(asker: Asker, question: Question, parts: dict[str, dict[int, Part]], together: bool) -> None:
    """Deployment days of every complete Monday week of the window and of the one before it."""
    weeks = [
        (number, week)
        for number, window in ((CURRENT, question.window), (PREVIOUS, question.window.previous()))
        for week in window.buckets("week")
        if not week.partial
    ]
    if not weeks:
        return
    edges, groups = _day_edges([week for _, week in weeks], question.window.timezone)
    rows = asker.ask(
        "deployment_days",
        projects=list(question.projects),
        pooled=int(together),
        since=min(edge[1] for edge in edges),
        until=max(edge[2] for edge in edges),
        days=queries.spans(edges, groups),
    )
    for project in question.projects if not together else ("",):
        for number, week in weeks:
            parts.setdefault(project, {}).setdefault(number, Part()).weeks[week] = 0
    for row in rows:
        number, week = weeks[row["week"]]
        parts[row["project"]][number].weeks[week] = row["days"]


def _day_edges(weeks: Sequence[Bucket], timezone: str) -> tuple[list[tuple[int, datetime, datetime]], list[int]]:
    edges: list[tuple[int, datetime, datetime]] = []
    groups: list[int] = []
    for number, week in enumerate(weeks):
        days = [week.start.date() + offset * DAY for offset in range(8)]
        moments = [naive_utc(local_midnight(day, timezone)) for day in days]
        for start, end in pairwise(moments):
            edges.append((len(edges), start, end))
            groups.append(number)
    return edges, groups


def _incidents(parts: Mapping[str, Mapping[int, Part]], end: datetime) -> Incidents:
    current = [of[CURRENT] for of in parts.values() if CURRENT in of]
    begun = [part.oldest_open for part in current if part.oldest_open is not None]
    oldest = (end - min(begun)).total_seconds() if begun else None
    return Incidents(sum(part.open for part in current), oldest, sum(part.unlinked for part in current))


def as_json(window: Window, measurement: Measurement, quality: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers for a program: the form of ``workbench dora --json`` and figures.json (docs/architecture.md)."""
    return {
        "format": 1,
        "window": {"start": window.start.isoformat(), "end": window.end.isoformat(), "timezone": window.timezone},
        "figures": _dicts(measurement.figures),
        "trends": _dicts(measurement.trend),
        "incidents": {
            "open": measurement.incidents.open,
            "oldest_seconds": measurement.incidents.oldest_seconds,
            "unlinked": measurement.incidents.unlinked,
        },
        "quality": dict(quality),
    }


def _dicts(values: Iterable[Figure | TrendPoint]) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value

    return [{name: plain(getattr(value, name)) for name in value.__dataclass_fields__} for value in values]


__all__ = [
    "Asked",
    "Asker",
    "Incidents",
    "Measurement",
    "Question",
    "TrendPoint",
    "as_json",
    "measure",
    "measure_trend",
]
