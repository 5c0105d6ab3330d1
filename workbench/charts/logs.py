"""Charts of logs: volume over time by severity and by source, the noisiest processes, error lines and their bursts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from workbench import format as human
from workbench.charts import theme
from workbench.errors import ParameterError
from workbench.logs.digest import ask
from workbench.logs.overview import LogAnswer

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LEVELS: Final = (
    ("error or worse", ("emergency", "alert", "critical", "error"), theme.ORANGE),
    ("warning", ("warning",), theme.YELLOW),
    ("notice", ("notice",), theme.SKY),
    ("info", ("info",), theme.BLUE),
    ("debug", ("debug",), theme.GREY),
)
_SHORT: Final = 8
"""Up to so many days are drawn by the hour, more by the day."""
_MOST_SOURCES: Final = 5
_MOST_PROCESSES: Final = 15
_OTHERS: Final = "all others"
_NOTHING: Final = "No data: the hosts have no line in this window."
_HOUR: Final = timedelta(hours=1)


def volume_by_severity(answer: LogAnswer) -> go.Figure:
    """All lines, stacked by what severity they state."""
    series = [
        (name, colour, answer.volume.filter(_is_in(answer.volume["severity"], severities)))
        for name, severities, colour in _LEVELS
    ]
    return _stacked(answer, "Lines by severity", series, ["lines that state none are info"])


def volume_by_source(answer: LogAnswer) -> go.Figure:
    """All lines, stacked by the sources with the most."""
    top = ask(
        "SELECT source FROM volume GROUP BY source ORDER BY sum(lines) DESC, source LIMIT 50", {}, volume=answer.volume
    )["source"].to_pylist()
    shown, others = top[:_MOST_SOURCES], len(top) > _MOST_SOURCES
    series = [
        (name, theme.HUES[number], answer.volume.filter(_is_in(answer.volume["source"], [name])))
        for number, name in enumerate(shown)
    ]
    if others:
        import pyarrow.compute as pc

        rest = answer.volume.filter(pc.invert(_is_in(answer.volume["source"], shown)))
        series.append((_OTHERS, theme.GREY, rest))
    return _stacked(answer, "Lines by source", series, [])


def noisiest_processes(answer: LogAnswer) -> go.Figure:
    """Bars of the processes with the most lines, error lines apart."""
    title = "Noisiest processes"
    rows = answer.processes.slice(0, _MOST_PROCESSES).to_pylist()
    if not rows:
        return theme.no_data(title, _NOTHING)
    remarks = [f"{len(rows)} of {human.count(answer.processes.num_rows, 'process', 'processes')}"]
    chart = theme.blank(title, remarks, height=120 + 24 * len(rows))
    names = [theme.shortened(clean(row["process"]), 32) for row in rows]
    parts = (("error lines", "errors", theme.ORANGE), ("other lines", "others", theme.BLUE))
    for name, key, colour in parts:
        values = [row["errors"] if key == "errors" else row["lines"] - row["errors"] for row in rows]
        hover = [
            f"<b>{process}</b><br>{human.count(value, name[:-1])}" for process, value in zip(names, values, strict=True)
        ]
        chart.add_trace(
            {
                "type": "bar", "orientation": "h", "name": name, "x": values, "y": list(range(len(rows))),
                "width": 0.75, "marker": {"color": colour, "opacity": 0.75}, "hovertext": hover,
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )  # fmt: skip
    chart.update_layout(
        barmode="stack",
        xaxis={**theme.count_axis("Lines", max(row["lines"] for row in rows)), "showgrid": True},
        yaxis={
            "tickvals": list(range(len(rows))), "ticktext": names, "range": [len(rows) - 0.5, -0.5], "showgrid": False,
            "title": {"text": "Process"},
        },
    )  # fmt: skip
    return chart


def errors(answer: LogAnswer) -> go.Figure:
    """Error lines by the hour, of all hosts together; hours that are a burst for a host stand out."""
    title = "Error lines"
    if not answer.volume.num_rows:
        return theme.no_data(title, _NOTHING)
    counts = _by_step(answer.digest.errors, _HOUR, answer)
    flagged = {burst.hour for burst in answer.bursts}
    series = [("usual hours", theme.BLUE, [pair for pair in counts if pair[0] not in flagged])]
    series.append(("hours with a burst", theme.ORANGE, [pair for pair in counts if pair[0] in flagged]))
    chart = theme.blank(title, ["By hour", "stated as errors, or by their words"])
    for name, colour, pairs in series:
        if pairs:
            chart.add_trace(_bars(name, colour, pairs, _HOUR, answer))
    highest = max((count for _, count in counts), default=0)
    chart.update_layout(xaxis=_axis(answer), yaxis=theme.count_axis("Error lines per hour", highest))
    return chart


CHARTS: Final[Mapping[str, Callable[[LogAnswer], go.Figure]]] = {
    "volume_by_severity": volume_by_severity,
    "volume_by_source": volume_by_source,
    "noisiest_processes": noisiest_processes,
    "errors": errors,
}


def draw(name: str, answer: LogAnswer) -> go.Figure:
    """The chart of that name.

    Raises:
        ParameterError: there is none.
    """
    if name not in CHARTS:
        raise ParameterError(f"There is no chart {name!r}.", f"There are: {', '.join(CHARTS)}.")
    return CHARTS[name](answer)


def clean(text: str | None) -> str:
    """Text of a log without terminal escapes, other control characters, and those that turn the reading direction."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _harmful(char) else char for char in text or "")


