"""What the charts draw: the numbers of the trend and the rows, units, gaps, and outside text that stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import dora_answers as answers
from tests import facts
from workbench.app import Dora
from workbench.charts import CHARTS, theme
from workbench.errors import ParameterError
from workbench.model import HEADLINES, METRICS, Metric

SINGLE = [name for name in CHARTS if name != "comparison"]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Dora:
    return answers.ask(answers.store(tmp_path_factory.mktemp("month"), answers.month(), answers.names()))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the month under two names, and a project of which nothing but its coverage is known."""
    rows = [*answers.month(), *answers.month("till")]
    return answers.store(tmp_path_factory.mktemp("two"), rows, projects=["quiet"])


def drawn(answer: Dora, name: str) -> dict[str, Any]:
    """The chart as the page gets it."""
    chart: dict[str, Any] = json.loads(answer.chart(name).to_json())
    return chart


def axes(chart: dict[str, Any], letter: str) -> Iterator[dict[str, Any]]:
    """Its axes, from x or y on."""
    return (axis for name, axis in chart["layout"].items() if re.fullmatch(rf"{letter}axis\d*", name))


def texts(value: Any) -> Iterator[str]:
    """Every text in a chart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


@pytest.mark.parametrize("metric", METRICS)
def test_a_trend_draws_the_values_of_the_trend_with_gaps(month: Dora, metric: Metric) -> None:
    points = [p for p in month.measurement.trend if (p.metric, p.statistic) == (metric, HEADLINES[metric])]
    trace = drawn(month, metric)["data"][0]
    assert trace["y"] == [point.value for point in points]
    if trace["type"] == "scatter":
        assert trace["connectgaps"] is False


def test_a_week_without_deployments_is_zero_deployments_but_no_lead_time(month: Dora) -> None:
    assert drawn(month, "deployment_frequency")["data"][0]["y"] == [2.0, 0.0, 3.0, 1.0]
    assert drawn(month, "lead_time")["data"][0]["y"] == [7200.0, None, 28800.0, 57600.0]


def test_lead_times_come_with_their_90th_percentile(month: Dora) -> None:
    tail = drawn(month, "lead_time")["data"][1]
    assert tail["name"] == "90th percentile"
    assert tail["y"] == [14400.0, None, 1728000.0, 57600.0]


def test_intervals_reach_from_low_to_high(month: Dora) -> None:
    trace = drawn(month, "change_fail_rate")["data"][0]
    points = [point for point in month.measurement.trend if point.metric == "change_fail_rate"]
    for value, up, down, point in zip(
        trace["y"], trace["error_y"]["array"], trace["error_y"]["arrayminus"], points, strict=True
    ):
        if value is None:
            assert (up, down) == (None, None)
        else:
            assert (value - down, value + up) == (pytest.approx(point.low), pytest.approx(point.high))


def test_points_stand_in_the_middle_of_their_week(month: Dora) -> None:
    assert drawn(month, "lead_time")["data"][0]["x"][0] == "2026-03-05T12:00:00"


def test_the_time_axis_is_the_whole_window_in_the_zone_of_the_report(two: Path) -> None:
    axis = drawn(answers.ask(two, "shop", timezone="Asia/Tokyo"), "lead_time")["layout"]["xaxis"]
    assert axis["range"] == ["2026-03-02T00:00:00", "2026-03-30T00:00:00"]
    assert axis["title"]["text"] == "Date (Asia/Tokyo)"


def test_a_cut_bucket_is_hollow_or_pale_and_says_so(two: Path) -> None:
    cut = answers.ask(two, "shop", start="2026-03-03", end="2026-03-25")
    line, bar = drawn(cut, "change_fail_rate"), drawn(cut, "deployment_frequency")
    assert line["data"][0]["marker"]["symbol"] == ["circle-open", "circle", "circle", "circle-open"]
    assert bar["data"][0]["marker"]["opacity"] == [0.25, 0.65, 0.65, 0.25]
    assert "hollow: incomplete week" in line["layout"]["title"]["subtitle"]["text"]
    assert "pale: incomplete week" in bar["layout"]["title"]["subtitle"]["text"]
    assert "(incomplete)" in line["data"][0]["hovertext"][0]
    assert line["data"][0]["error_y"]["array"][0] is None


def test_hovers_say_days_value_interval_and_count(month: Dora) -> None:
    assert drawn(month, "change_fail_rate")["data"][0]["hovertext"] == [
        "<b>2026-03-02 to 2026-03-08</b><br>0 %<br>95 % interval: 0–65.8 %<br>2 deployments",
        "<b>2026-03-09 to 2026-03-15</b><br>no data<br>0 deployments",
        "<b>2026-03-16 to 2026-03-22</b><br>33.3 %<br>95 % interval: 6.1–79.2 %<br>3 deployments",
        "<b>2026-03-23 to 2026-03-29</b><br>100 %<br>95 % interval: 20.7–100 %<br>1 deployment",
    ]


@pytest.mark.parametrize("metric", ["change_fail_rate", "rework_rate"])
def test_rates_are_drawn_on_the_whole_of_0_to_100_percent(month: Dora, metric: str) -> None:
    axis = drawn(month, metric)["layout"]["yaxis"]
    assert axis["range"][0] == 0
    assert axis["range"][1] >= 1
    assert axis["tickformat"] == ".0%"


def test_counts_start_at_0(month: Dora) -> None:
    assert drawn(month, "deployment_frequency")["layout"]["yaxis"]["range"][0] == 0


def test_durations_that_differ_widely_get_a_log_axis_that_says_so(month: Dora) -> None:
    axis = drawn(month, "lead_time")["layout"]["yaxis"]
    assert axis["type"] == "log"
    assert axis["title"]["text"] == "Time (h, d, log scale)"
    assert axis["ticktext"] == ["6 h", "1 d", "7 d", "30 d"]


def test_a_duration_of_0_is_not_lost_on_a_log_axis() -> None:
    assert theme.duration_axis("Time", [0.0, 10.0, 100_000.0])["range"][0] == 0


@pytest.mark.parametrize(
    ("longest", "title", "labels"),
    [
        (50.0, "Time (seconds)", ["0", "15", "30", "45"]),
        (5000.0, "Time (minutes)", ["0", "15", "30", "45", "60", "75", "90"]),
        (40_000.0, "Time (hours)", ["0", "2", "4", "6", "8", "10", "12"]),
        (800_000.0, "Time (days)", ["0", "2", "4", "6", "8", "10"]),
    ],
)
def test_ticks_of_durations_are_round_numbers_of_one_unit(longest: float, title: str, labels: list[str]) -> None:
    axis = theme.duration_axis("Time", [longest / 2, longest])
    assert (axis["title"]["text"], axis["ticktext"]) == (title, labels)


@pytest.mark.parametrize("name", SINGLE)
def test_axes_of_numbers_name_their_unit(month: Dora, name: str) -> None:
    chart = drawn(month, name)
    for axis in [*axes(chart, "x"), *axes(chart, "y")]:
        assert re.search(r"\(.+\)|per week", axis["title"]["text"]), axis["title"]


def test_the_distribution_counts_every_change_once(month: Dora) -> None:
    chart = drawn(month, "lead_time_distribution")
    assert sum(chart["data"][0]["y"]) == 7
    hovers = dict(zip(chart["data"][0]["hovertext"], chart["data"][0]["y"], strict=True))
    assert hovers["16 min to 32 min<br>1 change"] == 1
    labels = [note["text"] for note in chart["layout"]["annotations"]]
    assert labels == ["median: 4 h", "90th percentile, dashed: 20 d"]
    assert [10 ** line["x0"] for line in chart["layout"]["shapes"]] == pytest.approx([14400, 1728000], rel=1e-5)


def test_a_change_without_any_wait_is_in_the_distribution(tmp_path: Path) -> None:
    rows = [facts.shipped(f"c{n}", f"d{n}", f"2026-03-0{n + 2}T10:00", 0) for n in range(2)]
    chart = drawn(answers.ask(answers.store(tmp_path, rows)), "lead_time_distribution")
    assert chart["data"][0]["y"] == [2]
    assert chart["data"][0]["hovertext"] == ["under 1 min<br>2 changes"]


def test_the_timeline_has_every_deployment_by_what_came_of_it(month: Dora) -> None:
    points = {
        trace["name"]: trace for trace in drawn(month, "deployment_timeline")["data"] if trace["mode"] == "markers"
    }
    assert list(points) == ["deployed (3)", "rework (1)", "failed (2)"]
    assert sorted(points["failed (2)"]["x"]) == ["2026-03-19T18:00:00", "2026-03-24T09:00:00"]
    assert points["rework (1)"]["y"] == [6.0]
    looks = [(trace["marker"]["symbol"], trace["marker"]["color"]) for trace in points.values()]
    assert len({symbol for symbol, _ in looks}) == len({colour for _, colour in looks}) == 3


def test_lines_lead_to_the_recovery_and_are_dotted_to_the_windows_end_while_open(month: Dora) -> None:
    lines = {
        trace["line"]["dash"]: trace["x"]
        for trace in drawn(month, "deployment_timeline")["data"]
        if trace["mode"] == "lines"
    }
    assert lines["solid"] == ["2026-03-19T18:00:00", "2026-03-19T21:00:00", None]
    assert lines["dot"] == ["2026-03-24T09:00:00", "2026-03-30T00:00:00", None]


def test_a_timeline_that_is_cut_says_so(month: Dora, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.charts.timeline.MOST", 4)
    chart = drawn(month, "deployment_timeline")
    assert sum(len(trace["x"]) for trace in chart["data"] if trace["mode"] == "markers") == 4
    assert "4 of 6 deployments: the newest" in chart["layout"]["title"]["subtitle"]["text"]


def test_several_projects_are_lines_of_their_own_and_rows_of_the_timeline(two: Path) -> None:
    answer = answers.ask(two)
    trend, timeline = drawn(answer, "change_fail_rate"), drawn(answer, "deployment_timeline")
    assert [trace["name"] for trace in trend["data"]] == ["quiet", "shop", "till"]
    assert trend["data"][0]["y"] == [None] * 4
    assert timeline["layout"]["yaxis"]["ticktext"] == ["quiet", "shop", "till"]


def test_pooled_projects_are_one_line(two: Path) -> None:
    answer = answers.ask(two, pooled=True)
    assert drawn(answer, "deployment_frequency")["data"][0]["y"] == [4.0, 0.0, 6.0, 2.0]
    assert sum(drawn(answer, "lead_time_distribution")["data"][0]["y"]) == 14


def test_the_busiest_projects_are_chosen_and_named_as_a_choice(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.charts.trends.MOST_SERIES", 2)
    chart = drawn(answers.ask(two), "change_fail_rate")
    assert [trace["name"] for trace in chart["data"]] == ["shop", "till"]
    assert "the 2 of 3 projects with the most deployments" in chart["layout"]["title"]["subtitle"]["text"]


def test_the_comparison_has_a_panel_a_metric_and_a_dot_a_project(two: Path) -> None:
    chart = drawn(answers.ask(two, pooled=True), "comparison")
    assert len(chart["data"]) == 5
    assert chart["data"][2]["x"] == [None, pytest.approx(1 / 3), pytest.approx(1 / 3), pytest.approx(1 / 3)]
    assert chart["layout"]["yaxis3"]["ticktext"] == ["quiet", "shop", "till", "<b>all together</b>"]
    assert [axis["title"]["text"] for axis in axes(chart, "x")][2] == "Change fail rate (%)"


def test_a_comparison_needs_several_projects(month: Dora) -> None:
    with pytest.raises(ParameterError, match="several projects"):
        month.chart("comparison")


@pytest.mark.parametrize("name", SINGLE)
def test_nothing_to_draw_is_said_in_words(two: Path, name: str) -> None:
    chart = drawn(answers.ask(two, "quiet"), name)
    if name == "deployment_frequency":  # no deployments in covered time are 0 deployments
        assert chart["data"][0]["y"] == [0.0] * 4
    else:
        assert "data" not in chart or chart["data"] == []
        assert len(chart["layout"]["annotations"][0]["text"]) > 20


@pytest.mark.parametrize("name", CHARTS)
def test_outside_text_is_never_markup(tmp_path: Path, name: str) -> None:
    projects = [answers.HOSTILE, "other"]
    rows = [row for project in projects for row in answers.month(project)]
    features = answers.names(answers.HOSTILE, answers.HOSTILE, "javascript:alert(1)")
    chart = drawn(answers.ask(answers.store(tmp_path, rows, features), projects), name)
    found = [text for text in texts(chart) if "alert" in text]
    assert found
    for text in found:
        assert "<script" not in text
        assert "<img" not in text


@pytest.mark.parametrize("name", SINGLE)
def test_the_same_answer_gives_the_same_chart_in_plain_json(two: Path, name: str) -> None:
    one, other = (answers.ask(two, "shop").chart(name).to_json() for _ in range(2))
    assert one == other
    assert '"bdata"' not in one


def test_the_charts_have_the_colours_that_the_style_sheet_pairs_with_the_dark() -> None:
    css = (Path(theme.__file__).parents[1] / "assets" / "workbench.css").read_text(encoding="utf-8")
    assert set(theme.HUES) | {theme.GREY} <= set(re.findall(r"light-dark\((#[0-9a-f]{6}),", css))


def test_an_unknown_chart_names_those_that_there_are(month: Dora) -> None:
    with pytest.raises(ParameterError, match="lead_time_distribution"):
        month.chart("pie")


def test_a_deployment_says_what_it_was_when_pointed_at(month: Dora) -> None:
    points = {
        trace["name"]: trace for trace in drawn(month, "deployment_timeline")["data"] if trace["mode"] == "markers"
    }
    assert points["failed (2)"]["customdata"] == [
        ["Title of d6", "shop", "1 change; an incident began soon after it; 1 open incident"],
        ["Title of d4", "shop", "1 change; an incident names it; recovered after 2 h"],
    ]


def test_very_many_buckets_leave_their_intervals_to_the_hover(two: Path) -> None:
    crowded = answers.ask(two, "shop", start="2026-01-01", end="2026-04-01", bucket="day")
    chart = drawn(crowded, "change_fail_rate")
    assert set(chart["data"][0]["error_y"]["array"]) == {None}
    assert "point at it for 95 % intervals" in chart["layout"]["title"]["subtitle"]["text"]
    assert any("95 % interval: " in text for text in chart["data"][0]["hovertext"])
