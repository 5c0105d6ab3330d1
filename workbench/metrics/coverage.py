"""Which time the stored sources cover: what tells *no deployments* from *no data*."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
    """For each kind of fact the time from the first to the last moment that a source covers; absent: no source."""

    project: str
    facts: Mapping[Fact, Span]
    everywhere: Mapping[Fact, Span] | None = None
    """Of several projects together: the time that each of them covers; None for one project."""

    def within(self, window: Window | Bucket, *facts: Fact) -> Span | None:
        """The part of a window in which all these facts are known; None: no data."""
        return _within(self.facts, window, facts)

    def complete(self, window: Window | Bucket, *facts: Fact) -> bool:
        """Whether all these facts are known for the whole window, and in each project."""
        known = self.facts if self.everywhere is None else self.everywhere
        return all(
            fact in known and known[fact].start <= window.start and known[fact].end >= window.end for fact in facts
        )


def _within(known: Mapping[Fact, Span], window: Window | Bucket, facts: Iterable[Fact]) -> Span | None:
    start, end = window.start, window.end
    for fact in facts:
        if fact not in known:
            return None
        start, end = max(start, known[fact].start), min(end, known[fact].end)
    return Span(start, end) if start < end else None


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
    """The coverage of several projects' pooled rows: known is what any knows, complete what all of them know."""
    some: dict[Fact, Span] = {}
    everywhere: dict[Fact, Span] = {}
    every = list(coverages)
    for fact in _KNOWN_BY:
        spans = [coverage.facts[fact] for coverage in every if fact in coverage.facts]
        if spans:
            some[fact] = Span(min(span.start for span in spans), max(span.end for span in spans))
        if len(spans) == len(every):
            everywhere[fact] = Span(max(span.start for span in spans), min(span.end for span in spans))
    return ProjectCoverage("", some, everywhere)


def days_between(start: datetime, end: datetime, timezone: str) -> float:
    """Elapsed local days: each counts 1, whatever its length in hours, and a cut one the share that is covered."""
    return _position(end, timezone) - _position(start, timezone)


@lru_cache(maxsize=4096)  # many projects ask for the same edges
def _position(moment: datetime, timezone: str) -> float:
    day = moment.astimezone(zone(timezone)).date()
    start, end = local_midnight(day, timezone), local_midnight(day + timedelta(days=1), timezone)
    elapsed = moment.astimezone(UTC) - start.astimezone(UTC)
    return day.toordinal() + elapsed / (end.astimezone(UTC) - start.astimezone(UTC))
