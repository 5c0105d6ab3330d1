"""What to know about the data before trusting the figures: coverage, what could not be used, and what looks wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from workbench.metrics import queries
from workbench.metrics.coverage import ProjectCoverage, days_between
from workbench.metrics.dora import Asker, Question
from workbench.metrics.protocol import MetricStore, Reading
from workbench.model import Window

Severity = Literal["info", "warning"]
_LONG_GAP: Final = 4.0
"""A gap this many times the mean time between deployments, and of at least two weeks, is worth a look."""
_GAP_SECONDS: Final = 14 * 86_400
_UNCOVERED: Final = timedelta(days=28)
_WINDOW: Final = 0
_BEFORE: Final = 1
_FIRST_MOMENT: Final = datetime(1970, 1, 1)

_NOTES: Final[dict[str, tuple[Severity, str]]] = {
    "sample": ("warning", "This is generated sample data, not a real project."),
    "shallow": ("warning", "The clone is shallow: its history has an edge, and changes there have no lead time."),
    "tags_ignored": ("info", "Tags that do not match the pattern and count as no deployment: {n}{detail}."),
    "shared_commits": ("info", "Deployments with several tags on one commit, each counted once: {n}."),
    "tag_dates_used": ("info", "Deployments dated by their annotated tag: {n}."),
    "commit_dates_used": ("info", "Deployments dated by their commit, for want of a fitting tag date: {n}."),
    "tag_dates_refused": ("warning", "Tag dates more than 30 days from their commit, which were not used: {n}."),
    "excluded_authors": ("info", "Changes of excluded authors, left out: {n}."),
    "outside_path": ("info", "Changes that do not touch the chosen path, left out: {n}."),
    "reverts_unresolved": ("info", "Reverts that name no single known commit and prove nothing: {n}."),
    "reverts_same_deployment": ("info", "Reverts shipped together with what they revert, which is no failure: {n}."),
    "reverts_of_reverts": ("info", "Reverts that land an earlier change again, which is no failure: {n}."),
    "unreleased_changes": ("info", "Changes that no deployment has shipped yet: {n}."),
    "future_dates": ("warning", "Commits dated in the future: {n}."),
    "ancient_dates": ("warning", "Commits dated before 1990: {n}."),
    "superseded": ("info", "Rows replaced by a later version of themselves in the same file: {n}."),
    "other_environments": ("info", "Deployments to other environments than production, left out: {n}."),
    "committed_used": ("info", "Changes without an authored time, measured from their committed time: {n}."),
    "ignored_columns": ("info", "Columns that were not read: {detail}."),
}
"""What a source may say about itself (rows.Extract.notes), in words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. ``check`` is a stable code, ``count`` how many rows it concerns, ``text`` one sentence."""

    project: str
    check: str
    severity: Severity
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Quality:
    """The data-quality section: findings, and per project what time each kind of fact covers."""

    findings: tuple[Finding, ...]
    coverage: Mapping[str, ProjectCoverage]
    unlinked: tuple[Mapping[str, Any], ...]
    sample: bool
    reading: Reading | None = None
    """Of a primary server and a replica, which one was asked."""

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and figures.json."""
        return {
            "sample": self.sample,
            "reading": asdict(self.reading) if self.reading else None,
            "findings": [
                {name: getattr(item, name) for name in Finding.__dataclass_fields__} for item in self.findings
            ],
            "coverage": {
                project: {
                    fact: {"start": span.start.isoformat(), "end": span.end.isoformat()}
                    for fact, span in of.facts.items()
                }
                for project, of in self.coverage.items()
            },
        }


