"""Tables: every figure, projects side by side, the slowest changes and the failed deployments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from workbench import format as human
from workbench.answer import Answer, headlines, listed
from workbench.charts.timeline import CAUSES
from workbench.charts.trends import NAMES
from workbench.display.fragment import Column, cut, folded, identifier, link, muted, table, text, unbroken
from workbench.display.marks import change_mark, explanation, level_badge, value_markup
from workbench.model import METRICS, Statistic

Row = Mapping[str, Any]
STATISTICS: Final[dict[Statistic, str]] = {
    "per_week": "per week",
    "median_days_per_week": "median days per week",
    "median": "median",
    "mean": "mean",
    "p90": "90th percentile",
    "rate": "rate",
}
_ALL: Final = "All projects together"
MOST_PROJECTS: Final = 50
"""Projects that a display lists one by one."""


def figures_table(answer: Answer) -> str:
    """Every figure with its interval, count, level and change; of several projects a table each, folded."""
    names = listed(answer, MOST_PROJECTS)
    if len(names) == 1:
        return _figures(answer, names[0])
    tables = "".join(folded(_ALL if name is None else name, _figures(answer, name)) for name in names)
    return tables + left_out(answer)


def _figures(answer: Answer, project: str | None) -> str:
    columns = [
        Column("Metric", name=True), Column("Statistic"), Column("Value", True), Column("95 % interval", True),
        Column("n", True), Column("Level"), Column("Previous", True), Column("Change", True),
    ]  # fmt: skip
    rows = [
        [
            NAMES[made.metric],
            STATISTICS[made.statistic],
            value_markup(made),
            unbroken(human.interval(made.low, made.high, made.unit)),
            f"{made.n:,}",
            level_badge(made, answer.question.edition),
            "" if made.previous is None else text(human.value(made.previous, made.unit)),
            text(human.change(made)),
        ]
        for made in answer.measurement.figures
        if made.project == project
    ]
    return table(columns, rows)


def comparison_table(answer: Answer) -> str:
    """A row for each project (and the pooled one): the five headline figures with level and change."""
    columns = [Column("Project", name=True), *(Column(NAMES[metric]) for metric in METRICS)]
    of = headlines(answer)
    rows = []
    for project in listed(answer, MOST_PROJECTS):
        cells = []
        for metric in METRICS:
            made = of[project, metric]
            parts = [f"<strong>{value_markup(made)}</strong>", level_badge(made, answer.question.edition)]
            count = f'<span class="wb-n">n {made.n:,}</span>' if made.value is not None else ""
            cells.append(f'<div class="wb-cell">{"".join(parts)}{change_mark(made)}{count}</div>')
        rows.append([_name(project), *cells])
    return table(columns, rows) + left_out(answer) + explanation(answer, of_cards=False)


def left_out(answer: Answer) -> str:
    """Says which projects are shown where not all of them are."""
    if len(answer.projects) <= MOST_PROJECTS:
        return ""
    total = f"{len(answer.projects):,}"
    return muted(f"The {MOST_PROJECTS} of {total} projects with the most deployments; figures.json has all of them.")


def slowest_changes(answer: Answer, n: int = 10) -> str:
    """The changes with the longest lead times."""
    rows = answer.ask("slowest_changes", size=n)
    if not rows:
        return muted("No change of this window has a lead time.")
    several = len(answer.projects) > 1
    columns = [
        *([Column("Project", name=True)] if several else []),
        Column("Lead time", True), Column("Change"), Column("Title and author"), Column("Deployment"),
        Column("Deployed", True),
    ]  # fmt: skip
    return table(columns, _change_cells(answer, rows, several))


def _change_cells(answer: Answer, rows: list[dict[str, Any]], several: bool) -> Iterator[list[str]]:
    for row in rows:
        cells = [
            text(human.duration(float(row["lead_time"]))),
            link(identifier(row["change"]), row["url"]),
            "<br>".join(filter(None, (cut(row["title"]), f'<span class="wb-n">{text(row["author"] or "")}</span>'))),
            _deployment(row["deployment"], row["deployment_title"], None),
            human.moment(row["deployed_at"], answer.window.timezone),
        ]
        yield [*([_name(row["project"])] if several else []), *cells]


def failed_deployments(answer: Answer, n: int = 20) -> str:
    """The newest failed deployments, why they count as failed, and how long recovery took."""
    page = {"after_at": answer.window.utc[1], "after_project": "", "after_cycle": "", "size": n + 1}
    rows = answer.ask("deployment_rows", only="failed", **page)
    if not rows:
        return muted(_no_failures(answer))
    several = len(answer.projects) > 1
    columns = [
        *([Column("Project", name=True)] if several else []),
        Column("Deployed", True), Column("Deployment"), Column("Why"), Column("Changes", True),
        Column("Incidents", True), Column("Recovery", True),
    ]  # fmt: skip
    more = muted(f"The newest {n}; all of them: <code>dora.rows(&quot;change_fail_rate&quot;)</code>.")
    return table(columns, _failure_cells(answer, rows[:n], several)) + (more if len(rows) > n else "")


def _no_failures(answer: Answer) -> str:
    of = headlines(answer)
    rates = [of[project, "change_fail_rate"] for project in answer.projects]
    if all(rate.value is None for rate in rates):
        return "No data: see the card of the change fail rate for the reason."
    known = sum(rate.n for rate in rates if rate.value is not None)
    return f"None of {human.count(known, 'deployment')} is known to have failed."


def _failure_cells(answer: Answer, rows: list[dict[str, Any]], several: bool) -> Iterator[list[str]]:
    for row in rows:
        recovered = row["recovered_after"]
        open_ones = f" ({row['open_incidents']:,} open)" if row["open_incidents"] else ""
        cells = [
            human.moment(row["deployed_at"], answer.window.timezone),
            _deployment(row["deployment"], row["title"], row["url"]),
            CAUSES[row["cause"]] + ("; itself rework" if row["rework"] else ""),
            f"{row['changes']:,}",
            f"{row['incidents']:,}{open_ones}",
            text(human.duration(float(recovered)))
            if recovered is not None
            else "not known"
            if not open_ones
            else "open",
        ]
        yield [*([_name(row["project"])] if several else []), *cells]


def _deployment(cycle_id: str, title: str | None, url: str | None) -> str:
    """Its title and its id; either may be a link."""
    return f"{link(cut(title), url)}<br>{identifier(cycle_id)}" if title else link(identifier(cycle_id), url)


def _name(project: str | None) -> str:
    return _ALL if project is None else text(project)
