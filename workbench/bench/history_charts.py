"""Charts over several runs of one machine: how medians went, and this run's times over those of all earlier runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workbench.bench import words
from workbench.bench.axes import linear_ticks, seconds_axis
from workbench.bench.changes import LEAST, ChangePoint
from workbench.bench.history import Run
from workbench.bench.performance import Performance
from workbench.bench.statistics import FINENESS, MEDIAN, Histogram, estimate
from workbench.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

_PANEL: Final = 150
_MOST_PANELS: Final = 6
_COARSE: Final = 5
"""Bins of a histogram that are drawn as one."""


def history(it: Performance) -> go.Figure:
    """The medians of earlier runs on this machine, a panel a case, with change points marked."""
    title = "Earlier runs on this machine"
    runs = [*it.earlier, it.run]
    if len(runs) < 2:
        return theme.no_data(title, "No data: this is the first run on this machine with these versions.")
    cases = _shown_cases(it)
    chart = theme.blank(
        title,
        ["median and its 95 % interval, a point a run", f"change points from {LEAST} runs on"],
        height=_PANEL * len(cases) + 70,
    )
    for number, case in enumerate(cases):
        _panel(chart, it, case, number, len(cases))
    chart.update_layout(showlegend=False)
    return chart


def _shown_cases(it: Performance) -> list[str]:
    """Those that changed first, then those with a target; as many as a page can show."""
    warm = [line for line in it.lines if line.result.kind == "warm" and not line.result.peer_of]
    changed = {case for case, _, _ in it.change_points}
    ordered = sorted(warm, key=lambda line: (line.result.case not in changed, not line.judged, -line.result.rows))
    return [line.result.case for line in ordered[:_MOST_PANELS]]


def _panel(chart: go.Figure, it: Performance, case: str, number: int, panels: int) -> None:
    found = it.history_of(case)
    suffix, domain = _place(number, panels)
    medians = [estimate(result.values, MEDIAN) for _, result in found]
    values = [one.value or 0.0 for one in medians]
    chart.add_trace(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "xaxis": f"x{suffix}",
            "yaxis": f"y{suffix}",
            "x": list(range(len(found))),
            "y": values,
            "line": {"color": theme.BLUE, "width": 1.5},
            "marker": {"size": 7},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "color": theme.GREY,
                "width": 0,
                "thickness": 1.2,
                "array": [(one.high or value) - value for one, value in zip(medians, values, strict=True)],
                "arrayminus": [value - (one.low or value) for one, value in zip(medians, values, strict=True)],
            },
            "hovertext": [
                f"{theme.safe(run.id)}<br>{words.seconds(one.value)}"
                for (run, _), one in zip(found, medians, strict=True)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )
    last = number == panels - 1
    chart.update_layout(
        {
            f"xaxis{suffix}": {
                "anchor": f"y{suffix}",
                "showticklabels": last,
                "range": [-0.5, len(found) - 0.5],
                "title": {"text": "Run" if last else ""},
                **_run_ticks([run for run, _ in found]),
            },
            f"yaxis{suffix}": {
                "domain": domain,
                "anchor": f"x{suffix}",
                "title": {"text": "ms"},
                "tickvals": (ticks := linear_ticks(values)),
                "ticktext": [f"{1000 * tick:g}" for tick in ticks],
                "range": [0, 1.25 * max(values)],
            },
        }
    )
    _name_panel(chart, case, suffix)
    for point in [point for name, _, point in it.change_points if name == case]:
        _mark_change(chart, point, suffix)


def _place(number: int, panels: int) -> tuple[str, list[float]]:
    """The suffix of a panel's axes, and where it lies in the height of the chart."""
    gap = 0.35 / panels
    height = (1 - gap * (panels - 1)) / panels
    top = 1 - number * (height + gap)
    return str(number + 1) if number else "", [max(0.0, top - height), top]


def _name_panel(chart: go.Figure, name: str, suffix: str, remark: str = "") -> None:
    chart.add_annotation(
        text=f"<b>{theme.shortened(name, 40)}</b>{remark}", x=0, y=1.0, xanchor="left", yanchor="bottom",
        xref=f"x{suffix} domain", yref=f"y{suffix} domain", showarrow=False,
    )  # fmt: skip


