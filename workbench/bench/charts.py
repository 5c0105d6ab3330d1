"""Charts of the performance report: how times are spread, how they grow with rows, and how they went over runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.bench import words
from workbench.bench.cases import LABELS
from workbench.bench.changes import LEAST, change_points
from workbench.bench.history import Result, Run
from workbench.bench.performance import Performance
from workbench.bench.statistics import MEDIAN, estimate, slope
from workbench.bench.summary import Line
from workbench.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROW: Final = 26
_PANEL: Final = 150
_MOST_PANELS: Final = 6
_TICKS: Final = tuple(10.0**power * step for power in range(-6, 3) for step in (1, 3))


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
    remarks = ["bars: 95 % intervals of the median", "b: time grows as rows^b", "both axes logarithmic"]
    chart = theme.blank(title, remarks, height=380)
    for number, ((store, kind), lines) in enumerate(series.items()):
        chart.add_trace(_growth_trace(f"{store}, {kind}", lines, number))
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


def _growth_trace(name: str, lines: Sequence[Line], number: int) -> dict[str, Any]:
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
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label,
        "x": sizes,
        "y": medians,
        "line": {"color": colour},
        "marker": {"color": colour, "symbol": symbol, "size": 9},
        "error_y": {"type": "data", "symmetric": False, "array": high, "arrayminus": low, "color": colour, "width": 3},
        "hovertext": [_hover(line) for line in lines],
        "hovertemplate": "%{hovertext}<extra></extra>",
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
        _panel(chart, case, [(run, found) for run in runs if (found := run.result(case, "warm"))], number, len(cases))
    chart.update_layout(showlegend=False)
    return chart


def _shown_cases(it: Performance) -> list[str]:
    """Those with a target first; as many as a page can show."""
    warm = [line for line in it.lines if line.result.kind == "warm" and not line.result.peer_of]
    ordered = sorted(warm, key=lambda line: (not line.judged, -line.result.rows))
    return [line.result.case for line in ordered[:_MOST_PANELS]]


def _panel(chart: go.Figure, case: str, found: Sequence[tuple[Run, Result]], number: int, panels: int) -> None:
    suffix = str(number + 1) if number else ""
    gap = 0.35 / panels
    height = (1 - gap * (panels - 1)) / panels
    top = 1 - number * (height + gap)
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
                "title": {"text": "Run, the oldest first" if last else ""},
                "dtick": max(1, len(found) // 10),
            },
            f"yaxis{suffix}": {
                "domain": [max(0.0, top - height), top],
                "anchor": f"x{suffix}",
                "nticks": 4,
                "rangemode": "tozero",
                "title": {"text": "ms"},
                "tickvals": (ticks := _linear(values)),
                "ticktext": [words.digits(1000 * tick) for tick in ticks],
                "range": [0, 1.25 * max(values)],
            },
        }
    )
    axes = {"xref": f"x{suffix}", "yref": f"y{suffix} domain", "showarrow": False}
    chart.add_annotation(
        text=f"<b>{theme.shortened(case, 40)}</b>", x=-0.5, y=1.0, xanchor="left", yanchor="bottom", **axes
    )
    for point in change_points(values, [run.pace for run, _ in found]):
        colour = theme.ORANGE if point.ratio > 1 else theme.GREEN
        chart.add_shape(
            type="line",
            xref=f"x{suffix}",
            yref=f"y{suffix} domain",
            x0=point.index - 0.5,
            x1=point.index - 0.5,
            y0=0,
            y1=1,
            line={"color": colour, "width": 2, "dash": "dash"},
        )
        word = "slower" if point.ratio > 1 else "faster"
        chart.add_annotation(
            text=f"{word}: {point.ratio:.2f} times",
            x=point.index - 0.45,
            y=0.05,
            xanchor="left",
            yanchor="bottom",
            font={"color": colour},
            **axes,
        )


def _linear(values: Sequence[float]) -> list[float]:
    """Three round ticks from 0 to beyond the largest."""
    step = 10 ** math.floor(math.log10(max(values) / 2))
    step *= next(factor for factor in (1, 2, 5, 10) if max(values) / (factor * step) <= 3)
    return [number * step for number in range(int(1.25 * max(values) / step) + 1)]


def seconds_axis(title: str, values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis of times, with ticks as people say them."""
    present = [value for value in values if value > 0]
    ends = [math.log10(min(present) / 1.4), math.log10(max(present) * 1.4)]
    ticks = [tick for tick in _TICKS if ends[0] <= math.log10(tick) <= ends[1]]
    return {
        "type": "log",
        "range": ends,
        "tickvals": ticks,
        "ticktext": [_tick(tick) for tick in ticks],
        "title": {"text": f"{title} (log scale)"},
    }


def _tick(value: float) -> str:
    size, unit = next((pair for pair in ((1, "s"), (1e-3, "ms")) if value >= 0.99 * pair[0]), (1e-6, "µs"))
    return f"{value / size:.0f} {unit}"


CHARTS: Final[Mapping[str, Callable[[Performance], go.Figure]]] = {
    "distributions": distributions,
    "growth": growth,
    "load": load,
    "history": history,
}
"""Every chart by name."""