def inspect(store: MetricStore, question: Question, coverage: Mapping[str, ProjectCoverage]) -> Quality:
    """Look at the stored rows of the window, and at what their sources said of themselves."""
    asker = Asker(store)
    since, until = question.window.utc
    common: dict[str, Any] = {"projects": list(question.projects), "since": since, "until": until}
    records = asker.ask("import_records", projects=list(question.projects), size=1000)
    unlinked = asker.ask(
        "incident_rows",
        **common,
        only="unlinked",
        after_at=until,
        after_project="",
        after_cycle="",
        after_feature="",
        size=50,
    )
    findings = [
        *_coverage_findings(question.window, coverage),
        *_unshipped_findings(asker.ask("unshipped_changes", projects=list(question.projects))),
        *_lead_time_findings(asker.ask("missing_lead_times", **common)),
        *_incident_findings(_incident_counts(asker, question), question.link_hours),
        *_gap_findings(asker.ask("longest_gaps", **common), question.window),
        *_date_findings(asker.ask("suspicious_dates", projects=list(question.projects), now=question.future)),
        *_hull_findings(records, question.window),
        *_import_findings(records),
        *_link_findings(records, question.link_hours),
    ]
    sample = any("sample" in json.loads(record["notes"]) for record in records)
    order = {"warning": 0, "info": 1}
    findings.sort(key=lambda finding: (order[finding.severity], finding.project))
    return Quality(tuple(findings), coverage, tuple(unlinked), sample, store.reading())


def _incident_counts(asker: Asker, question: Question) -> list[dict[str, Any]]:
    since, until = question.window.utc
    edges = [(_WINDOW, since, until), (_BEFORE, _FIRST_MOMENT, since)]
    common: dict[str, Any] = {"projects": list(question.projects), "pooled": 0, "since": _FIRST_MOMENT, "until": until}
    return asker.ask("incident_counts", **common, spans=queries.spans(edges))


def _coverage_findings(window: Window, coverage: Mapping[str, ProjectCoverage]) -> Iterator[Finding]:
    for project, covered in coverage.items():
        for fact in ("deployments", "changes", "incidents"):
            part = covered.within(window, fact)
            if fact not in covered.facts:
                yield Finding(
                    project,
                    f"no_{fact}",
                    "warning",
                    0,
                    f"No imported source knows {fact}: what needs them has no data.",
                )
            elif part is None:
                span = covered.facts[fact]
                known = f"from {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}"
                text = f"{fact.capitalize()} are known {known}, outside the window."
                yield Finding(project, f"uncovered_{fact}", "warning", 0, text)
            elif not covered.complete(window, fact):
                days = days_between(part.start, part.end, window.timezone)
                whole = days_between(window.start, window.end, window.timezone)
                start, end = part.start.astimezone(UTC), part.end.astimezone(UTC)
                text = (
                    f"{fact.capitalize()} are known for {days:.1f} of {whole:.0f} days of the window "
                    f"({start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC); changes against it are not shown."
                )
                yield Finding(project, f"partly_covered_{fact}", "warning", 0, text)


def _unshipped_findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for row in rows:
        text = f"Changes whose deployment is not stored, so no figure counts them: {row['changes']} ({row['example']})."
        yield Finding(row["project"], "unshipped_changes", "warning", row["changes"], text)


def _lead_time_findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    why = {
        "first": "the first deployment of a history brings everything that came before it",
        "negative": "it would be negative, so a clock was wrong",
        "unknown": "their source gives none",
    }
    for row in rows:
        severity: Severity = "warning" if row["reason"] == "negative" else "info"
        which = f"{row['changes']} of the changes ({row['deployments']} of the deployments)"
        text = f"No lead time for {which}: {why[row['reason']]}."
        yield Finding(row["project"], f"no_lead_time_{row['reason']}", severity, row["changes"], text)


def _incident_findings(rows: list[dict[str, Any]], link_hours: float) -> Iterator[Finding]:
    for row in rows:
        if row["span"] == _WINDOW and row["unlinked"]:
            text = (
                f"Incidents of the window charged to no deployment: {row['unlinked']}. They name one that is not "
                f"stored, or began more than {link_hours:g} h after the latest one."
            )
            yield Finding(row["project"], "unlinked_incidents", "warning", row["unlinked"], text)
        if row["span"] == _WINDOW and row["replaced"]:
            text = f"Reverts in git that incidents files replace in the time they cover: {row['replaced']}."
            yield Finding(row["project"], "replaced_reverts", "info", row["replaced"], text)
        if row["span"] == _BEFORE and row["open"]:
            text = (
                f"Incidents that began before the window and are still open: {row['open']}, the first since "
                f"{row['oldest_open']:%Y-%m-%d}. They count in the window of their begin, not here."
            )
            yield Finding(row["project"], "older_open_incidents", "warning", row["open"], text)


