"""Which time the stored sources cover: what tells *no deployments* from *no data*."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from workbench.model import Bucket, Window, local_midnight, zone

Fact = Literal["deployments", "changes", "incidents"]

_KNOWN_BY: Final[dict[Fact, frozenset[str]]] = {
    "deployments": frozenset({"git", "deployments", "export"}),
    "changes": frozenset({"git", "changes", "export"}),
    "incidents": frozenset({"git", "incidents", "export"}),
}


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end), aware."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class ProjectCoverage:
    """For each kind of fact the time from the first to the last moment that a source of it covers; absent: no source."""

    project: str
    facts: Mapping[Fact, Span]

    def within(self, window: Window | Bucket, *facts: Fact) -> Span | None:
        """The part of a window in which all these facts are known; None: no data."""
        start, end = window.start, window.end
        for fact in facts:
            if fact not in self.facts:
                return None
            start, end = max(start, self.facts[fact].start), min(end, self.facts[fact].end)
        return Span(start, end) if start < end else None

    def complete(self, window: Window | Bucket, *facts: Fact) -> bool:
        """Whether all these facts are known for the whole window."""
        part = self.within(window, *facts)
        return part is not None and part.start <= window.start and part.end >= window.end


def read_coverage(rows: Iterable[Mapping[str, Any]], projects: Iterable[str]) -> dict[str, ProjectCoverage]:
    """From the answer of queries/coverage.sql. A deployments file that says which ones failed knows incidents, too."""
    facts: dict[str, dict[Fact, Span]] = {project: {} for project in projects}
    for row in rows:
        if row["covered_from"] is None:
            continue
        span = Span(row["covered_from"].replace(tzinfo=UTC), row["covered_to"].replace(tzinfo=UTC))
        for fact, sources in _KNOWN_BY.items():
            if row["source"] in sources or (fact == "incidents" and row["knows_failures"]):
                known = facts[row["project"]].get(fact, span)
                facts[row["project"]][fact] = Span(min(known.start, span.start), max(known.end, span.end))
    return {project: ProjectCoverage(project, spans) for project, spans in facts.items()}


def pooled(coverages: Iterable[ProjectCoverage]) -> ProjectCoverage:
    """The coverage of several projects' pooled rows: a fact is known where any of them knows it."""
    facts: dict[Fact, Span] = {}
    for coverage in coverages:
        for fact, span in coverage.facts.items():
            known = facts.get(fact, span)
            facts[fact] = Span(min(known.start, span.start), max(known.end, span.end))
    return ProjectCoverage("", facts)


def days_between(start: datetime, end: datetime, timezone: str) -> float:
    """Elapsed local days: each day counts 1, whatever its length in hours; the first and last by the share that is covered."""
    return _position(end, timezone) - _position(start, timezone)


def _position(moment: datetime, timezone: str) -> float:
    day = moment.astimezone(zone(timezone)).date()
    start, end = local_midnight(day, timezone), local_midnight(day + timedelta(days=1), timezone)
    elapsed = moment.astimezone(UTC) - start.astimezone(UTC)
    return day.toordinal() + elapsed / (end.astimezone(UTC) - start.astimezone(UTC))
