"""How the numbers were made: every rule in words, the levels, the statements that were run, and where the data are."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from workbench import format as human
from workbench.answer import Answer, listed
from workbench.charts.trends import TITLES
from workbench.display.fragment import Column, folded, table, text
from workbench.display.tables import MOST_PROJECTS, STATISTICS, left_out
from workbench.metrics.dora import Asked
from workbench.metrics.levels import edition
from workbench.model import METRICS, Metric

_DEFINITIONS: Final[dict[Metric, str]] = {
    "deployment_frequency": "Deployments per week: their number, divided by the covered days of the window, times 7. "
    "Beside it the median number of days with a deployment over the complete weeks, empty weeks included.",
    "lead_time": "From when a change was made to the deployment that first contained it; one value a change, by the "
    "time of the deployment. The first deployment of a history brings everything before it, so its changes have none.",
    "change_fail_rate": "Failed deployments divided by deployments. A deployment failed if its source says so, or if "
    "at least one incident is charged to it, whenever that incident began.",
    "recovery_time": "From the start of an incident that is charged to a deployment to its end; one value a fixed "
    "incident, by its start. Open incidents have no value yet and are counted beside it.",
    "rework_rate": "Deployments made because of an incident, divided by deployments. Independent of failing: one "
    "deployment can be both.",
}
_INTERVALS: Final = (
    "95 % intervals: exact Poisson for the frequency, Wilson for rates, order statistics for medians and 90th "
    "percentiles; none for means, and none where there are too few values. They treat deployments and changes as "
    "independent, but changes that are shipped together are not: the true uncertainty is larger."
)
_PREVIOUS: Final = (
    "The same number of calendar days before. A change is given only where the data cover both windows: in percentage "
    "points for rates, else relative to the previous value."
)
_NO_DATA: Final = (
    "A bucket or window that no source covers, or that has nothing to measure, has no value. It is never shown as 0."
)
_LONGEST_PARAMETER: Final = 400


def rules(answer: Answer) -> str:
    """Definitions, figures in words, statements, and the data they read."""
    return _definitions(answer) + _figure_rules(answer) + _statements(answer) + _provenance(answer)


def _definitions(answer: Answer) -> str:
    levels = edition(answer.question.edition)
    terms = [(TITLES[metric], _DEFINITIONS[metric]) for metric in METRICS]
    terms += [
        ("Incidents", _link_rule(answer)),
        ("Intervals", _INTERVALS),
        ("Levels", f"{levels.name}. Source: {levels.source}. {levels.note}"),
        ("Previous window", _PREVIOUS),
        ("No data", _NO_DATA),
    ]
    return _terms(terms)


def _terms(terms: Iterable[tuple[str, str]]) -> str:
    """Pairs of a name and what is said about it, both plain text."""
    said = "".join(f"<dt>{text(name)}</dt><dd>{text(meaning)}</dd>" for name, meaning in terms)
    return f'<dl class="wb-rules">{said}</dl>'


def _link_rule(answer: Answer) -> str:
    return (
        "An incident is charged to the deployment that it names; if it names none, to the latest deployment of its "
        f"project at most {answer.question.link_hours:g} hours before it began; else to none, and it is listed under "
        "data quality."
    )


def _figure_rules(answer: Answer) -> str:
    rows = []
    shown = set(listed(answer, MOST_PROJECTS))
    for made in answer.measurement.figures:
        if made.project not in shown:
            continue
        project = "All together" if made.project is None else text(made.project)
        rows.append([project, TITLES[made.metric], STATISTICS[made.statistic], text(made.rule)])
    columns = [Column("Project"), Column("Metric"), Column("Statistic"), Column("How it came about")]
    return folded(f"How each of the {len(rows)} figures came about", table(columns, rows) + left_out(answer))


def _statements(answer: Answer) -> str:
    seconds = sum(asked.seconds for asked in answer.asked)
    head = f"The {human.count(len(answer.asked), 'statement')} that were run, {human.duration(seconds)} in all"
    return folded(head, "".join(_statement(asked) for asked in answer.asked))


def _statement(asked: Asked) -> str:
    parameters = _terms((f":{name}", _shown(value)) for name, value in asked.parameters.items())
    head = f"{asked.query}: {human.count(asked.rows, 'row')} in {asked.seconds * 1000:.1f} ms"
    return folded(head, f'<p>{text(asked.sentence)}</p><pre class="wb-sql">{text(asked.sql)}</pre>{parameters}')


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.isoformat(' ')} UTC"
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return shown if len(shown) <= _LONGEST_PARAMETER else f"{shown[:_LONGEST_PARAMETER]} … ({len(shown):,} characters)"


def _provenance(answer: Answer) -> str:
    spans = [span for of in answer.measurement.coverage.values() for span in of.facts.values()]
    zone = answer.window.timezone
    known = "nothing"
    if spans:
        first, last = min(span.start for span in spans), max(span.end for span in spans)
        known = f"{human.moment(first, zone)} to {human.moment(last, zone)} ({zone})"
    terms = [
        ("Data", f"The imported sources cover {known}."),
        ("Store", "; ".join(f"{name} {value}" for name, value in answer.store().items())),
        ("Asked", f"{human.moment(answer.question.moment, zone)} ({zone})"),
        ("Versions", f"dora-workbench {_version()}, Python {platform.python_version()}"),
    ]
    return _terms(terms)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dora-workbench")
    except PackageNotFoundError:  # used from a checkout that is not installed
        return "(not installed)"
