"""What to know about the data before trusting the figures: coverage, what could not be used, and what looks wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from typing import Any, Final, Literal

from workbench.metrics.coverage import ProjectCoverage, days_between
from workbench.metrics.dora import Asker, Question
from workbench.metrics.protocol import MetricStore
from workbench.model import Window, naive_utc

Severity = Literal["info", "warning"]
_LONG_GAP: Final = 4.0
"""A gap this many times the mean time between deployments, and of at least two weeks, is worth a look."""
_GAP_SECONDS: Final = 14 * 86_400

_NOTES: Final[dict[str, tuple[Severity, str]]] = {
    "sample": ("warning", "This is generated sample data, not a real project."),
    "shallow": (
        "warning",
        "The clone is shallow: history before its edge is missing, and changes there have no lead time.",
    ),
    "tags_ignored": ("info", "{n} tags do not match the pattern and count as no deployment{examples}."),
    "shared_commits": ("info", "{n} deployments have several tags on one commit; each counts once."),
    "tag_dates_used": ("info", "{n} deployments are dated by their annotated tag."),
    "commit_dates_used": (
        "info",
        "{n} deployments are dated by their commit: their tags have no date of their own that fits.",
    ),
    "tag_dates_refused": ("warning", "{n} tag dates lie more than 30 days from their commit and were not used."),
    "excluded_authors": ("info", "{n} changes of excluded authors were left out."),
    "outside_path": ("info", "{n} changes do not touch the chosen path and were left out."),
    "reverts_unresolved": ("info", "{n} reverts name no single known commit and prove nothing."),
    "reverts_same_deployment": ("info", "{n} reverts were shipped together with what they revert: no failure."),
    "reverts_of_reverts": ("info", "{n} reverts land an earlier change again: no failure."),
    "unreleased_changes": ("info", "{n} changes are in no deployment yet."),
    "future_dates": ("warning", "{n} commits are dated in the future."),
    "ancient_dates": ("warning", "{n} commits are dated before 1990."),
    "superseded": ("info", "{n} rows were replaced by a later version of themselves in the same file."),
    "other_environments": ("info", "{n} deployments to other environments than production were left out."),
    "committed_used": ("info", "{n} changes have no authored time; their committed time was used."),
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

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and figures.json."""
        return {
            "sample": self.sample,
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
        *_lead_time_findings(asker.ask("missing_lead_times", **common)),
        *_unlinked_findings(unlinked, question.link_hours),
        *_gap_findings(asker.ask("longest_gaps", **common), question.window),
        *_date_findings(
            asker.ask("suspicious_dates", projects=list(question.projects), now=naive_utc(question.moment))
        ),
        *_import_findings(records),
    ]
    sample = any("sample" in json.loads(record["notes"]) for record in records)
    order = {"warning": 0, "info": 1}
    findings.sort(key=lambda finding: (order[finding.severity], finding.project))
    return Quality(tuple(findings), coverage, tuple(unlinked), sample)


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
                text = f"{fact.capitalize()} are known from {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}, outside the window."
                yield Finding(project, f"uncovered_{fact}", "warning", 0, text)
            elif not covered.complete(window, fact):
                days = days_between(part.start, part.end, window.timezone)
                whole = days_between(window.start, window.end, window.timezone)
                text = (
                    f"{fact.capitalize()} are known for {days:.1f} of {whole:.0f} days of the window "
                    f"({part.start:%Y-%m-%d %H:%M} to {part.end:%Y-%m-%d %H:%M} UTC); changes against it are not shown."
                )
                yield Finding(project, f"partly_covered_{fact}", "warning", 0, text)


def _lead_time_findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    why = {
        "first": "belong to the first deployment of a history, which brings everything that came before it",
        "negative": "would have a negative lead time: a clock was wrong",
        "unknown": "have none in their source",
    }
    for row in rows:
        severity: Severity = "warning" if row["reason"] == "negative" else "info"
        text = f"{row['changes']} changes of {row['deployments']} deployments have no lead time: they {why[row['reason']]}."
        yield Finding(row["project"], f"no_lead_time_{row['reason']}", severity, row["changes"], text)


def _unlinked_findings(rows: list[dict[str, Any]], link_hours: float) -> Iterator[Finding]:
    for project in sorted({row["project"] for row in rows}):
        of = [row for row in rows if row["project"] == project]
        unknown = sum(row["link_rule"] == "unknown" for row in of)
        text = (
            f"{len(of)} incidents of the window are charged to no deployment: {unknown} name one that is not stored, "
            f"{len(of) - unknown} began more than {link_hours:g} h after the latest one."
        )
        yield Finding(project, "unlinked_incidents", "warning", len(of), text)


def _gap_findings(rows: list[dict[str, Any]], window: Window) -> Iterator[Finding]:
    for row in rows:
        gap = (row["ended_at"] - row["started_at"]).total_seconds()
        mean = (window.utc[1] - window.utc[0]).total_seconds() / row["deployments"]
        if gap >= max(_GAP_SECONDS, _LONG_GAP * mean):
            text = f"No deployment for {gap / 86_400:.0f} days, from {row['started_at']:%Y-%m-%d} to {row['ended_at']:%Y-%m-%d} (UTC)."
            yield Finding(row["project"], "long_gap", "info", 1, text)


def _date_findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for row in rows:
        if row["future"]:
            text = f"{row['future']} stored rows are dated after now, the last {row['latest']:%Y-%m-%d}."
            yield Finding(row["project"], "future_rows", "warning", row["future"], text)
        if row["ancient"]:
            text = f"{row['ancient']} stored rows are dated before 1990, the first {row['earliest']:%Y-%m-%d}."
            yield Finding(row["project"], "ancient_rows", "warning", row["ancient"], text)


def _import_findings(records: list[dict[str, Any]]) -> Iterator[Finding]:
    totals: dict[tuple[str, str], int] = {}
    for record in records:
        if record["rejected"]:
            text = f"{record['rejected']} rows of {record['origin']} were rejected; the reject file says why."
            yield Finding(record["project"], "rejected_rows", "warning", record["rejected"], text)
        notes = json.loads(record["notes"])
        for code in _NOTES.keys() & notes.keys():
            totals[record["project"], code] = totals.get((record["project"], code), 0) + int(notes[code] or 0)
        examples = notes.get("ignored_examples")
        if examples:
            totals[record["project"], f"examples:{examples}"] = 0
    for (project, code), count in sorted(totals.items()):
        if count and code in _NOTES:
            severity, text = _NOTES[code]
            examples = next((c[9:] for p, c in totals if p == project and c.startswith("examples:")), "")
            sentence = text.format(n=count, examples=f" ({examples})" if examples else "")
            yield Finding(project, code, severity, count, sentence)