def _harmful(char: str) -> bool:
    code = ord(char)
    control = (code < 0x20 and char not in "\t\n") or 0x7F <= code < 0xA0
    return control or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069


def _is_in(column: Any, values: Sequence[str]) -> Any:
    import pyarrow.compute as pc

    return pc.is_in(column, pa.array(values, pa.string()))


def _stacked(
    answer: LogAnswer, title: str, series: Sequence[tuple[str, str, pa.Table]], remarks: Sequence[str]
) -> go.Figure:
    if not answer.volume.num_rows:
        return theme.no_data(title, _NOTHING)
    step = _HOUR if answer.window.days <= _SHORT else timedelta(days=1)
    unit = "hour" if step == _HOUR else "day"
    chart = theme.blank(title, [f"By {unit}", *remarks])
    totals: dict[datetime, int] = {}
    for name, colour, table in series:
        pairs = _by_step(table, step, answer)
        if pairs:
            chart.add_trace(_bars(name, colour, pairs, step, answer))
        for moment, count in pairs:
            totals[moment] = totals.get(moment, 0) + count
    axis = theme.count_axis(f"Lines per {unit}", max(totals.values(), default=0))
    chart.update_layout(barmode="stack", xaxis=_axis(answer), yaxis=axis)
    return chart


def _by_step(table: pa.Table, step: timedelta, answer: LogAnswer) -> list[tuple[datetime, int]]:
    """Lines by hour (naive UTC), or by local day (naive local)."""
    sums: dict[datetime, int] = {}
    for row in table.group_by("hour").aggregate([("lines", "sum")]).to_pylist():
        moment: datetime = row["hour"]
        if step > _HOUR:
            local = human.local(moment, answer.window.timezone)
            moment = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        sums[moment] = sums.get(moment, 0) + row["lines_sum"]
    return sorted(sums.items())


def _bars(
    name: str, colour: str, pairs: Sequence[tuple[datetime, int]], step: timedelta, answer: LogAnswer
) -> dict[str, Any]:
    hourly = step == _HOUR
    zone = answer.window.timezone
    shown = theme.shortened(clean(name), 30)
    begins = [human.local(moment, zone).replace(tzinfo=None) if hourly else moment for moment, _ in pairs]
    labels = [f"{begin:%Y-%m-%d %H:%M}" if hourly else f"{begin:%Y-%m-%d}" for begin in begins]
    hover = [
        f"<b>{label}</b><br>{shown}: {human.count(count, 'line')}"
        for label, (_, count) in zip(labels, pairs, strict=True)
    ]
    return {
        "type": "bar",
        "name": shown,
        "x": [(begin + step / 2).strftime("%Y-%m-%dT%H:%M:%S") for begin in begins],
        "y": [count for _, count in pairs],
        "width": [step.total_seconds() * 1000 * 0.92] * len(pairs),
        "marker": {"color": colour, "opacity": 0.75},
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _axis(answer: LogAnswer) -> dict[str, Any]:
    axis = theme.time_axis(answer.window.start, answer.window.end, answer.window.timezone)
    if answer.window.days <= 3:
        axis |= {"dtick": 6 * 3_600_000, "tickformat": "%H:%M\n%-d %b %Y"}
    return axis
