"""From counts, sums and ranks to figures: each with its rule in words, its count, interval, level and change."""

from __future__ import annotations

import statistics as stdlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from workbench.metrics import statistics
from workbench.metrics.coverage import Fact, ProjectCoverage, days_between
from workbench.metrics.levels import Edition
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


@dataclass(slots=True)
class Durations:
    """Count, sum and the values at the ranks that quantiles need (seconds)."""

    n: int = 0
    total: Decimal = Decimal(0)
    values: dict[int, Decimal] = field(default_factory=dict)

    def quantile(self, which: statistics.Quantile) -> Estimate:
        """The quantile with its interval."""
        return statistics.quantile(self.values, self.n, which)


@dataclass(slots=True)
class Part:
    """What SQL counted for one project in one window or bucket. ``weeks``: deployment days of its complete Monday weeks."""

    counts: Counts = field(default_factory=Counts)
    lead: Durations = field(default_factory=Durations)
    recovery: Durations = field(default_factory=Durations)
    weeks: dict[Bucket, int] = field(default_factory=dict)
    incidents: int = 0
    open: int = 0
    oldest_open: datetime | None = None
    unlinked: int = 0


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One metric in one bucket. ``value`` is None where there is no data; ``partial``: cut by the window or by coverage."""

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


_Compute = Callable[[Part, Window | Bucket, ProjectCoverage, str], Estimate]


def _per_week(part: Part, window: Window | Bucket, coverage: ProjectCoverage, timezone: str) -> Estimate:
    covered = coverage.within(window, "deployments")
    days = days_between(covered.start, covered.end, timezone) if covered else 0.0
    return statistics.events_per_week(part.counts.deployments, days)


def _median_days(part: Part, _: Window | Bucket, coverage: ProjectCoverage, __: str) -> Estimate:
    days = [days for week, days in part.weeks.items() if coverage.complete(week, "deployments")]
    return Estimate(float(stdlib.median(days)), len(days)) if days else Estimate(None, 0)


def _rate(name: str) -> _Compute:
    return lambda part, *_: statistics.rate(getattr(part.counts, name), part.counts.deployments)


def _duration(name: str, which: Statistic) -> _Compute:
    def compute(part: Part, *_: object) -> Estimate:
        durations: Durations = getattr(part, name)
        if which == "mean":
            return statistics.mean(durations.total, durations.n)
        return durations.quantile("median" if which == "median" else "p90")

    return compute


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


def figures_of(
    project: str | None,
    window: Window,
    current: Part,
    previous: Part,
    coverage: ProjectCoverage,
    levels: Edition,
    link_hours: float,
) -> list[Figure]:
    """All figures of one project (None: pooled) in a window."""
    before = window.previous()
    made = []
    for metric, statistic, unit, compute in _STATISTICS:
        now, then = (
            _known(compute, part, when, coverage, metric, window.timezone)
            for part, when in ((current, window), (previous, before))
        )
        covered = coverage.within(window, *NEEDS[metric])
        days = days_between(covered.start, covered.end, window.timezone) if covered else 0.0
        comparable = coverage.complete(window, *NEEDS[metric]) and coverage.complete(before, *NEEDS[metric])
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
                level=levels.level(metric, now.value, days) if headline else None,
                previous=then.value,
                change=_change(unit, now.value, then.value) if comparable else None,
                rule=_rule(metric, statistic, current, days, covered is not None, link_hours),
            )
        )
    return made


def trend_of(
    project: str | None,
    timezone: str,
    buckets: Sequence[Bucket],
    parts: Mapping[int, Part],
    coverage: ProjectCoverage,
) -> list[TrendPoint]:
    """The headline of each metric, and the p90 of the lead time, in every bucket; a bucket without data is a gap."""
    points = []
    for metric, statistic, unit, compute in _STATISTICS:
        if (metric, statistic) not in _IN_TRENDS:
            continue
        for number, bucket in enumerate(buckets):
            estimate = _known(compute, parts[number], bucket, coverage, metric, timezone)
            partial = bucket.partial or not coverage.complete(bucket, *NEEDS[metric])
            points.append(
                TrendPoint(
                    project, metric, statistic, bucket.start, bucket.end, partial,
                    estimate.value, unit, estimate.n, estimate.low, estimate.high,
                )
            )  # fmt: skip
    return points


def _known(
    compute: _Compute, part: Part, window: Window | Bucket, coverage: ProjectCoverage, metric: Metric, timezone: str
) -> Estimate:
    """The estimate, without value and interval where no source covers the window: zero failures seen is not zero failures."""
    estimate = compute(part, window, coverage, timezone)
    if coverage.within(window, *NEEDS[metric]) is None:
        return replace(estimate, value=None, low=None, high=None)
    return estimate


def _change(unit: str, now: float | None, then: float | None) -> float | None:
    if now is None or then is None:
        return None
    if unit == "share":
        return now - then
    return now / then - 1 if then else None


def _rule(metric: Metric, statistic: Statistic, part: Part, days: float, covered: bool, link_hours: float) -> str:
    if not covered:
        return f"No data: no imported source covers {' and '.join(NEEDS[metric])} in this window."
    counts = part.counts
    if statistic == "per_week":
        return f"{counts.deployments} deployments in {days:.4g} covered days, per 7 days; exact Poisson interval."
    if statistic == "median_days_per_week":
        return "Median over the complete Monday weeks of the window of their days with a deployment; empty weeks count as 0."
    if metric == "change_fail_rate":
        return (
            f"{counts.failed} of {counts.deployments} deployments failed: {counts.failed_no_go} by their own decision, "
            f"{counts.failed_named} named by an incident, {counts.failed_revert} reverted later, {counts.failed_time} charged "
            f"by time (at most {link_hours:g} h before the incident); {counts.unsettled} are too young to be settled. "
            "Wilson interval."
        )
    if metric == "rework_rate":
        return (
            f"{counts.rework} of {counts.deployments} deployments were rework: decided so by their source, or one of the "
            f"{counts.rework_fix} that an incident names as its fix. Wilson interval."
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
        return f"{what} over the {part.lead.n} changes that the window's deployments shipped, from change to deployment{interval}."
    return (
        f"{what} over the {part.recovery.n} fixed incidents that began in the window and are charged to a deployment, from "
        f"begin to recovery{interval}; {part.open} more are still open."
    )
