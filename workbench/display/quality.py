"""What to know about the data before trusting the figures: findings, coverage, incidents without a deployment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from workbench import format as human
from workbench.answer import Answer, busiest
from workbench.display.fragment import Column, cut, identifier, link, muted, note, table, text
from workbench.display.tables import MOST_PROJECTS, left_out
from workbench.metrics.coverage import Fact, Span
from workbench.metrics.quality import Finding

_FACTS: Final[tuple[Fact, ...]] = ("deployments", "changes", "incidents")
_LINKS: Final = {
    "unknown": "it names a deployment that is not stored",
    "none": "no deployment is near enough before it",
}
_MOST_FINDINGS: Final = 200
_SAMPLE: Final = "This is sample data, generated to show what the report looks like. It describes no real project."


def quality(answer: Answer) -> str:
    """Which server was read, findings, the covered times, and the incidents that are charged to no deployment."""
    return _reading(answer) + _findings(answer) + _coverage(answer) + _unlinked(answer)


def sample_banner(answer: Answer) -> str:
    """Says that the data are invented, and of which projects if not of all; '' if none are."""
    invented = [finding.project for finding in answer.inspection.findings if finding.check == "sample"]
    if not invented or set(invented) == set(answer.projects):
        return note(_SAMPLE, "sample") if invented else ""
    names = ", ".join(sorted(invented))
    return note(f"Sample data, generated to show what the report looks like, are in: {text(names)}.", "sample")


def warnings_line(answer: Answer) -> str:
    """How many findings there are to read; '' if there is none."""
    warnings = [finding for finding in answer.inspection.findings if finding.severity == "warning"]
    return f"{human.count(len(warnings), 'warning')} about the data." if warnings else ""


def _reading(answer: Answer) -> str:
    reading = answer.inspection.reading
    return f"<p>{text(reading.text)}</p>" if reading else ""


def _findings(answer: Answer) -> str:
    findings = answer.inspection.findings
    if not findings:
        return muted("Nothing stands out in the stored data of this window.")
    several = len(answer.projects) > 1
    columns = [
        Column(""),
        *([Column("Project", name=True)] if several else []),
        Column("Finding"),
        Column("Rows", True),
    ]
    cells = [_finding_cells(finding, several) for finding in findings[:_MOST_FINDINGS]]
    more = len(findings) - len(cells)
    return table(columns, cells) + (muted(f"{more:,} more are in figures.json.") if more else "")


def _finding_cells(finding: Finding, several: bool) -> list[str]:
    mark = f'<span class="wb-severity" data-severity="{finding.severity}">{finding.severity}</span>'
    count = f"{finding.count:,}" if finding.count else ""
    return [mark, *([text(finding.project)] if several else []), text(finding.text), count]


def _coverage(answer: Answer) -> str:
    zone = answer.window.timezone

    def cells(project: str) -> Iterable[str]:
        yield text(project)
        for fact in _FACTS:
            span = answer.inspection.coverage[project].facts.get(fact)
            yield _span(span, zone) if span else "not known"

    columns = [Column("Project", name=True), *(Column(f"{fact.capitalize()} known") for fact in _FACTS)]
    caption = f"What time the imported sources cover ({text(zone)})"
    return table(columns, [list(cells(project)) for project in busiest(answer, MOST_PROJECTS)], caption) + left_out(
        answer
    )


def _span(span: Span, zone: str) -> str:
    return f"{human.moment(span.start, zone)}<br>to {human.moment(span.end, zone)}"


def _unlinked(answer: Answer) -> str:
    rows = answer.inspection.unlinked
    if not rows:
        return ""
    columns = [Column("Project", name=True), Column("Incident"), Column("Title"), Column("Began", True), Column("Why")]
    cells = [
        [
            text(row["project"]),
            link(identifier(row["incident"]), row["url"]),
            cut(row["title"]),
            human.moment(row["began_at"], answer.window.timezone),
            _LINKS.get(row["link_rule"], text(row["link_rule"])),
        ]
        for row in rows
    ]
    return table(columns, cells, f"Incidents charged to no deployment (the newest {len(rows):,})")
