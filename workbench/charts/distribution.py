"""How the lead times of changes are spread: a histogram with bins of equal ratio, median and p90 marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_MOST_PANELS: Final = 6
_MANY: Final = 400
"""From so many changes a factor of 2 is split into two bins."""
_ONE: Final = 210
_EACH: Final = 96
_GAP: Final = 78
"""Pixels of the only panel, of each of several, and between two for the ticks of one and the labels of the next."""
_LABELS: Final = 36
"""Pixels of the labels above the first panel."""
_MARKS: Final[dict[Quantile, tuple[str, str, str, int]]] = {
    "median": ("median", theme.BLUE, "solid", 19),
    "p90": ("90th percentile, dashed", theme.PURPLE, "dash", 2),
}
"""Name, colour, dash, and how far the label stands above the panel."""
_LONGEST: Final = Decimal("9999999999.99")
"""The largest duration that a store holds."""


@dataclass(frozen=True, slots=True)
class _Bin:
    """A bin with its number in the query, its bounds in seconds, and its bounds on the axis: their logarithms."""

    number: int
    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float]:
        return _position(self.low), _position(self.high)

    @property
    def name(self) -> str:
        high = human.duration(self.high)
        return f"{human.duration(self.low)} to {high}" if self.low else f"under {high}"


def lead_time_distribution(answer: Answer) -> go.Figure:
    """One histogram over all projects if they are pooled, else one below the other for each project."""
    shown: Sequence[str | None] = [None] if answer.question.pooled else busiest(answer, _MOST_PANELS)
    total = sum(figure(answer, project, "lead_time", "median").n for project in shown)
    if not total:
        return theme.no_data(_TITLE, "No change of this window has a lead time.")
    edges = _edges(2 if total >= _MANY else 1)
    counts = _counts(answer, edges)
    used = [number for project in shown for number in counts.get(project or "", {})]
    bins = [_Bin(n, float(edges[n]), float(edges[n + 1])) for n in range(min(used), max(used) + 1)]
    each = _ONE if len(shown) == 1 else _EACH
    height = len(shown) * each + (len(shown) - 1) * _GAP
    chart = theme.blank(_TITLE, _remarks(answer, shown, total), height=height + theme.MARGINS + _LABELS, above=_LABELS)
    for row, project in enumerate(shown):
        top = 1 - row * (each + _GAP) / height
        panel = _Panel(chart, str(row + 1) if row else "", (max(0.0, top - each / height), top))
        panel.draw(bins, counts.get(project or "", {}), last=row == len(shown) - 1)
        panel.label(theme.shortened(project, 20) if len(shown) > 1 else "")
        for statistic in _MARKS:
            panel.mark(statistic, figure(answer, project, "lead_time", statistic).value)
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


@dataclass(frozen=True, slots=True)
class _Panel:
    """The histogram of one project: a pair of axes in a chart, known by their suffix."""

    chart: go.Figure
    suffix: str
    domain: tuple[float, float]

    def draw(self, bins: Sequence[_Bin], counts: Mapping[int, int], *, last: bool) -> None:
        """Bars and axes; the title of the lowest panel's axis stands for all."""
        changes = [counts.get(one.number, 0) for one in bins]
        trace = {
            "type": "bar",
            "xaxis": f"x{self.suffix}",
            "yaxis": f"y{self.suffix}",
            "x": [round(sum(one.ends) / 2, 6) for one in bins],
            "width": [round((one.ends[1] - one.ends[0]) * 0.94, 6) for one in bins],
            "y": changes,
            "marker": {"color": theme.GREY, "opacity": 0.5},
            "hovertext": [f"{one.name}<br>{human.count(n, 'change')}" for one, n in zip(bins, changes, strict=True)],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
        self.chart.add_trace(trace)
        title = "Lead time (min, h, d; log scale)" if last else ""
        across = {**_axis(bins[0].ends[0], bins[-1].ends[1]), "title": {"text": title}, "anchor": f"y{self.suffix}"}
        up = {"domain": list(self.domain), "anchor": f"x{self.suffix}", "nticks": 5, "tickformat": ",d"}
        self.chart.update_layout(
            {
                f"xaxis{self.suffix}": across,
                f"yaxis{self.suffix}": {**theme.count_axis("Changes (number)", max(changes)), **up},
            }
        )

    def label(self, name: str) -> None:
        """The project's name above the panel."""
        if name:
            self._above(f"<b>{name}</b>", 0, "left", _MARKS["median"][-1])

    def mark(self, statistic: Quantile, value: float | None) -> None:
        """A line at the statistic, and its value above the panel."""
        if value is None:
            return
        name, colour, dash, height = _MARKS[statistic]
        where = round(_position(value), 6)
        line = {"color": colour, "width": 2, "dash": dash}
        axes = {"xref": f"x{self.suffix}", "yref": f"y{self.suffix} domain"}
        self.chart.add_shape(type="line", x0=where, x1=where, y0=0, y1=1, line=line, **axes)
        self._above(f"{name}: {human.duration(value)}", 1, "right", height, colour)

    def _above(self, text: str, x: int, side: str, height: int, colour: str | None = None) -> None:
        axes = {"xref": f"x{self.suffix} domain", "yref": f"y{self.suffix} domain"}
        font = {"font": {"color": colour}} if colour else {}
        place = {"x": x, "xanchor": side, "y": 1, "yanchor": "bottom", "yshift": height - 4}
        self.chart.add_annotation(text=text, showarrow=False, **place, **axes, **font)


def _axis(low: float, high: float) -> dict[str, Any]:
    ticks = [tick for tick in theme.DURATIONS if low - 0.01 <= math.log10(tick) <= high + 0.01]
    margin = 0.02 * (high - low)
    return {
        "range": [low - margin, high + margin],
        "tickvals": [round(math.log10(tick), 6) for tick in ticks],
        "ticktext": [human.duration(tick) for tick in ticks],
    }
