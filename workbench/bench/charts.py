"""Charts of the performance report: how times are spread, how they grow with rows, and how they went over runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.bench import words
from workbench.bench.axes import seconds_axis
from workbench.bench.cases import LABELS
from workbench.bench.history_charts import history, merged
from workbench.bench.performance import Performance
from workbench.bench.statistics import slope
from workbench.bench.summary import Line
from workbench.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROW: Final = 26


def distributions(it: Performance) -> go.Figure:
    """A row for each case: from its fastest time to p99, the middle half thick, median, p95 and its targets marked."""
    shown = [line for line in it.lines if line.result.kind in ("warm", "cold")]
    title = "How long each case takes"
    if not shown:
        return theme.no_data(title, "No data: this run measured no case by itself.")
    remarks = [
        "thin: minimum to p99",
        "thick: the middle half",
        "dot: median",
        "bar: p95",
        "diamond: target; log scale",
    ]
    chart = theme.blank(title, remarks, height=_ROW * len(shown) + 90)
    quartiles = [np.quantile(line.result.values, [0.25, 0.75]).tolist() for line in shown]
    chart.add_trace(_lines([(line.minimum, line.p99) for line in shown], theme.GREY, 1.5))
    chart.add_trace(_lines(quartiles, theme.BLUE, 7))
    hovers = [_hover(line) for line in shown]
    chart.add_trace(_marks([line.median.value for line in shown], range(len(shown)), "circle", theme.BLUE, 10, hovers))
    chart.add_trace(_marks([line.p95 for line in shown], range(len(shown)), "line-ns", theme.PURPLE, 12, hovers))
    goals = [
        (one.target.limit, row, f"target {words.seconds(one.target.limit)}")
        for row, line in enumerate(shown)
        for one in line.judged
        if not one.target.at_least
    ]
    if goals:
        places, rows, texts = zip(*goals, strict=True)
        chart.add_trace(_marks(places, rows, "diamond-open", theme.ORANGE, 9, texts))
    ends = [*(line.minimum for line in shown), *(line.p99 for line in shown), *(goal[0] for goal in goals)]
    names = [theme.shortened(line.result.case, 40) for line in shown]
    chart.update_layout(
        xaxis={**seconds_axis("Time a call", ends), "showgrid": True},
        yaxis={
            "tickvals": list(range(len(shown))),
            "ticktext": names,
            "range": [len(shown) - 0.4, -0.6],
            "showgrid": False,
        },
        showlegend=False,
    )
    return chart


def _lines(pairs: Iterable[Sequence[float]], colour: str, width: float) -> dict[str, Any]:
    x: list[float | None] = []
    y: list[int | None] = []
    for row, (low, high) in enumerate(pairs):
        x += [low, high, None]
        y += [row, row, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": width},
        "hoverinfo": "skip",
    }


def _marks(
    x: Iterable[float | None], y: Iterable[int], symbol: str, colour: str, size: int, hovers: Sequence[str]
) -> dict[str, Any]:
    marker = {"symbol": symbol, "color": colour, "size": size, "line": {"color": colour, "width": 2}}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(x),
        "y": list(y),
        "marker": marker,
        "cliponaxis": False,
        "hovertext": list(hovers),
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _hover(line: Line) -> str:
    said = {"minimum": line.minimum, "median": line.median.value, "p95": line.p95, "p99": line.p99}
    times = "<br>".join(f"{name} {words.seconds(value)}" for name, value in said.items())
    return f"<b>{theme.safe(line.result.case)}</b><br>{times}<br>{line.n:,} times"


def growth(it: Performance) -> go.Figure:
    """The dashboard's median against the rows of the store, both logarithmic, with the fitted exponent."""
    title = "Dashboard against rows of the store"
    series: dict[tuple[str, str], list[Line]] = {}
    for line in it.lines:
        if line.result.name == "dashboard" and line.result.kind in ("warm", "cold"):
            series.setdefault((line.result.store, line.result.kind), []).append(line)
    series = {
        name: sorted(lines, key=lambda line: line.result.rows) for name, lines in series.items() if len(lines) > 1
    }
    if not series:
        return theme.no_data(title, "No data: this run measured the dashboard at one size only; try --rows 1m.")
    remarks = ["bars: 95 % intervals of the median", "dotted: fit, time grows as rows^b; both axes logarithmic"]
    chart = theme.blank(title, remarks, height=380)
    for number, ((store, kind), lines) in enumerate(series.items()):
        chart.add_traces(_growth_traces(f"{store}, {kind}", lines, number))
    values = [value for lines in series.values() for line in lines for value in (line.minimum, line.p95)]
    sizes = sorted({line.result.rows for lines in series.values() for line in lines})
    chart.update_layout(
        xaxis={
            "type": "log",
            "tickvals": sizes,
            "ticktext": [LABELS[size] for size in sizes],
            "title": {"text": "Rows"},
        },
        yaxis={**seconds_axis("Median time", values), "showgrid": True},
        showlegend=True,
    )
    return chart


