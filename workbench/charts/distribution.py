"""How the lead times of changes are spread: a histogram with bins of equal ratio, median and p90 marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from workbench import format as human
from workbench.answer import Answer, busiest, figure
from workbench.charts import theme
from workbench.metrics import queries
from workbench.metrics.statistics import Quantile

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TITLE: Final = "Lead times of changes"
_MOST_ROWS: Final = 6
_MANY: Final = 400
"""From so many changes a factor of 2 is split into two bins."""
_ROW: Final = 150
_MARKS: Final[dict[Quantile, tuple[str, str, str, int]]] = {
    "median": ("median", theme.BLUE, "solid", 0),
    "p90": ("90th percentile", theme.PURPLE, "dash", 1),
}
"""Name, colour, dash and line of its label."""
_LONGEST: Final = Decimal("9999999999.99")
"""The largest duration that a store holds."""


def lead_time_distribution(answer: Answer) -> go.Figure:
    """One histogram over all projects if they are pooled, else one below the other for each project."""
    shown: Sequence[str | None] = [None] if answer.question.pooled else busiest(answer, _MOST_ROWS)
    total = sum(figure(answer, project, "lead_time", "median").n for project in shown)
    if not total:
        return theme.no_data(_TITLE, "No data: no change of this window has a lead time.")
    edges = _edges(2 if total >= _MANY else 1)
    counts = _counts(answer, edges)
    height = theme.HEIGHT if len(shown) == 1 else 130 + _ROW * len(shown)
    chart = theme.blank(_TITLE, _remarks(answer, shown, total), height=height)
    used = [number for project in shown for number in counts.get(project or "", {})]
    bins = range(min(used), max(used) + 1)
    for row, project in enumerate(shown):
        _add_row(chart, answer, project, row, len(shown), edges, bins, counts.get(project or "", {}))
    chart.update_layout(showlegend=False)
    return chart


def _edges(per_doubling: int) -> list[Decimal]:
    """0, 1 min, then bins of equal ratio up to whatever a store can hold."""
    steps = int(math.log2(float(_LONGEST) / human.MINUTE) * per_doubling)
    ratio = [Decimal(str(round(human.MINUTE * 2 ** (n / per_doubling), 2))) for n in range(steps + 1)]
    return [Decimal(0), *ratio, _LONGEST]


def _counts(answer: Answer, edges: Sequence[Decimal]) -> dict[str, dict[int, int]]:
    counts: dict[str, dict[int, int]] = {}
    pooled = int(answer.question.pooled)
    for row in answer.ask("lead_time_histogram", pooled=pooled, bins=queries.bins(edges)):
        counts.setdefault(row["project"], {})[row["bin"]] = row["changes"]
    return counts


def _remarks(answer: Answer, shown: Sequence[str | None], total: int) -> list[str]:
    said = [human.count(total, "change"), "each bin ends at the same multiple of its start"]
    if not answer.question.pooled and len(shown) < len(answer.projects):
        said.append(f"the {len(shown)} of {len(answer.projects)} projects with the most deployments")
    return said


def _position(seconds: float) -> float:
    """Where a duration is on the axis: its logarithm; below a minute is one bin."""
    return math.log10(max(seconds, human.MINUTE / 2))


def _add_row(
    chart: go.Figure,
    answer: Answer,
    project: str | None,
    row: int,
    rows: int,
    edges: Sequence[Decimal],
    bins: range,
    counts: Mapping[int, int],
) -> None:
    suffix = str(row + 1) if row else ""
    ends = [(_position(float(edges[number])), _position(float(edges[number + 1]))) for number in bins]
    chart.add_trace(
        {
            "type": "bar",
            "xaxis": f"x{suffix}",
            "yaxis": f"y{suffix}",
            "x": [round((low + high) / 2, 6) for low, high in ends],
            "width": [round((high - low) * 0.94, 6) for low, high in ends],
            "y": [counts.get(number, 0) for number in bins],
            "marker": {"color": theme.GREY, "opacity": 0.5},
            "hovertext": [_hover_text(edges, number, counts.get(number, 0)) for number in bins],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )
    top = max(counts.values(), default=1)
    gap = 0.3 / rows if rows > 1 else 0.0
    height = (1 - gap * (rows - 1)) / rows
    bottom = max(0.0, 1 - row * (height + gap) - height)
    domain = [bottom, bottom + height]
    chart.update_layout(
        {
            f"xaxis{suffix}": _axis(ends, anchor=f"y{suffix}", titled=row == rows - 1),
            f"yaxis{suffix}": {
                **theme.count_axis("Changes (number)", top * 1.15),
                "domain": domain, "anchor": f"x{suffix}", "nticks": 5, "tickformat": ",d",
            },
        }
    )  # fmt: skip
    if rows > 1:
        _label(chart, suffix, theme.shortened(project, 40), row)
    _mark(chart, answer, project, "median", suffix)
    _mark(chart, answer, project, "p90", suffix)


def _axis(ends: Sequence[tuple[float, float]], anchor: str, titled: bool) -> dict[str, Any]:
    low, high = ends[0][0], ends[-1][1]
    ticks = [tick for tick in theme.DURATIONS if low - 0.01 <= math.log10(tick) <= high + 0.01]
    margin = 0.02 * (high - low)
    return {
        "range": [low - margin, high + margin],
        "tickvals": [round(math.log10(tick), 6) for tick in ticks],
        "ticktext": [human.duration(tick) for tick in ticks],
        "title": {"text": "Time from change to deployment (min, h, d; log scale)" if titled else ""},
        "anchor": anchor,
    }


def _hover_text(edges: Sequence[Decimal], number: int, changes: int) -> str:
    low, high = human.duration(float(edges[number])), human.duration(float(edges[number + 1]))
    return f"{'under ' + high if number == 0 else low + ' to ' + high}<br>{human.count(changes, 'change')}"


def _label(chart: go.Figure, suffix: str, text: str, row: int) -> None:
    chart.add_annotation(
        text=f"<b>{text}</b>", showarrow=False, xref=f"x{suffix} domain", yref=f"y{suffix} domain",
        x=0, y=1, xanchor="left", yanchor="top",
    )  # fmt: skip


def _mark(chart: go.Figure, answer: Answer, project: str | None, statistic: Quantile, suffix: str) -> None:
    value = figure(answer, project, "lead_time", statistic).value
    if value is None:
        return
    name, colour, dash, line = _MARKS[statistic]
    where = round(_position(value), 6)
    low, high = chart.layout[f"xaxis{suffix}"].range
    side, shift = ("left", 5) if where < (low + high) / 2 else ("right", -5)
    axes = {"xref": f"x{suffix}", "yref": f"y{suffix} domain"}
    chart.add_shape(
        type="line", x0=where, x1=where, y0=0, y1=1, line={"color": colour, "width": 2, "dash": dash}, **axes
    )  # fmt: skip
    chart.add_annotation(
        text=f"{name} {human.duration(value)}", showarrow=False, x=where, y=1, yanchor="top", xanchor=side,
        xshift=shift, yshift=-17 * line, font={"color": colour}, **axes,
    )  # fmt: skip
