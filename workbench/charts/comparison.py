"""The five headline figures of several projects side by side, each a dot with its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench import format as human
from workbench.answer import Answer, headlines, listed
from workbench.charts import theme
from workbench.charts.trends import COUNTED, TITLES
from workbench.errors import ParameterError
from workbench.model import METRICS, Figure, Metric

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TITLE: Final = "Projects compared"
_MOST: Final = 12
_ROW = 24
_HEAD = 78
"""Pixels of a project's row, and of the axis and title between two panels."""


def comparison(answer: Answer) -> go.Figure:
    """A panel for each metric, a row in it for each project.

    Raises:
        ParameterError: there is one project.
    """
    if len(answer.projects) < 2:
        raise ParameterError("A comparison needs several projects.", "Ask for two or more, or for all.")
    shown = listed(answer, _MOST)
    panel = _ROW * len(shown) + _HEAD
    drawable = panel * len(METRICS) - _HEAD
    chart = theme.blank(_TITLE, _remarks(answer, len(shown)), height=drawable + theme.MARGINS)
    for number, metric in enumerate(METRICS):
        top = 1 - number * panel / drawable
        domain = [max(0.0, top - (_ROW * len(shown)) / drawable), top]
        _add_panel(chart, answer, metric, shown, number, domain)
    chart.update_layout(showlegend=False)
    return chart


def _remarks(answer: Answer, shown: int) -> list[str]:
    said = ["Lines: 95 % intervals", "no dot: no data"]
    if shown < len(answer.projects):
        said.append(f"the {_MOST} of {len(answer.projects)} projects with the most deployments")
    return said


def _add_panel(
    chart: go.Figure,
    answer: Answer,
    metric: Metric,
    shown: Sequence[str | None],
    number: int,
    domain: Sequence[float],
) -> None:
    of = headlines(answer)
    figures = [of[project, metric] for project in shown]
    suffix = str(number + 1) if number else ""
    colour = theme.BLUE
    chart.add_trace(
        {
            "type": "scatter",
            "mode": "markers",
            "xaxis": f"x{suffix}",
            "yaxis": f"y{suffix}",
            "x": [made.value for made in figures],
            "y": list(range(len(figures))),
            "marker": {"color": colour, "size": 10},
            "cliponaxis": False,
            "error_x": _error_bars(figures, colour),
            "hovertext": [_hover_text(made) for made in figures],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )
    names = [theme.shortened(project, 24) if project is not None else "<b>all together</b>" for project in shown]
    chart.update_layout(
        {
            f"xaxis{suffix}": {**_value_axis(metric, figures), "anchor": f"y{suffix}", "showgrid": True, "nticks": 6},
            f"yaxis{suffix}": {
                "domain": list(domain), "anchor": f"x{suffix}", "range": [len(shown) - 0.5, -0.5],
                "tickvals": list(range(len(shown))), "ticktext": names, "title": {"text": ""},
            },
        }
    )  # fmt: skip


def _value_axis(metric: Metric, figures: Sequence[Figure]) -> dict[str, Any]:
    present = [v for made in figures for v in (made.value, made.low, made.high) if v is not None]
    if metric in ("change_fail_rate", "rework_rate"):
        return theme.share_axis(TITLES[metric])
    if metric == "deployment_frequency":
        return theme.count_axis(f"{TITLES[metric]} (per week)", max(present, default=1.0))
    return theme.duration_axis(f"{TITLES[metric]}, median", present)


def _error_bars(figures: Sequence[Figure], colour: str) -> dict[str, Any]:
    whole = [None not in (made.value, made.low, made.high) for made in figures]
    return {
        "type": "data",
        "symmetric": False,
        "array": [(m.high or 0) - (m.value or 0) if known else None for m, known in zip(figures, whole, strict=True)],
        "arrayminus": [
            (m.value or 0) - (m.low or 0) if known else None for m, known in zip(figures, whole, strict=True)
        ],
        "color": colour,
        "thickness": 1.5,
        "width": 0,
    }


def _hover_text(made: Figure) -> str:
    lines = [f"<b>{theme.shortened(made.project, 40) or 'all together'}</b>"]
    lines.append("no data" if made.value is None else human.value(made.value, made.unit))
    bounds = human.interval(made.low, made.high, made.unit)
    lines += [f"95 % interval: {bounds}"] if bounds else []
    lines.append(human.count(made.n, COUNTED[made.metric]))
    return "<br>".join(lines)
