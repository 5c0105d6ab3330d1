"""The pieces of the report on logs as HTML. Every text of a log is escaped, and its control characters are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Final

from workbench import format as human
from workbench.charts.logs import clean
from workbench.display.fragment import Column, Html, cut, folded, muted, note, table, text
from workbench.errors import ParameterError
from workbench.logs.digest import ERROR_WORDS, MASKS
from workbench.logs.findings import CHANCE, LEAST_EXPECTED, QUIET
from workbench.logs.overview import LogAnswer

_NAMED: Final = 8
_MOST_HOSTS: Final = 50
_NOTHING: Final = "No data: the hosts have no line in this window."


def header(answer: LogAnswer) -> str:
    """What it is about, and how many lines there are."""
    window, names = answer.window, answer.question.hosts
    shown = ", ".join(map(clean, names[:_NAMED])) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    errors = sum(host.errors for host in answer.hosts)
    warnings = sum(finding.severity == "warning" for finding in answer.findings)
    facts = [
        ("Hosts" if len(names) > 1 else "Host", shown),
        ("Window", f"{human.days(window.start, window.end)} ({human.count(window.days, 'day')}, {window.timezone})"),
        ("Asked", human.moment(answer.question.now, window.timezone)),
        ("Lines", f"{answer.lines:,}"),
        ("Error lines", f"{errors:,}" if answer.lines else "no data"),
        ("Bursts of errors", f"{len(answer.bursts):,}" if answer.lines else "no data"),
    ]
    terms = "".join(f"<div><dt>{name}</dt><dd>{text(said)}</dd></div>" for name, said in facts)
    said = f"{human.count(warnings, 'warning')} about the data: see Data quality."
    about = note(text(said), "warning") if warnings else ""
    return f'<dl class="wb-header">{terms}</dl>{about}'


def hosts(answer: LogAnswer) -> str:
    """A row for each host."""
    columns = [
        Column("Host", name=True), Column("Lines", True), Column("Error lines", True), Column("Share", True),
        Column("First line", True), Column("Last line", True),
    ]  # fmt: skip
    rows = [
        [
            text(clean(host.host)),
            f"{host.lines:,}",
            f"{host.errors:,}" if host.read else "no data",
            human.share(host.errors / host.read) if host.read else "",
            _moment(host.first, answer),
            _moment(host.last, answer),
        ]
        for host in sorted(answer.hosts, key=lambda host: -host.lines)[:_MOST_HOSTS]
    ]
    more = len(answer.hosts) - len(rows)
    return table(columns, rows) + (muted(f"{more:,} more with fewer lines.") if more > 0 else "")


def processes(answer: LogAnswer, n: int = 15) -> str:
    """The processes with the most lines."""
    rows = answer.processes.slice(0, n).to_pylist()
    if not rows:
        return muted(_NOTHING)
    total = sum(answer.processes["lines"].to_pylist())
    columns = [
        Column("Process", name=True), Column("Lines", True), Column("Share", True), Column("Error lines", True),
        Column("Hosts", True),
    ]  # fmt: skip
    cells = [
        [
            cut(clean(row["process"])),
            f"{row['lines']:,}",
            human.share(row["lines"] / total),
            f"{row['errors']:,}",
            f"{row['hosts']:,}",
        ]
        for row in rows
    ]
    return table(columns, cells)


def bursts(answer: LogAnswer, n: int = 20) -> str:
    """Hours with more error lines than chance explains."""
    if not answer.lines:
        return muted(_NOTHING)
    if not answer.bursts:
        return muted("No hour has more error lines than chance explains.")
    columns = [
        Column("Hour", True), Column("Host", name=True), Column("Error lines", True), Column("Usual", True),
        Column("Most from"),
    ]  # fmt: skip
    rows = [
        [
            _moment(burst.hour, answer),
            text(clean(burst.host)),
            f"{burst.lines:,}",
            human.number(burst.usual),
            cut(clean(burst.process)),
        ]
        for burst in answer.bursts[:n]
    ]
    more = len(answer.bursts) - len(rows)
    return table(columns, rows) + (muted(f"{more:,} more that are less unlikely.") if more > 0 else "")


def new_messages(answer: LogAnswer, n: int = 25) -> str:
    """Messages of a kind that the window before does not have."""
    found = answer.new_messages
    if not answer.lines:
        return muted(_NOTHING)
    if found is None:
        return muted("No data: there are no lines of the window before, so nothing can be told to be new.")
    if not found.num_rows:
        return muted("Every kind of message was there in the window before, too.")
    columns = [
        Column("Message, first seen"), Column("Process", name=True), Column("Lines", True), Column("Error lines", True),
        Column("Hosts"), Column("First seen", True),
    ]  # fmt: skip
    rows = [
        [
            cut(clean(row["sample"])),
            cut(clean(row["process"])),
            f"{row['lines']:,}",
            f"{row['errors']:,}",
            cut(", ".join(map(clean, row["hosts"]))),
            _moment(row["first_seen"], answer),
        ]
        for row in found.slice(0, n).to_pylist()
    ]
    more = found.num_rows - len(rows)
    return table(columns, rows) + (
        muted(f"{more:,} more kinds; figures.json has the first of them.") if more > 0 else ""
    )


def quality(answer: LogAnswer) -> str:
    """Findings, and the last loads."""
    if not answer.findings:
        return muted("Nothing stands out in the stored lines of this window.") + _loads(answer)
    rows = [
        [
            f'<span class="wb-severity" data-severity="{finding.severity}">{finding.severity}</span>',
            text(clean(finding.host)),
            text(clean(finding.text)),
            f"{finding.count:,}" if finding.count else "",
        ]
        for finding in answer.findings
    ]
    columns = [Column(""), Column("Host", name=True), Column("Finding"), Column("Count", True)]
    return table(columns, rows) + _loads(answer)


def _loads(answer: LogAnswer) -> str:
    if not answer.loads:
        return ""
    names = ("lines", "loaded", "skipped", "rejected")
    numbers = (Column(name.capitalize(), True) for name in names)
    columns = [Column("Loaded at (UTC)", True), Column("From", name=True), *numbers]
    rows = [
        [
            text(load["at"][:16].replace("T", " ")),
            cut(clean(", ".join(load["origins"]))),
            *(f"{load[name]:,}" for name in names),
        ]
        for load in answer.loads[:20]
    ]
    return folded("The last loads", table(columns, rows))


def rules(answer: LogAnswer) -> str:
    """How the numbers came about."""
    about = answer.store()
    masks = ", ".join(dict.fromkeys(mask for _, mask in MASKS))
    said = {
        "Lines": "All stored lines of the hosts in the window. Hours are UTC hours, shown in the report's time zone.",
        "Error lines": "Lines that state the severity error or worse; of those that state none, those with one of the "
        f"words {', '.join(ERROR_WORDS)}.",
        "What is read": f"Processes, error lines and messages come from the newest {answer.question.newest:,} lines of "
        "each host and day; the data quality says where that is not all of them.",
        "Bursts": "The error lines of an hour are compared with a Poisson law of the host's median hour (at least "
        f"{LEAST_EXPECTED:g}), over all hours from its first to its last line. An hour is a burst if the chance of so "
        f"many is below {CHANCE:g} divided by the number of those hours.",
        "New messages": f"Messages are compared by their first line, without what varies ({masks}), with all lines "
        "read of the same number of days before.",
        "Gaps": f"Hours in a row without a line, where by the median hour {QUIET:g} or more would be usual.",
        "Clock jumps": "Two kernel lines of one boot whose times are more than a minute farther apart, or nearer, "
        "than their seconds since boot.",
        "Data": f"{about['store']}, {about['version']}",
    }
    terms = "".join(f"<dt>{text(name)}</dt><dd>{text(rule)}</dd>" for name, rule in said.items())
    return f'<dl class="wb-rules">{terms}</dl>'


PIECES: Final[Mapping[str, Callable[..., str]]] = {
    "header": header,
    "hosts": hosts,
    "processes": processes,
    "bursts": bursts,
    "new_messages": new_messages,
    "quality": quality,
    "rules": rules,
}


def show(name: str, answer: LogAnswer, **options: Any) -> Html:
    """A piece by name, for the end of a notebook cell.

    Args:
        options: ``n`` rows of processes, bursts and new_messages.

    Raises:
        ParameterError: there is no such piece, or it has no such option.
    """
    if name not in PIECES:
        raise ParameterError(f"There is no display {name!r}.", f"There are: {', '.join(PIECES)}.")
    known = list(signature(PIECES[name]).parameters)[1:]
    if unknown := [option for option in options if option not in known]:
        raise ParameterError(
            f"The display {name} has no option {unknown[0]!r}.", f"It has: {', '.join(known) or 'none'}."
        )
    return Html(PIECES[name](answer, **options))


def _moment(moment: Any, answer: LogAnswer) -> str:
    return human.moment(moment, answer.window.timezone) if moment is not None else ""
