"""The trend of one metric: a value a bucket with its interval, gaps where there is no data, cut buckets hollow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench import format as human
from workbench.answer import Answer, busiest, figure, why_none
from workbench.charts import theme
from workbench.metrics.figures import TrendPoint
from workbench.model import HEADLINES, Metric

if TYPE_CHECKING:
    import plotly.graph_objects as go

TITLES: Final[dict[Metric, str]] = {
    "deployment_frequency": "Deployment frequency",
    "lead_time": "Lead time for changes",
    "change_fail_rate": "Change fail rate",
    "recovery_time": "Failed deployment recovery time",
    "rework_rate": "Deployment rework rate",
}
NAMES: Final[dict[Metric, str]] = {
    **TITLES,
    "lead_time": "Lead time",
    "recovery_time": "Recovery time",
    "rework_rate": "Rework rate",
}
"""The same, short, for tables."""
COUNTED: Final[dict[Metric, str]] = {
    "deployment_frequency": "deployment",
    "lead_time": "change",
    "change_fail_rate": "deployment",
    "recovery_time": "fixed incident",
    "rework_rate": "deployment",
}
"""What ``n`` of a metric counts."""
MOST_SERIES: Final = 6
_MANY: Final = 60
"""Buckets; of more the intervals are left to the hover, and marks are small."""


def trend(answer: Answer, metric: Metric) -> go.Figure:
    """The trend of a metric by the bucket asked for: pooled if that was asked, else a line for each project."""
    shown: Sequence[str | None] = [None] if answer.question.pooled else busiest(answer, MOST_SERIES)
    points = [point for point in answer.measurement.trend if point.metric == metric and point.project in shown]
    if all(point.value is None for point in points):
        reasons = {why_none(figure(answer, project, metric, HEADLINES[metric])) for project in shown}
        return theme.no_data(TITLES[metric], " ".join(sorted(reasons)))
    chart = theme.blank(TITLES[metric], _remarks(answer, metric, len(shown), points))
    single = len(shown) == 1
    drawn = [p for p in points if single or p.statistic == HEADLINES[metric]]
    chart.add_traces(_one(metric, drawn, answer.window.timezone) if single else _several(drawn, answer.window.timezone))
    chart.update_layout(
        xaxis=theme.time_axis(answer.window.start, answer.window.end, answer.window.timezone),
        yaxis=_value_axis(metric, drawn, single),
        showlegend=len(chart.data) > 1,
    )
    return chart


def _one(metric: Metric, points: Sequence[TrendPoint], timezone: str) -> list[dict[str, Any]]:
    """One project: intervals, and the tail of the lead time."""
    headline = [point for point in points if point.statistic == HEADLINES[metric]]
    if metric == "deployment_frequency":
        return [_bars(headline, timezone)]
    name = "median" if metric == "lead_time" else ""
    traces = [_line(headline, timezone, theme.BLUE, "circle", name, with_intervals=True)]
    if metric == "lead_time":
        tail = [point for point in points if point.statistic == "p90"]
        traces.append(_line(tail, timezone, theme.PURPLE, "diamond", "90th percentile"))
    return traces


def _several(points: Sequence[TrendPoint], timezone: str) -> list[dict[str, Any]]:
    """Several projects: only a line each."""
    names = list(dict.fromkeys(point.project for point in points))
    return [
        _line([p for p in points if p.project == name], timezone, theme.HUES[n], theme.SYMBOLS[n], name or "")
        for n, name in enumerate(names)
    ]


def _remarks(answer: Answer, metric: Metric, series: int, points: Sequence[TrendPoint]) -> list[str]:
    said = [f"By {answer.question.bucket}"]
    if answer.question.pooled:
        said.append(f"{human.count(len(answer.projects), 'project')} pooled")
    elif series < len(answer.projects):
        said.append(f"the {series} of {len(answer.projects)} projects with the most deployments")
    if series == 1:
        said.append("point at it for 95 % intervals" if _crowded(points) else "lines: 95 % intervals")
    if any(point.partial and point.value is not None for point in points):
        look = "pale" if metric == "deployment_frequency" and series == 1 else "hollow"
        said.append(f"{look}: incomplete {answer.question.bucket}")
    return said


def _value_axis(metric: Metric, points: Sequence[TrendPoint], with_intervals: bool) -> dict[str, Any]:
    tops = [point.value for point in points if point.value is not None]
    with_intervals = with_intervals and not _crowded(points)
    if with_intervals:
        tops += [p.high for p in points if p.high is not None and _has_interval(p)]
    if metric in ("change_fail_rate", "rework_rate"):
        return theme.share_axis("Share of deployments")
    if metric == "deployment_frequency":
        return theme.count_axis("Deployments per week", max(tops))
    lows = [p.low for p in points if p.low is not None and _has_interval(p)] if with_intervals else []
    return theme.duration_axis("Time", [*tops, *lows])


def _crowded(points: Sequence[TrendPoint]) -> bool:
    """Whether there are so many buckets that intervals and large marks would cover each other."""
    return len({point.start for point in points}) > _MANY


def _has_interval(point: TrendPoint) -> bool:
    """A cut bucket holds too little for its interval to say anything in a picture; the hover has it."""
    return not point.partial and None not in (point.value, point.low, point.high)


def _line(
    points: Sequence[TrendPoint], timezone: str, colour: str, symbol: str, name: str, *, with_intervals: bool = False
) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": theme.shortened(name, 40),
        "x": [_middle(point, timezone) for point in points],
        "y": [point.value for point in points],
        "connectgaps": False,
        "cliponaxis": False,
        "line": {"color": colour, "width": 2},
        "marker": {
            "size": 5 if _crowded(points) else 8,
            "color": colour,
            "symbol": [symbol + ("-open" if point.partial else "") for point in points],
        },
        **_hover(points, name),
    }
    return {**trace, "error_y": _error_bars(points, colour)} if with_intervals else trace


def _bars(points: Sequence[TrendPoint], timezone: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": [_middle(point, timezone) for point in points],
        "y": [point.value for point in points],
        "width": [0.82 * (point.end - point.start).total_seconds() * 1000 for point in points],
        "marker": {"color": theme.BLUE, "opacity": [0.25 if point.partial else 0.65 for point in points]},
        "error_y": _error_bars(points, theme.GREY),
        **_hover(points, ""),
    }


def _error_bars(points: Sequence[TrendPoint], colour: str) -> dict[str, Any]:
    crowded = _crowded(points)

    def reach(point: TrendPoint, upwards: bool) -> float | None:
        if crowded or not _has_interval(point) or point.value is None or point.low is None or point.high is None:
            return None
        return point.high - point.value if upwards else point.value - point.low

    return {
        "type": "data",
        "symmetric": False,
        "array": [reach(point, True) for point in points],
        "arrayminus": [reach(point, False) for point in points],
        "color": colour,
        "thickness": 1.2,
        "width": 0,
    }


def _hover(points: Sequence[TrendPoint], name: str) -> dict[str, Any]:
    return {
        "hovertext": [_hover_text(point, name) for point in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _hover_text(point: TrendPoint, name: str) -> str:
    lines = [f"<b>{human.days(point.start, point.end)}</b>{' (incomplete)' if point.partial else ''}"]
    lines += [theme.shortened(name, 40)] if name else []
    lines.append("no data" if point.value is None else human.value(point.value, point.unit))
    bounds = human.interval(point.low, point.high, point.unit)
    lines += [f"95 % interval: {bounds}"] if bounds else []
    lines.append(human.count(point.n, COUNTED[point.metric]))
    return "<br>".join(lines)


def _middle(point: TrendPoint, timezone: str) -> str:
    return theme.local_text(point.start + (point.end - point.start) / 2, timezone)