def _gap_findings(rows: list[dict[str, Any]], window: Window) -> Iterator[Finding]:
    for row in rows:
        gap = (row["ended_at"] - row["started_at"]).total_seconds()
        mean = (window.utc[1] - window.utc[0]).total_seconds() / row["deployments"]
        if gap >= max(_GAP_SECONDS, _LONG_GAP * mean):
            days = f"from {row['started_at']:%Y-%m-%d} to {row['ended_at']:%Y-%m-%d} (UTC)"
            text = f"No deployment for {gap / 86_400:.0f} days, {days}."
            yield Finding(row["project"], "long_gap", "info", 1, text)


def _date_findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for row in rows:
        if row["future"]:
            text = f"Stored rows dated after now: {row['future']}, the last {row['latest']:%Y-%m-%d}."
            yield Finding(row["project"], "future_rows", "warning", row["future"], text)
        if row["ancient"]:
            text = f"Stored rows dated before 1990: {row['ancient']}, the first {row['earliest']:%Y-%m-%d}."
            yield Finding(row["project"], "ancient_rows", "warning", row["ancient"], text)


def _link_findings(records: list[dict[str, Any]], link_hours: float) -> Iterator[Finding]:
    """Links are made at import; a setting that was changed since then has no effect yet."""
    made = {record["project"]: json.loads(record["notes"]).get("link_hours", link_hours) for record in records}
    for project, hours in sorted(made.items()):
        if hours != link_hours:
            text = (
                f"Incidents were charged with a gap of at most {hours:g} h, the setting is {link_hours:g} h now: "
                "import something again to apply it."
            )
            yield Finding(project, "link_hours_changed", "warning", 0, text)


def _hull_findings(records: list[dict[str, Any]], window: Window) -> Iterator[Finding]:
    """Coverage runs from the first to the last import of a source; a long silence between two is worth saying."""
    since, until = window.utc
    ends: dict[tuple[str, str], datetime] = {}
    for record in sorted((r for r in records if r["covered_from"] is not None), key=lambda r: r["covered_from"]):
        place, start = (record["project"], record["source"]), record["covered_from"]
        end = ends.get(place, start)
        if start - end >= _UNCOVERED and end < until and start > since:
            text = (
                f"No import of {record['source']} covers {end:%Y-%m-%d} to {start:%Y-%m-%d}; it counts as a time in "
                "which nothing happened."
            )
            yield Finding(record["project"], "gap_between_imports", "warning", 0, text)
        ends[place] = max(end, record["covered_to"])


def _import_findings(records: list[dict[str, Any]]) -> Iterator[Finding]:
    counts: Counter[tuple[str, str]] = Counter()
    details: dict[tuple[str, str], str] = {}
    for record in records:
        project, notes = record["project"], json.loads(record["notes"])
        if record["rejected"]:
            text = f"Rows of {record['origin']} that were rejected: {record['rejected']}; the reject file says why."
            yield Finding(project, "rejected_rows", "warning", record["rejected"], text)
        for code in _NOTES.keys() & notes.keys():
            counts[project, code] += notes[code] if isinstance(notes[code], int) else 1
        if examples := notes.get("ignored_examples"):
            details[project, "tags_ignored"] = f" ({examples})"
        if columns := notes.get("ignored_columns"):
            details[project, "ignored_columns"] = str(columns)
    for (project, code), count in sorted(counts.items()):
        if count:
            severity, text = _NOTES[code]
            yield Finding(project, code, severity, count, text.format(n=count, detail=details.get((project, code), "")))
