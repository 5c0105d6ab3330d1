"""The five metrics as cards: value, level, interval, count, change and a small trend line; no data is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from workbench import format as human
from workbench.answer import Answer, figure, why_none
from workbench.charts.trends import COUNTED, TITLES
from workbench.display.fragment import text, unbroken
from workbench.display.marks import change_mark, explanation, level_badge, value_markup
from workbench.display.sparkline import sparkline
from workbench.display.tables import comparison_table
from workbench.metrics import queries
from workbench.metrics.figures import Counts
from workbench.metrics.levels import LEAST_DAYS, edition
from workbench.model import HEADLINES, METRICS, Figure, Metric, naive_utc

MOST_PROJECTS: Final = 6
"""More projects than this are compared in a table instead."""


def cards(answer: Answer, project: str | None = None) -> str:
    """The cards of one project, or of the pooled figures and each project, if they are few enough to read."""
    if project is not None:
        return _row(answer, project, _open_incidents(answer)) + explanation(answer)
    shown: list[str | None] = [None] if answer.question.pooled else []
    if len(answer.projects) <= MOST_PROJECTS:
        shown += answer.projects
    if not shown:
        return comparison_table(answer)
    incidents = _open_incidents(answer)
    rows = []
    for name in shown:
        title = "All projects together" if name is None else text(name)
        rows.append(f"<h3>{title}</h3>" if len(shown) > 1 else "")
        rows.append(_row(answer, name, incidents))
    return "".join(rows) + explanation(answer)


def _row(answer: Answer, project: str | None, incidents: Mapping[str, Mapping[str, Any]]) -> str:
    return f'<div class="wb-cards">{"".join(_card(answer, project, metric, incidents) for metric in METRICS)}</div>'


def _card(answer: Answer, project: str | None, metric: Metric, incidents: Mapping[str, Mapping[str, Any]]) -> str:
    made = figure(answer, project, metric, HEADLINES[metric])
    parts = [f'<h4 class="wb-card-title">{TITLES[metric]}</h4>', f'<div class="wb-value">{value_markup(made)}</div>']
    if made.value is None:
        parts.append(f'<div class="wb-n">{text(why_none(made))}</div>')
    else:
        parts += _details(answer, made)
    if metric == "change_fail_rate":
        parts.append(_causes_line(answer.measurement.rated.get(project or "", Counts())))
    if metric == "recovery_time":
        parts.append(_open_line(answer, incidents.get(project or "", {})))
    trend = [
        point
        for point in answer.measurement.trend
        if (point.project, point.metric, point.statistic) == (project, metric, HEADLINES[metric])
    ]
    parts.append(sparkline(trend))
    return f'<section class="wb-card" title="{text(made.rule)}">{"".join(parts)}</section>'


def _causes_line(counts: Counts) -> str:
    """How the failed deployments of the rate came to count as failed, and how many are too young to be settled."""
    causes = {
        "by own decision": counts.failed_no_go,
        "named": counts.failed_named,
        "reverted": counts.failed_revert,
        "by time": counts.failed_time,
        "not yet settled": counts.unsettled,
    }
    said = ", ".join(f"{number:,} {cause}" for cause, number in causes.items() if number)
    return f'<div class="wb-n">{text(said)}</div>' if said else ""


def _details(answer: Answer, made: Figure) -> list[str]:
    badge = level_badge(made, answer.question.edition) or f'<div class="wb-n">{_why_no_level(answer, made)}</div>'
    bounds = human.interval(made.low, made.high, made.unit)
    said = f"CI {unbroken(bounds)}" if bounds else "too few for an interval"
    kind = "median of " if HEADLINES[made.metric] == "median" else ""
    mark = change_mark(made) or '<span class="wb-change">no comparison</span>'
    return [
        badge,
        mark,
        f'<div class="wb-interval">{said}</div>',
        f'<div class="wb-n">{kind}{text(human.count(made.n, COUNTED[made.metric]))}</div>',
    ]


def _why_no_level(answer: Answer, made: Figure) -> str:
    if made.metric in edition(answer.question.edition).bands:
        return f"no level: fewer than {LEAST_DAYS} covered days"
    return f"no level in edition {text(answer.question.edition)}"


def _open_incidents(answer: Answer) -> dict[str, Mapping[str, Any]]:
    """The window's open incidents by project; '' of all together."""
    spans = queries.spans([(0, *answer.window.utc)])
    asked: list[Mapping[str, Any]] = []
    for pooled in (0, 1):
        asked += answer.ask("incident_counts", pooled=pooled, spans=spans)
    return {row["project"]: row for row in asked}


def _open_line(answer: Answer, counts: Mapping[str, Any]) -> str:
    if not counts.get("open"):
        return ""
    oldest: datetime = counts["oldest_open"]
    age = (naive_utc(answer.window.end) - oldest).total_seconds()
    return f'<div class="wb-open">{counts["open"]:,} still open, the oldest for {text(human.duration(age))}</div>'