def _mark_change(chart: go.Figure, point: ChangePoint, suffix: str) -> None:
    colour = theme.ORANGE if point.ratio > 1 else theme.GREEN
    place = {"xref": f"x{suffix}", "yref": f"y{suffix} domain"}
    line = {"color": colour, "width": 2, "dash": "dash"}
    chart.add_shape(type="line", x0=point.index - 0.5, x1=point.index - 0.5, y0=0, y1=1, line=line, **place)
    chart.add_annotation(
        text=f"{'slower' if point.ratio > 1 else 'faster'}: {point.ratio:.2f} times", x=point.index - 0.45, y=0.05,
        xanchor="left", yanchor="bottom", font={"color": colour}, showarrow=False, **place,
    )  # fmt: skip


def _run_ticks(runs: Sequence[Run]) -> dict[str, Any]:
    """At most eight runs named by their day, or by the time if all are of one day (UTC)."""
    one_day = len({run.started.date() for run in runs}) == 1
    step = max(1, math.ceil(len(runs) / 8))
    shown = range(0, len(runs), step)
    texts = [f"{runs[n].started:%H:%M}" if one_day else f"{runs[n].started.day} {runs[n].started:%b}" for n in shown]
    return {"tickvals": list(shown), "ticktext": texts}


def merged(it: Performance) -> go.Figure:
    """The spread of this run's times over that of all earlier ones: their histograms added up."""
    title = "This run over all earlier ones"
    cases = [case for case in _shown_cases(it) if len(it.history_of(case)) > 1]
    if not cases:
        return theme.no_data(title, "No data: this is the first run on this machine with these versions.")
    remarks = ["share of calls by time, log scale", "blue: this run", "grey: all earlier runs on this machine together"]
    chart = theme.blank(title, remarks, height=_PANEL * len(cases) + 70)
    for number, case in enumerate(cases):
        *earlier, (_, latest) = it.history_of(case)
        before = Histogram.merged(result.histogram for _, result in earlier)
        suffix, domain = _place(number, len(cases))
        now = latest.histogram
        chart.add_trace(_shape(before, theme.GREY, suffix, f"{len(earlier)} earlier runs"))
        chart.add_trace(_shape(now, theme.BLUE, suffix, "this run"))
        ends = [value for one in (before, now) for share in (0.001, 0.99) if (value := one.percentile(share))]
        was, is_now = (f"{words.seconds(one.percentile(MEDIAN))} (n {one.n:,})" for one in (before, now))
        _name_panel(chart, case, suffix, f", median {is_now}, before {was}")
        chart.update_layout(
            {
                f"xaxis{suffix}": {**seconds_axis("", ends), "title": {"text": ""}, "anchor": f"y{suffix}"},
                f"yaxis{suffix}": {"domain": domain, "anchor": f"x{suffix}", "nticks": 3, "tickformat": ".0%",
                                   "rangemode": "tozero"},
            }
        )  # fmt: skip
    chart.update_layout(showlegend=False)
    return chart


def _shape(histogram: Histogram, colour: str, suffix: str, name: str) -> dict[str, Any]:
    """A histogram as steps; each step is of bins that make 5 %."""
    coarse: dict[int, int] = {}
    for number, count in histogram.counts.items():
        coarse[number // _COARSE] = coarse.get(number // _COARSE, 0) + count
    numbers = range(min(coarse) - 1, max(coarse) + 2)
    return {
        "type": "scatter", "mode": "lines", "xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "name": name,
        "x": [(1 + FINENESS) ** ((number + 0.5) * _COARSE) for number in numbers],
        "y": [coarse.get(number, 0) / histogram.n for number in numbers],
        "line": {"shape": "hvh", "color": colour, "width": 2}, "fill": "tozeroy",
        "hovertemplate": f"{name}: %{{y:.1%}} around %{{x:.3g}} s<extra></extra>",
    }  # fmt: skip
