"""From counts, sums and ranks to figures: each with its rule in words, its count, interval, level and change."""

from __future__ import annotations

import statistics as stdlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from workbench.format import count
from workbench.metrics import statistics
from workbench.metrics.coverage import Fact, ProjectCoverage, Span, days_between
from workbench.metrics.levels import LEAST_DAYS, Edition
from workbench.model import HEADLINES, Bucket, Estimate, Figure, Metric, Statistic, Window

NEEDS: Final[dict[Metric, tuple[Fact, ...]]] = {
    "deployment_frequency": ("deployments",),
    "lead_time": ("deployments", "changes"),
    "change_fail_rate": ("deployments", "incidents"),
    "recovery_time": ("deployments", "incidents"),
    "rework_rate": ("deployments", "incidents"),
}
"""The facts that must be known for a metric to have data."""


@dataclass(slots=True)
class Counts:
    """One row of queries/deployment_counts.sql."""

    deployments: int = 0
    failed: int = 0
    failed_no_go: int = 0
    failed_named: int = 0
    failed_revert: int = 0
    failed_time: int = 0
    rework: int = 0
    rework_fix: int = 0
    unsettled: int = 0

    def __add__(self, other: Counts) -> Counts:
        """The counts of both together."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(slots=True)
class Durations:
    """Count, sum, and the values at the ranks that quantiles need, in hundredths of a second."""

    n: int = 0
    total: int = 0
    values: Mapping[int, int] = field(default_factory=dict)

    def quantile(self, which: statistics.Quantile) -> Estimate:
        """The quantile with its interval."""
        return statistics.quantile(self.values, self.n, which)


@dataclass(slots=True)
class Part:
    """What SQL counted for one project in one window or bucket.

    ``weeks``: deployment days of each complete Monday week. ``rated``: the counts of those deployments whose failures
    are known, because a source of incidents covers their time; all of them where it covers the whole window.
    """

    counts: Counts = field(default_factory=Counts)
    lead: Durations = field(default_factory=Durations)
    recovery: Durations = field(default_factory=Durations)
    weeks: dict[Bucket, int] = field(default_factory=dict)
    rated: Counts = field(default_factory=Counts)
    incidents: int = 0
    open: int = 0
    oldest_open: datetime | None = None
    unlinked: int = 0


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One metric in one bucket. ``value`` is None without data; ``partial``: cut by the window or by coverage."""

    project: str | None
    metric: Metric
    statistic: Statistic
    start: datetime
    end: datetime
    partial: bool
    value: float | None
    unit: str
    n: int
    low: float | None
    high: float | None


_Compute = Callable[[Part, Span | None, ProjectCoverage, str], Estimate]
"""From counts, the covered part of the window, all coverage, and the zone in which days are counted."""


def _per_week(part: Part, covered: Span | None, _: ProjectCoverage, timezone: str) -> Estimate:
    return statistics.events_per_week(part.counts.deployments, _days(covered, timezone))


def _median_days(part: Part, _: Span | None, coverage: ProjectCoverage, __: str) -> Estimate:
    days = [days for week, days in part.weeks.items() if coverage.complete(week, "deployments")]
    return Estimate(float(stdlib.median(days)), len(days)) if days else Estimate(None, 0)


def _rate(name: str) -> _Compute:
    return lambda part, *_: statistics.rate(getattr(part.rated, name), part.rated.deployments)


def _duration(name: str, which: Statistic) -> _Compute:
    def compute(part: Part, *_: object) -> Estimate:
        durations: Durations = getattr(part, name)
        if which == "mean":
            return statistics.mean(durations.total, durations.n)
        return durations.quantile("median" if which == "median" else "p90")

    return compute


def _days(covered: Span | None, timezone: str) -> float:
    return days_between(covered.start, covered.end, timezone) if covered else 0.0


_STATISTICS: Final[tuple[tuple[Metric, Statistic, str, _Compute], ...]] = (
    ("deployment_frequency", "per_week", "per week", _per_week),
    ("deployment_frequency", "median_days_per_week", "days", _median_days),
    ("lead_time", "median", "seconds", _duration("lead", "median")),
    ("lead_time", "mean", "seconds", _duration("lead", "mean")),
    ("lead_time", "p90", "seconds", _duration("lead", "p90")),
    ("change_fail_rate", "rate", "share", _rate("failed")),
    ("recovery_time", "median", "seconds", _duration("recovery", "median")),
    ("recovery_time", "mean", "seconds", _duration("recovery", "mean")),
    ("recovery_time", "p90", "seconds", _duration("recovery", "p90")),
    ("rework_rate", "rate", "share", _rate("rework")),
)
_IN_TRENDS: Final = (*HEADLINES.items(), ("lead_time", "p90"))


