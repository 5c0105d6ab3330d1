"""The way in from a notebook: connect(), questions, and what they say when they make no sense."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

import workbench
from tests.facts import NOW, deployment, incident, load_rows, shipped
from workbench.errors import ConfigurationError, ParameterError, QueryError, StoreError
from workbench.model import window_of

ASKED = datetime(2025, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> workbench.Bench:
    """Two projects in a folder of their own."""
    bench = workbench.connect(data=tmp_path)
    rows = [
        shipped("c1", "d1", "2025-03-10 10:00", 3600, project="shop"),
        shipped("c2", "d2", "2025-03-20 10:00", 7200, project="shop"),
        deployment("x", "2025-03-15", project="till"),
        incident("i", "2025-03-20 12:00", 60, project="shop"),
    ]
    load_rows(bench.metrics, rows, tmp_path, ("2025-01-01", "2025-05-01"))
    return bench


def test_public_names() -> None:
    assert workbench.__all__ == ["Bench", "Dora", "Estimate", "Figure", "Window", "WorkbenchError", "connect"]
    assert all(getattr(workbench, name) for name in workbench.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        workbench.nothing  # noqa: B018


def test_figures_are_a_frame_with_the_agreed_columns(bench: workbench.Bench) -> None:
    figures = bench.dora("shop", days=30, now=ASKED).figures
    columns = "project metric statistic value unit n low high level previous change rule"
    assert list(figures.columns) == columns.split()
    assert len(figures) == 10
    lead = figures[(figures.metric == "lead_time") & (figures.statistic == "median")]
    assert lead.value.to_list() == [5400.0]


def test_all_projects_are_asked_by_default_and_each_has_its_figures(bench: workbench.Bench) -> None:
    dora = bench.dora(days=30, now=ASKED, pooled=True)
    assert dora.projects == ("shop", "till")
    assert dora.figures.project.fillna("pooled").value_counts().to_dict() == {"shop": 10, "till": 10, "pooled": 10}


def test_projects_are_listed_with_their_counts(bench: workbench.Bench) -> None:
    assert bench.projects().set_index("project").deployments.to_dict() == {"shop": 2, "till": 1}


def test_trend_and_rows_are_frames(bench: workbench.Bench) -> None:
    dora = bench.dora("shop", start="2025-03-10", end="2025-03-24", now=NOW)
    weekly = dora.trend()
    assert weekly[weekly.metric == "deployment_frequency"].value.to_list() == [1.0, 1.0]
    assert len(dora.trend("day")) == 14 * 6
    assert dora.rows("lead_time").change.to_list() == ["c2", "c1"]
    assert dora.rows("lead_time", page=2, size=1).change.to_list() == ["c1"]


def test_any_query_can_be_asked(bench: workbench.Bench) -> None:
    answer = bench.query("coverage", projects=["till"])
    assert isinstance(answer, pd.DataFrame)
    assert answer.source.to_list() == ["deployments"]
    with pytest.raises(QueryError, match="no query 'nothing'"):
        bench.query("nothing")


def test_statements_tell_what_was_asked(bench: workbench.Bench) -> None:
    statements = bench.dora("shop", days=30, now=ASKED).statements
    assert "deployment_counts" in set(statements["query"])
    assert (statements.seconds >= 0).all()
    assert statements.sql.str.contains("SELECT").all()


def test_same_question_has_the_same_answer(bench: workbench.Bench) -> None:
    first, second = (bench.dora(days=30, now=ASKED).as_json() for _ in range(2))
    assert first == second


def test_saved_figures_are_the_same_numbers(bench: workbench.Bench, tmp_path: Path) -> None:
    dora = bench.dora("shop", days=30, now=ASKED)
    path = dora.save(tmp_path)
    assert path is not None
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(dora.as_json()))
    assert not list(tmp_path.glob("*.tmp"))


def test_settings_choose_zone_and_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_TIMEZONE", "Europe/Berlin")
    bench = workbench.connect(data=tmp_path, edition="2023")
    load_rows(bench.metrics, [deployment("d", "2025-03-10")], tmp_path, ("2025-01-01", "2025-05-01"))
    dora = bench.dora(days=30, now=ASKED)
    assert (dora.window.timezone, dora.window.utc[1]) == ("Europe/Berlin", datetime(2025, 3, 30, 22))
    assert dora.figures.level.to_list()[0] == "medium"


def test_impossible_questions_say_what_is_possible(bench: workbench.Bench) -> None:
    for given, says in [
        ({"project": "nobody"}, "There are: shop, till"),
        ({"project": []}, "Name one"),
        ({"days": 0}, "between 1 and"),
        ({"days": 7, "start": "2025-01-01"}, "either days, or start and end"),
        ({"start": "2025-01-01"}, "either days, or start and end"),
        ({"start": "yesterday", "end": "2025-01-01"}, "'yesterday' is no date"),
        ({"start": "2025-02-30", "end": "2025-03-01"}, "no date"),
        ({"start": "2025-03-01", "end": "2025-03-01"}, "empty"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"bucket": "year"}, "day, week, month"),
    ]:
        with pytest.raises(ParameterError, match=says):
            bench.dora(**given)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="edition '1999'"):
        _ = bench.dora(edition="1999").figures


def test_empty_store_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="workbench import git"):
        workbench.connect(data=tmp_path).dora()
    with pytest.raises(ConfigurationError, match="link_hours"):
        workbench.connect(link_hours=-1)


@pytest.mark.parametrize(
    ("start", "end", "zone", "utc"),
    [
        ("2025-03-30", "2025-03-31", "Europe/Berlin", (datetime(2025, 3, 29, 23), datetime(2025, 3, 30, 22))),
        (date(2025, 1, 1), "2025-01-01T06:00", "UTC", (datetime(2025, 1, 1), datetime(2025, 1, 1, 6))),
        ("2025-01-01T00:00+05:30", "2025-01-02", "UTC", (datetime(2024, 12, 31, 18, 30), datetime(2025, 1, 2))),
    ],
)
def test_windows_are_read_from_dates_and_times(
    start: date | str, end: date | str, zone: str, utc: tuple[datetime, datetime]
) -> None:
    assert window_of(None, start, end, zone).utc == utc


def test_long_windows_default_to_ninety_days() -> None:
    assert window_of(None, None, None, "UTC", ASKED).days == 90
