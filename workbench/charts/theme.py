"""How every chart looks: one template, colours told apart by all, axes with honest ends, outside text made harmless."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench import format as human

if TYPE_CHECKING:
    import plotly.graph_objects as go

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#00805e"
PURPLE: Final = "#a8528a"
YELLOW: Final = "#997000"
SKY: Final = "#3f87b8"
GREY: Final = "#6c7885"
HUES: Final = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY)
"""After Okabe and Ito, darkened to 3:1 on white; the style sheet has the same, and a partner of each for the dark."""

SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "star", "hexagon")
HEIGHT: Final = 340
_TITLE_HEIGHT: Final = 56
_LINE_HEIGHT: Final = 17
_BELOW: Final = 48
MARGINS: Final = _TITLE_HEIGHT + _BELOW
"""Pixels above and below a plot without remarks."""
_REMARK: Final = 52
"""Characters on a line under a title."""
_GRID: Final = "rgba(128,140,152,0.25)"
_LINE: Final = "rgba(128,140,152,0.55)"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"

DURATIONS: Final = (
    1, 10, human.MINUTE, 10 * human.MINUTE, human.HOUR, 6 * human.HOUR, human.DAY, 7 * human.DAY, 30 * human.DAY,
    180 * human.DAY, 720 * human.DAY, 3600 * human.DAY,
)  # fmt: skip
"""Ticks of a logarithmic axis of durations, in seconds."""
_STEPS: Final = (
    1, 5, 15, 30, 60, 300, 900, 1800, human.HOUR, 2 * human.HOUR, 4 * human.HOUR, 6 * human.HOUR, 12 * human.HOUR,
    human.DAY, 2 * human.DAY, 5 * human.DAY, 10 * human.DAY, 30 * human.DAY, 60 * human.DAY, 100 * human.DAY,
    200 * human.DAY, 500 * human.DAY, 1000 * human.DAY,
)  # fmt: skip
_DAY_MS: Final = 86_400_000
_TIME_STEPS: Final = (
    (8, _DAY_MS), (16, 2 * _DAY_MS), (34, 7 * _DAY_MS), (65, 14 * _DAY_MS), (110, 21 * _DAY_MS), (150, 28 * _DAY_MS),
    (400, "M2"), (800, "M3"), (1500, "M6"),
)  # fmt: skip
"""Up to so many days, a tick every so many milliseconds (from a Monday on) or months."""
_LOG_FROM: Final = 25.0
"""Durations that differ by more than this factor get a logarithmic axis."""


def safe(text: str | None) -> str:
    """Outside text for labels and hovers: plotly reads some HTML in them."""
    return html.escape(text or "", quote=False)


def shortened(text: str | None, most: int = 60) -> str:
    """The same, cut to what a hover can hold."""
    text = text or ""
    return safe(text if len(text) <= most else text[: most - 1] + "…")


def blank(title: str, remarks: Sequence[str] = (), *, height: int = HEIGHT, above: int = 0) -> go.Figure:
    """A figure in our template, without data; remarks go under its title, on lines that a phone can show.

    ``height`` is without these lines; ``above``: pixels of it that stay free above the plot.
    """
    import plotly.graph_objects as go

    lines: list[str] = []
    for remark in remarks:
        if lines and len(lines[-1]) + len(remark) + 2 <= _REMARK:
            lines[-1] += f"; {remark}"
        else:
            lines.append(remark)
    head = {"text": title, "subtitle": {"text": "<br>".join(lines)}} if lines else {"text": title}
    top = _TITLE_HEIGHT + _LINE_HEIGHT * len(lines) + above
    return go.Figure(
        layout={
            "template": _template(),
            "title": head,
            "height": height + _LINE_HEIGHT * len(lines),
            "margin": {"t": top},
        }
    )


def no_data(title: str, reason: str) -> go.Figure:
    """A small figure that says why there is nothing to draw."""
    figure = blank(title, height=150)
    figure.update_layout(xaxis={"visible": False, "title": {"text": "(no data)"}}, yaxis={"visible": False})
    figure.add_annotation(text=safe(reason), showarrow=False, xref="paper", yref="paper", x=0, y=0.5, align="left")
    return figure


def _template() -> go.layout.Template:
    import plotly.graph_objects as go

    title = {"standoff": 8, "font": {"size": 12}}
    axis = {"gridcolor": _GRID, "linecolor": _LINE, "zeroline": False, "automargin": True, "title": title}
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": _FONT, "size": 13, "color": GREY},
            "title": {
                "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                "pad": {"t": 12, "l": 12}, "font": {"size": 16}, "subtitle": {"font": {"size": 12}},
            },
            "margin": {"l": 64, "r": 20, "t": 60, "b": _BELOW},
            "colorway": list(HUES),
            "hovermode": "closest",
            "hoverlabel": {"align": "left"},
            "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom"},
            "bargap": 0,
            "xaxis": {**axis, "showgrid": False, "showline": True, "ticks": "outside", "tickcolor": _LINE},
            "yaxis": axis,
        }
    )  # fmt: skip


def local_text(moment: datetime, timezone: str) -> str:
    """A time on a time axis: local, and without an offset, which plotly would move."""
    return human.local(moment, timezone).strftime("%Y-%m-%dT%H:%M:%S")


def time_axis(start: datetime, end: datetime, timezone: str) -> dict[str, Any]:
    """An axis over the whole window, data or not."""
    first = human.local(start, timezone).date()
    days = (human.local(end, timezone).date() - first).days
    step = next((step for most, step in _TIME_STEPS if days <= most), "M12")
    monday = first - timedelta(days=first.weekday())
    return {
        "type": "date",
        "range": [local_text(start, timezone), local_text(end, timezone)],
        "tick0": (first.replace(month=1, day=1) if isinstance(step, str) else monday).isoformat(),
        "dtick": step,
        "tickangle": 0,
        "tickformat": "%b\n%Y" if isinstance(step, str) else "%-d %b\n%Y",
        "title": {"text": f"Date ({safe(timezone)})"},
    }


def share_axis(title: str) -> dict[str, Any]:
    """A share of 1 in percent, always from 0 to 1: zooming in would make small rates look large."""
    return {
        "range": [0, 1.02],
        "tickformat": ".0%",
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "title": {"text": f"{title} (%)"},
    }


def count_axis(title: str, highest: float) -> dict[str, Any]:
    """Counts and frequencies, from 0. The unit is part of ``title``."""
    return {"range": [0, highest * 1.08 or 1], "title": {"text": title}}


def units(labels: Iterable[str]) -> str:
    """The units that labels of ticks end with, as the begin of a list: ``min, h, ``."""
    return "".join(f"{unit}, " for unit in dict.fromkeys(label.rsplit(" ", 1)[-1] for label in labels))


def duration_axis(title: str, values: Iterable[float]) -> dict[str, Any]:
    """Durations in seconds with readable ticks; logarithmic, and saying so, where they differ widely and none is 0."""
    present = list(values)
    highest, lowest = max(present, default=1.0) or 1.0, min(present, default=1.0)
    if lowest > 0 and highest / lowest > _LOG_FROM:
        ends = [math.log10(lowest / 1.5), math.log10(highest * 1.5)]
        shown = [tick for tick in DURATIONS if ends[0] <= math.log10(tick) <= ends[1]]
        names = [human.duration(tick) for tick in shown]
        scale = {"type": "log", "range": ends, "tickvals": shown, "ticktext": names}
        return {**scale, "title": {"text": f"{title} ({units(names)}log scale)"}}
    step = next((step for step in _STEPS if highest / step <= 6), highest / 5)
    ticks: list[float] = [n * step for n in range(int(highest * 1.08 / step) + 1)]
    length, unit = next((pair for pair in human.UNITS if step >= pair[0]), (1, "s"))
    labels = [f"{tick / length:g}" for tick in ticks]
    return {
        "range": [0, highest * 1.08],
        "tickvals": ticks,
        "ticktext": labels,
        "title": {"text": f"{title} ({human.UNIT_NAMES[unit]})"},
    }