class _Known:
    """What is known of one window or bucket; each set of facts is looked up once."""

    def __init__(self, window: Window | Bucket, part: Part, coverage: ProjectCoverage, timezone: str) -> None:
        self.part = part
        self._coverage = coverage
        self._timezone = timezone
        needs = set(NEEDS.values())
        self._covered = {facts: coverage.within(window, *facts) for facts in needs}
        self._complete = {facts: coverage.complete(window, *facts) for facts in needs}

    def estimate(self, metric: Metric, compute: _Compute) -> Estimate:
        """Without value and interval where no source covers the window: zero failures seen is not zero failures."""
        covered = self._covered[NEEDS[metric]]
        found = compute(self.part, covered, self._coverage, self._timezone)
        return found if covered else replace(found, value=None, low=None, high=None)

    def complete(self, metric: Metric) -> bool:
        return self._complete[NEEDS[metric]]

    def days(self, metric: Metric) -> float | None:
        """Covered days; None: no data."""
        covered = self._covered[NEEDS[metric]]
        return _days(covered, self._timezone) if covered else None


def figures_of(
    project: str | None,
    window: Window,
    parts: tuple[Part, Part],
    coverage: ProjectCoverage,
    levels: Edition,
    link_hours: float,
) -> list[Figure]:
    """All figures of one project (None: pooled); ``parts`` are of the window and of the one before it."""
    current = _Known(window, parts[0], coverage, window.timezone)
    previous = _Known(window.previous(), parts[1], coverage, window.timezone)
    made = []
    for metric, statistic, unit, compute in _STATISTICS:
        now, then = current.estimate(metric, compute), previous.estimate(metric, compute)
        days = current.days(metric)
        headline = HEADLINES[metric] == statistic
        made.append(
            Figure(
                project=project,
                metric=metric,
                statistic=statistic,
                value=now.value,
                unit=unit,
                n=now.n,
                low=now.low,
                high=now.high,
                level=levels.level(metric, now.value, days or 0.0) if headline and _enough(current, metric) else None,
                previous=then.value,
                change=_change(unit, now, then) if current.complete(metric) and previous.complete(metric) else None,
                rule=_rule(metric, statistic, parts[0], days, link_hours),
            )
        )
    return made


def _enough(known: _Known, metric: Metric) -> bool:
    """A rate over a few covered days of a longer window says nothing about the window."""
    return not metric.endswith("_rate") or known.complete(metric) or (known.days(metric) or 0.0) >= LEAST_DAYS


def trend_of(
    project: str | None,
    timezone: str,
    buckets: Sequence[Bucket],
    parts: Mapping[int, Part],
    coverage: ProjectCoverage,
) -> list[TrendPoint]:
    """The headline of each metric, and the p90 of the lead time, in every bucket; a bucket without data is a gap."""
    known = [_Known(bucket, parts[number], coverage, timezone) for number, bucket in enumerate(buckets)]
    points = []
    for metric, statistic, unit, compute in _STATISTICS:
        if (metric, statistic) not in _IN_TRENDS:
            continue
        for bucket, of in zip(buckets, known, strict=True):
            estimate = of.estimate(metric, compute)
            points.append(
                TrendPoint(
                    project, metric, statistic, bucket.start, bucket.end, bucket.partial or not of.complete(metric),
                    estimate.value, unit, estimate.n, estimate.low, estimate.high,
                )
            )  # fmt: skip
    return points


def _change(unit: str, now: Estimate, then: Estimate) -> float | None:
    if now.value is None or then.value is None:
        return None
    if unit == "share":
        return now.value - then.value
    return now.value / then.value - 1 if then.value else None


def _rule(metric: Metric, statistic: Statistic, part: Part, days: float | None, link_hours: float) -> str:
    if days is None:
        return f"No data: no imported source covers {' and '.join(NEEDS[metric])} in this window."
    counts = part.rated if metric.endswith("_rate") else part.counts
    deployments = count(counts.deployments, "deployment")
    if statistic == "per_week":
        return f"{deployments} in {days:.4g} covered days, per 7 days; exact Poisson interval."
    if statistic == "median_days_per_week":
        return (
            "Median over the complete Monday weeks of the window of their days with a deployment; "
            "empty weeks count as 0."
        )
    if metric == "change_fail_rate":
        return (
            f"{counts.failed} of {deployments} failed: {counts.failed_no_go} by their own decision, "
            f"{counts.failed_named} named by an incident, {counts.failed_revert} reverted later, "
            f"{counts.failed_time} charged by time (at most {link_hours:g} h before the incident); "
            f"too young to be settled: {counts.unsettled}. Wilson interval."
        )
    if metric == "rework_rate":
        return (
            f"Rework: {counts.rework} of {deployments}, decided so by their source or named as "
            f"its fix by an incident ({counts.rework_fix}). Wilson interval."
        )
    return _duration_rule(metric, statistic, part)


def _duration_rule(metric: Metric, statistic: Statistic, part: Part) -> str:
    what = {
        "median": "Median (mean of the middle two)",
        "mean": "Arithmetic mean",
        "p90": "90th percentile (nearest rank)",
    }[statistic]
    interval = "" if statistic == "mean" else "; interval by order statistics"
    if metric == "lead_time":
        return (
            f"{what} over {count(part.lead.n, 'change')} that the window's deployments shipped, "
            f"from change to deployment{interval}."
        )
    return (
        f"{what} over {count(part.recovery.n, 'fixed incident')} that began in the window and can be charged to a "
        f"deployment, from begin to recovery{interval}; still open beside them: {part.open}."
    )
