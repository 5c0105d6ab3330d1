"""What a measurement says where data is missing, partial, or of several projects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.facts import NOW, PROJECT, deployment, extract, incident, load, load_rows, shipped
from workbench.errors import ParameterError
from workbench.metrics.dora import Measurement, Question, as_json, measure, measure_trend, measure_window
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.quality import inspect
from workbench.model import Window

MARCH = Window.between(date(2025, 3, 3), date(2025, 3, 31))
ALL = ("2025-01-01", "2025-05-01")


def ask(store: EmbeddedStore, *projects: str, window: Window = MARCH, **more: Any) -> Measurement:
    return measure(store, Question(projects or (PROJECT,), window, now=NOW, **more))


def value(answer: Measurement, metric: str, statistic: str, project: str | None = PROJECT) -> Any:
    (found,) = [
        one for one in answer.figures if (one.project, one.metric, one.statistic) == (project, metric, statistic)
    ]
    return found


def test_no_data_is_not_zero(store: EmbeddedStore, folder: Path) -> None:
    """Deployments are known, incidents are not: no failure was seen, and nobody looked."""
    load(store, [extract("deployments", [deployment("d", "2025-03-04")], ALL)], folder)
    answer = ask(store)
    assert value(answer, "deployment_frequency", "per_week").value == 0.25
    for metric, statistic in (("change_fail_rate", "rate"), ("rework_rate", "rate"), ("recovery_time", "median")):
        found = value(answer, metric, statistic)
        assert (found.value, found.low, found.high, found.level) == (None, None, None, None)
        assert found.rule.startswith("No data: no imported source covers deployments and incidents")


def test_known_and_nothing_is_zero(store: EmbeddedStore, folder: Path) -> None:
    load(store, [extract("git", [], ALL)], folder)
    answer = ask(store)
    found = value(answer, "deployment_frequency", "per_week")
    assert (found.value, found.n, found.low, found.level) == (0.0, 0, 0.0, "0/10")
    assert value(answer, "deployment_frequency", "median_days_per_week").value == 0.0
    assert value(answer, "change_fail_rate", "rate").value is None  # nothing could fail


def test_partly_covered_window_counts_covered_days_and_has_no_change(store: EmbeddedStore, folder: Path) -> None:
    load(store, [extract("git", [shipped("c", "d", "2025-03-20", 60)], ("2025-03-17", "2025-05-01"))], folder)
    found = value(ask(store), "deployment_frequency", "per_week")
    assert (found.value, found.level, found.change) == (0.5, None, None)  # 1 in 14 days; a level needs 28
    points = [one for one in ask(store).trend if one.metric == "deployment_frequency"]
    assert [(one.value, one.partial) for one in points] == [(None, True), (None, True), (1.0, False), (0.0, False)]


def test_rates_are_about_the_deployments_whose_failures_are_known(store: EmbeddedStore, folder: Path) -> None:
    """28 daily deployments; incidents are known for the first two days only, and one of those deployments failed."""
    daily = [deployment(f"d{day:02}", f"2025-03-{day:02} 09:00") for day in range(3, 31)]
    known = extract("incidents", [incident("i", "2025-03-03 10:00", 60, "d03")], ("2025-03-03", "2025-03-05"))
    load(store, [extract("deployments", daily, ALL), known], folder)
    answer = ask(store, pooled=True)
    for project in (PROJECT, None):
        found = value(answer, "change_fail_rate", "rate", project)
        assert (found.value, found.n, found.level, found.change) == (0.5, 2, None, None)
        assert found.rule.startswith("1 of 2 deployments failed")
        assert value(answer, "deployment_frequency", "per_week", project).n == 28
    points = [one for one in answer.trend if one.metric == "change_fail_rate" and one.project == PROJECT]
    assert [(one.value, one.n) for one in points] == [(0.5, 2), (None, 0), (None, 0), (None, 0)]


def test_pooled_rates_leave_out_projects_without_incidents(store: EmbeddedStore, folder: Path) -> None:
    other = extract("deployments", [deployment("x", "2025-03-04", project="other")], ALL, projects=["other"])
    failed = extract("incidents", [incident("i", "2025-03-05", 60, "d")], ALL)
    load(store, [extract("deployments", [deployment("d", "2025-03-04")], ALL), failed, other], folder)
    answer = ask(store, PROJECT, "other", pooled=True)
    assert value(answer, "change_fail_rate", "rate", "other").value is None
    found = value(answer, "change_fail_rate", "rate", None)
    assert (found.value, found.n) == (1.0, 1)


def test_change_is_null_where_the_window_before_is_not_covered(store: EmbeddedStore, folder: Path) -> None:
    rows = [shipped("c", "d", "2025-03-20", 60), shipped("e", "f", "2025-02-20", 60)]
    load(store, [extract("git", rows, ("2025-02-03", "2025-05-01"))], folder)
    assert value(ask(store), "deployment_frequency", "per_week").change == 0.0
    load(store, [extract("git", rows, ("2025-02-03 00:00:00.000001", "2025-05-01"))], folder)
    found = value(ask(store), "deployment_frequency", "per_week")
    assert (found.change, found.value) == (None, 0.25)
    assert found.previous == pytest.approx(0.25)


def test_start_is_inclusive_and_end_exclusive(store: EmbeddedStore, folder: Path) -> None:
    times = ["2025-03-02 23:59:59.999999", "2025-03-03", "2025-03-30 23:59:59.999999", "2025-03-31"]
    load_rows(store, [deployment(f"d{n}", when) for n, when in enumerate(times)], folder, ALL)
    assert value(ask(store), "deployment_frequency", "per_week").n == 2


def test_window_of_dst_counts_local_days(store: EmbeddedStore, folder: Path) -> None:
    """28 local days of Berlin with the 23-hour day in them are 28 days."""
    window = Window.between(date(2025, 3, 10), date(2025, 4, 7), "Europe/Berlin")
    load_rows(store, [deployment("d", "2025-04-06 21:59"), deployment("e", "2025-04-06 22:00")], folder, ALL)
    found = value(ask(store, window=window), "deployment_frequency", "per_week")
    assert (found.n, found.value, found.level) == (1, 0.25, "4/10")


def test_several_incidents_on_one_deployment_are_one_failure(store: EmbeddedStore, folder: Path) -> None:
    """Also one that begins after the window."""
    rows = [deployment("d", "2025-03-04"), deployment("e", "2025-03-05")]
    rows += [
        incident("i", "2025-03-06", 60, "d"),
        incident("j", "2025-03-07", names="d"),
        incident("k", "2025-04-20", names="d"),
    ]
    load_rows(store, rows, folder, ALL)
    answer = ask(store)
    assert value(answer, "change_fail_rate", "rate").value == 0.5
    assert value(answer, "recovery_time", "median").n == 1
    assert answer.incidents.open == 1


def test_young_deployments_are_said_to_be_unsettled(store: EmbeddedStore, folder: Path) -> None:
    load_rows(store, [deployment("d", "2025-03-23 23:59"), deployment("e", "2025-03-24")], folder, ALL)
    question = Question((PROJECT,), MARCH, now=datetime(2025, 3, 31, tzinfo=UTC))  # 168 h after the 24th
    load(store, [extract("incidents", [], ALL)], folder)
    assert "too young to be settled: 1." in value(measure(store, question), "change_fail_rate", "rate").rule


def test_pooled_figures_come_from_the_pooled_rows(store: EmbeddedStore, folder: Path) -> None:
    """a: 100, 300, 500 s; b: 10 s. Pooled median (100 + 300) / 2 = 200, not the mean of 300 and 10."""
    rows = [shipped(f"c{n}", f"d{n}", f"2025-03-1{n}", 100 + 200 * n, project="a") for n in range(3)]
    load(store, [extract("git", [*rows, shipped("c", "d0", "2025-03-10", 10, project="b")], ALL)], folder)
    answer = ask(store, "a", "b", pooled=True)
    medians = {one: value(answer, "lead_time", "median", one).value for one in ("a", "b", None)}
    assert medians == {"a": 300, "b": 10, None: 200}
    assert value(answer, "deployment_frequency", "per_week", None).value == 1.0
    # the 10th (both), 11th and 12th are one week's days
    assert value(answer, "deployment_frequency", "median_days_per_week", None).value == 0.0
    assert {one.project for one in answer.trend} == {"a", "b", None}


def test_pooled_change_needs_every_project(store: EmbeddedStore, folder: Path) -> None:
    load(store, [extract("git", [shipped("c", "d", "2025-03-10", 10, project="a")], ALL)], folder)
    late = extract("deployments", [deployment("d", "2025-03-10", project="b")], ("2025-03-01", "2025-05-01"))
    load(store, [late], folder)
    answer = ask(store, "a", "b", pooled=True)
    assert value(answer, "deployment_frequency", "per_week", None).change is None


def test_questions_that_make_no_sense_are_refused(store: EmbeddedStore, folder: Path) -> None:
    load_rows(store, [deployment("d", "2025-03-04")], folder)
    with pytest.raises(ParameterError, match="No project"):
        measure(store, Question((), MARCH))
    with pytest.raises(ParameterError, match="edition '1999'"):
        ask(store, edition="1999")


def test_trend_in_another_bucket_has_the_same_total(store: EmbeddedStore, folder: Path) -> None:
    load_rows(store, [deployment(f"d{n}", f"2025-03-{4 + 2 * n:02d}") for n in range(10)], folder, ALL)
    for unit in ("day", "week", "month"):
        points = measure_trend(store, Question((PROJECT,), MARCH, now=NOW), unit)
        assert sum(one.n for one in points if one.metric == "deployment_frequency") == 10


def test_window_alone_has_the_same_figures_without_a_change(store: EmbeddedStore, folder: Path) -> None:
    rows = [deployment(f"d{n}", f"2025-03-{4 + 2 * n:02d}") for n in range(10)]
    load_rows(store, [*rows, deployment("before", "2025-02-11"), incident("i", "2025-03-06T01:00")], folder, ALL)
    question = Question((PROJECT,), MARCH, now=NOW)
    whole = measure(store, question).figures
    assert any(figure.change is not None for figure in whole)
    alone = measure_window(store, question)
    assert alone == tuple(replace(figure, previous=None, change=None) for figure in whole)


def test_one_round_trip_a_question(store: EmbeddedStore, folder: Path) -> None:
    load_rows(store, [deployment("d", "2025-03-04")], folder)
    asked = [one.query for one in ask(store).asked]
    assert len(asked) == len(set(asked)) == 6


def test_quality_tells_what_is_missing(store: EmbeddedStore, folder: Path) -> None:
    rows = [
        shipped("c", "d", "2025-03-04", None, metadata='{"no_lead_time": "first"}'),
        shipped("e", "f", "1971-01-01", 5),
        shipped("g", "h", "2030-01-01", 5),
    ]
    load(store, [extract("git", rows, ("2025-03-10", "2025-05-01"))], folder, link_hours=24)
    question = Question((PROJECT,), MARCH, now=NOW)
    found = {one.check: one for one in inspect(store, question, measure(store, question).coverage).findings}
    assert set(found) == {
        "partly_covered_deployments", "partly_covered_changes", "partly_covered_incidents", "no_lead_time_first",
        "future_rows", "ancient_rows", "link_hours_changed",
    }  # fmt: skip
    assert "21.0 of 28 days" in found["partly_covered_deployments"].text
    assert found["future_rows"].count == found["ancient_rows"].count == 1


def test_json_has_the_agreed_form(store: EmbeddedStore, folder: Path) -> None:
    load_rows(store, [deployment("d", "2025-03-04")], folder, ALL)
    found = as_json(MARCH, ask(store), {"findings": []})
    assert list(found) == ["format", "window", "figures", "trends", "incidents", "quality"]
    assert found["window"] == {
        "start": "2025-03-03T00:00:00+00:00",
        "end": "2025-03-31T00:00:00+00:00",
        "timezone": "UTC",
    }
    names = "project metric statistic value unit n low high level previous change rule"
    assert list(found["figures"][0]) == names.split()
    assert found["incidents"] == {"open": 0, "oldest_seconds": None, "unlinked": 0}
