"""What is known when: no data is not zero."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from workbench.metrics.coverage import ProjectCoverage, days_between, pooled, read_coverage
from workbench.model import Window


def record(project: str, source: str, start: str | None, end: str | None, knows: int = 0) -> dict[str, Any]:
    times = {"covered_from": start, "covered_to": end}
    return {
        "project": project,
        "source": source,
        "knows_failures": knows,
        **{name: None if text is None else datetime.fromisoformat(text) for name, text in times.items()},
    }


def read(*records: dict[str, Any]) -> dict[str, ProjectCoverage]:
    return read_coverage(records, ("a", "b"))


JANUARY = Window.between(date(2025, 1, 1), date(2025, 2, 1))


def test_git_knows_all_three_kinds() -> None:
    covered = read(record("a", "git", "2025-01-01", "2025-02-01"))["a"]
    assert all(covered.complete(JANUARY, fact) for fact in ("deployments", "changes", "incidents"))


def test_deployments_file_knows_failures_only_if_it_says_so() -> None:
    silent = read(record("a", "deployments", "2025-01-01", "2025-02-01"))["a"]
    assert set(silent.facts) == {"deployments"}
    told = read(record("a", "deployments", "2025-01-01", "2025-02-01", knows=1))["a"]
    assert set(told.facts) == {"deployments", "incidents"}


def test_project_without_imports_knows_nothing() -> None:
    assert read()["a"].within(JANUARY, "deployments") is None


def test_needing_two_facts_takes_what_both_cover() -> None:
    covered = read(
        record("a", "deployments", "2025-01-01", "2025-01-20"), record("a", "incidents", "2025-01-10", "2025-03-01")
    )["a"]
    part = covered.within(JANUARY, "deployments", "incidents")
    assert part is not None
    assert (part.start, part.end) == (datetime(2025, 1, 10, tzinfo=UTC), datetime(2025, 1, 20, tzinfo=UTC))
    assert not covered.complete(JANUARY, "deployments", "incidents")
    assert covered.within(JANUARY, "deployments", "changes") is None


@pytest.mark.parametrize(
    ("start", "end", "complete"),
    [
        ("2025-01-01", "2025-02-01", True),
        ("2025-01-01 00:00:00.000001", "2025-02-01", False),
        ("2025-01-01", "2025-01-31 23:59:59.999999", False),
    ],
)
def test_complete_is_to_the_microsecond(start: str, end: str, complete: bool) -> None:
    assert read(record("a", "git", start, end))["a"].complete(JANUARY, "deployments") is complete


def test_touching_is_not_covering() -> None:
    assert read(record("a", "git", "2024-12-01", "2025-01-01"))["a"].within(JANUARY, "deployments") is None


def test_import_without_a_time_covers_nothing() -> None:
    assert read(record("a", "incidents", None, None))["a"].facts == {}


def test_pooled_is_known_where_one_project_is_and_complete_where_all_are() -> None:
    both = pooled(
        read(record("a", "git", "2024-01-01", "2025-06-01"), record("b", "git", "2025-01-15", "2025-06-01")).values()
    )
    part = both.within(JANUARY, "deployments")
    assert part is not None
    assert part.start == JANUARY.start
    assert not both.complete(JANUARY, "deployments")
    assert both.complete(Window.between(date(2025, 2, 1), date(2025, 3, 1)), "deployments")


def test_pooled_is_never_complete_with_a_project_that_knows_nothing() -> None:
    both = pooled(read(record("a", "git", "2024-01-01", "2025-06-01")).values())
    assert not both.complete(JANUARY, "deployments")


@pytest.mark.parametrize(
    ("start", "end", "zone", "days"),
    [
        ("2025-03-29 23:00", "2025-03-30 22:00", "Europe/Berlin", 1),  # 23 hours are one day
        ("2025-10-25 22:00", "2025-10-26 23:00", "Europe/Berlin", 1),  # 25 hours are one day
        ("2025-03-29 23:00", "2025-03-30 10:30", "Europe/Berlin", 0.5),  # half of 23 hours
        ("2025-01-01 00:00", "2025-01-08 06:00", "UTC", 7.25),
    ],
)
def test_a_local_day_counts_one_whatever_its_length(start: str, end: str, zone: str, days: float) -> None:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    assert days_between(first, last, zone) == pytest.approx(days, abs=1e-9)
