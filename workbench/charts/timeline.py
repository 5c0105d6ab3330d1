"""Every deployment on a time axis: failed ones by shape and colour, each with a line to its recovery; rework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench import format as human
from workbench.answer import Answer, busiest, headlines
from workbench.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

Row = Mapping[str, Any]
_TITLE: Final = "Deployments and recoveries"
MOST: Final = 2000
"""Deployments that the chart holds."""
_MOST_PROJECTS: Final = 12

CAUSES: Final[dict[str | None, str]] = {
    "no-go": "failed by its own decision",
    "named": "an incident names it",
    "revert": "a later deployment reverts it",
    "time": "an incident began soon after it",
}
"""Why a deployment counts as failed, by the code of queries/deployment_rows.sql."""

_HOVER: Final = "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<br>%{x|%Y-%m-%d %H:%M}<extra></extra>"
_KINDS: Final = (
    ("deployed", theme.BLUE, "circle", 8, 0.55),
    ("rework", theme.PURPLE, "diamond", 10, 0.9),
    ("failed", theme.ORANGE, "x", 10, 1.0),
    ("failed and rework", theme.ORANGE, "diamond-x", 12, 1.0),
)
"""Kind, colour, symbol, size and opacity."""


def deployment_timeline(answer: Answer) -> go.Figure:
    """One project: days across, the local hour up. Several: a row each."""
    rows = answer.ask("deployment_rows", only="all", **_newest_first(answer), size=MOST)
    shown = busiest(answer, _MOST_PROJECTS)
    rows = [row for row in rows if row["project"] in shown]
    if not rows:
        return theme.no_data(_TITLE, "No deployments are known for this window.")
    place = _Placement(answer, shown)
    height = theme.HEIGHT if len(shown) == 1 else 140 + 36 * len(shown)
    chart = theme.blank(_TITLE, _remarks(answer, shown, len(rows)), height=height)
    for trace in _recoveries(answer, rows, place):
        chart.add_trace(trace)
    for kind, colour, symbol, size, opacity in _KINDS:
        of_kind = [row for row in rows if _kind(row) == kind]
        if of_kind:
            marker = {"color": colour, "symbol": symbol, "size": size, "opacity": opacity}
            chart.add_trace(_points(of_kind, place, kind, marker))
    chart.update_layout(
        xaxis=theme.time_axis(answer.window.start, answer.window.end, place.timezone), yaxis=place.axis()
    )
    return chart


def _newest_first(answer: Answer) -> dict[str, Any]:
    return {"after_at": answer.window.utc[1], "after_project": "", "after_cycle": ""}


def _remarks(answer: Answer, shown: Sequence[str], drawn: int) -> list[str]:
    of = headlines(answer)
    total = sum(of[project, "deployment_frequency"].n for project in answer.projects)
    said = [human.count(total, "deployment")]
    if drawn < total:
        said = [f"{drawn:,} of {total:,} deployments: the newest"]
    if len(shown) < len(answer.projects):
        said.append(f"the {len(shown)} of {len(answer.projects):,} projects with the most deployments")
    said.append("lines: to the recovery, dotted while open")
    return said


class _Placement:
    """Where a deployment is drawn: at its local hour, or in the row of its project."""

    def __init__(self, answer: Answer, shown: Sequence[str]) -> None:
        self.timezone = answer.window.timezone
        self._rows = {project: number for number, project in enumerate(shown)}

    def height(self, project: str, deployed_at: datetime) -> float:
        if len(self._rows) > 1:
            return self._rows[project]
        local = human.local(deployed_at, self.timezone)
        return round(local.hour + local.minute / 60, 2)

    def axis(self) -> dict[str, Any]:
        if len(self._rows) > 1:
            return {
                "range": [len(self._rows) - 0.5, -0.5],
                "tickvals": list(self._rows.values()),
                "ticktext": [theme.shortened(project, 28) for project in self._rows],
                "title": {"text": ""},
            }
        return {
            "range": [24, 0],
            "tickvals": [0, 6, 12, 18, 24],
            "ticktext": ["0:00", "6:00", "12:00", "18:00", "24:00"],
            "title": {"text": "Hour of day (h)"},
        }


def _kind(row: Row) -> str:
    if row["failed"]:
        return "failed and rework" if row["rework"] else "failed"
    return "rework" if row["rework"] else "deployed"


def _points(rows: Sequence[Row], place: _Placement, kind: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{kind} ({len(rows):,})",
        "x": [theme.local_text(row["deployed_at"], place.timezone) for row in rows],
        "y": [place.height(row["project"], row["deployed_at"]) for row in rows],
        "marker": marker,
        "cliponaxis": False,
        "customdata": [_hover_values(row) for row in rows],
        "hovertemplate": _HOVER,
    }


def _hover_values(row: Row) -> list[str]:
    """Name, project, and what else there is to say; markup stays in the template, which the page holds once."""
    said = [human.count(row["changes"], "change")]
    if row["failed"]:
        said.append(CAUSES[row["cause"]])
    if row["recovered_after"] is not None:
        said.append(f"recovered after {human.duration(float(row['recovered_after']))}")
    if row["open_incidents"]:
        said.append(human.count(row["open_incidents"], "open incident"))
    name = row["title"] or human.short_id(row["deployment"])
    return [theme.shortened(name, 40), theme.shortened(row["project"], 40), "; ".join(said)]


def _recoveries(answer: Answer, rows: Sequence[Row], place: _Placement) -> Iterable[dict[str, Any]]:
    """Lines from failed deployments to the moment of recovery; of open incidents to the window's end."""
    deployed = {(row["project"], row["deployment"]): row["deployed_at"] for row in rows if row["failed"]}
    incidents = answer.ask("incident_rows", only="charged", **_newest_first(answer), after_feature="", size=MOST)
    end = answer.window.utc[1]
    lines: dict[str, list[tuple[datetime, datetime, float]]] = {"solid": [], "dot": []}
    for incident in incidents:
        start = deployed.get((incident["project"], incident["charged_to"]))
        if start is not None:
            fixed = incident["recovery_time"] is not None and incident["state"] == "fixed"
            until = incident["began_at"] + timedelta(seconds=float(incident["recovery_time"])) if fixed else end
            lines["solid" if fixed else "dot"].append((start, until, place.height(incident["project"], start)))
    for dash, segments in lines.items():
        if segments:
            yield _lines(segments, place.timezone, dash)


def _lines(segments: Sequence[tuple[datetime, datetime, float]], timezone: str, dash: str) -> dict[str, Any]:
    x: list[str | None] = []
    y: list[float | None] = []
    for start, until, height in segments:
        ends = (moment.replace(tzinfo=UTC) for moment in (start, until))
        x += [*(theme.local_text(moment, timezone) for moment in ends), None]
        y += [height, height, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": theme.ORANGE, "width": 2, "dash": dash},
        "opacity": 0.7,
        "hoverinfo": "skip",
        "showlegend": False,
    }