def _growth_traces(name: str, lines: Sequence[Line], number: int) -> list[dict[str, Any]]:
    """Medians with their intervals, and the fitted line, which goes through the middle of both logarithms."""
    sizes, medians = [line.result.rows for line in lines], [line.median.value or 0.0 for line in lines]
    fit = slope(sizes, medians)
    bounds = "" if fit.low is None or fit.high is None else f" ({fit.low:.2f} – {fit.high:.2f})"
    label = name if fit.value is None else f"{name}: b = {fit.value:.2f}{bounds}"
    high = [
        None if line.median.high is None else line.median.high - value
        for line, value in zip(lines, medians, strict=True)
    ]
    low = [
        None if line.median.low is None else value - line.median.low for line, value in zip(lines, medians, strict=True)
    ]
    colour, symbol = theme.HUES[number % len(theme.HUES)], theme.SYMBOLS[number % len(theme.SYMBOLS)]
    points = {
        "type": "scatter",
        "mode": "markers" if fit.value is not None else "lines+markers",
        "name": label,
        "x": sizes,
        "y": medians,
        "line": {"color": colour},
        "marker": {"color": colour, "symbol": symbol, "size": 9},
        "error_y": {"type": "data", "symmetric": False, "array": high, "arrayminus": low, "color": colour, "width": 3},
        "hovertext": [_hover(line) for line in lines],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    return [points] if fit.value is None else [points, _fitted(sizes, medians, fit.value, colour)]


def _fitted(sizes: Sequence[float], medians: Sequence[float], exponent: float, colour: str) -> dict[str, Any]:
    middle, height = float(np.mean(np.log(sizes))), float(np.mean(np.log(medians)))
    ends = [sizes[0], sizes[-1]]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": ends,
        "y": [math.exp(height + exponent * (math.log(end) - middle)) for end in ends],
        "line": {"color": colour, "dash": "dot", "width": 1.5},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def load(it: Performance) -> go.Figure:
    """Percentiles under load: closed loop beside open loop."""
    title = "Under load: what a waiting caller does not see"
    shown = [line for line in it.lines if line.result.kind in ("closed", "open")]
    if not shown:
        return theme.no_data(title, "No data: no case of this run was put under load.")
    chart = theme.blank(
        title, ["closed: asks again after each answer", "open: fixed arrivals, timed from the intended start"]
    )
    shares = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999]
    for number, line in enumerate(shown):
        colour = theme.HUES[number % len(theme.HUES)]
        chart.add_trace(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [-math.log10(1 - share) for share in shares],
                "y": [float(np.quantile(line.result.values, share, method="inverted_cdf")) for share in shares],
                "name": f"{line.result.case}, {line.result.kind} loop",
                "line": {"color": colour},
                "marker": {"color": colour, "symbol": theme.SYMBOLS[number % len(theme.SYMBOLS)]},
                "hovertext": [f"{100 * share:g} % within" for share in shares],
                "hovertemplate": "%{hovertext} %{y:.4g} s<extra></extra>",
            }
        )
    values = [value for trace in chart.data for value in trace.y]
    chart.update_layout(
        xaxis={
            "tickvals": [-math.log10(1 - share) for share in shares],
            "ticktext": [f"{100 * share:g} %" for share in shares],
            "title": {"text": "Share of calls that were faster"},
        },
        yaxis={**seconds_axis("Time", values), "showgrid": True},
    )
    return chart


CHARTS: Final[Mapping[str, Callable[[Performance], go.Figure]]] = {
    "distributions": distributions,
    "growth": growth,
    "load": load,
    "history": history,
    "merged": merged,
}
"""Every chart by name."""
