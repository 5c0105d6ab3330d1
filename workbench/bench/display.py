"""The performance report's tables and notes, of escaped text, in the same style as every other report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from workbench import format as human
from workbench.bench import words
from workbench.bench.cassandra_display import table_health
from workbench.bench.changes import LEAST
from workbench.bench.compare import FALSE_ALARMS, MARGIN, Change
from workbench.bench.display_evidence import bottlenecks, environment, plans, statements
from workbench.bench.display_verdicts import badge, case_name, headline, target_text, verdict_cards, verdicts
from workbench.bench.history import Result
from workbench.bench.performance import Performance
from workbench.bench.summary import Line
from workbench.display.fragment import Column, muted, note, table, text, unbroken

KINDS: Final = {"warm": "warm", "cold": "cold", "closed": "closed loop", "open": "open loop"}


def header(it: Performance) -> str:
    """Which run this is, and a warning if its machine was not quiet."""
    run = it.run
    facts = [
        ("Run", run.id),
        ("Stores", ", ".join(run.options.get("stores", ()))),
        ("Took", human.duration(run.seconds)),
        ("Machine", f"{run.machine['cpu']}, {human.count(run.machine['cores'], 'processor')}"),
    ]
    terms = "".join(f"<div><dt>{name}</dt><dd>{text(said)}</dd></div>" for name, said in facts)
    return f'<dl class="wb-header">{terms}</dl>{_noise(it)}'


def _noise(it: Performance) -> str:
    if not it.run.remarks:
        return ""
    said = "; ".join(text(remark) for remark in it.run.remarks)
    return note(
        f"<strong>This machine was not quiet:</strong> {said}. Compare ratios, and measure again before you rely "
        "on single figures.",
        "warning",
    )


def results(it: Performance) -> str:
    """Every result in numbers; times under load in a second table."""
    quiet = [line for line in it.lines if line.result.rate is None]
    loaded = [line for line in it.lines if line.result.rate is not None]
    columns = [
        Column("Case"),
        Column("n", True),
        Column("min", True),
        Column("median", True),
        Column("95 % interval", True),
        Column("p95", True),
        Column("p99", True),
        Column("Server", True),
        Column("Target"),
    ]
    if not any(line.server is not None for line in quiet):
        columns = [column for column in columns if column.head != "Server"]
    made = table(columns, [_result_row(line, len(columns) == 9) for line in quiet])
    return made + (_load_table(loaded) if loaded else "") + _left_out(it)


def _left_out(it: Performance) -> str:
    """Cases that could not be measured where this ran, and why."""
    said = [f"{text(case)}: {text(why)}" for case, why in it.run.evidence.get("left_out", {}).items()]
    return muted(f"Left out. {'; '.join(said)}.") if said else ""


def _result_row(line: Line, with_server: bool) -> list[str]:
    goals = "<br>".join(f"{unbroken(target_text(one))} {badge(one.verdict)}" for one in line.judged)
    server = [] if not with_server else ["" if line.server is None else unbroken(words.seconds(line.server))]
    return [
        case_name(line.result),
        f"{line.n:,}",
        unbroken(words.seconds(line.minimum)),
        unbroken(words.seconds(line.median.value)),
        unbroken(words.span(line.median.low, line.median.high)),
        unbroken(words.seconds(line.p95)),
        unbroken(words.seconds(line.p99)),
        *server,
        goals,
    ]


def _load_table(lines: list[Line]) -> str:
    columns = [
        Column("Under load"),
        Column("How"),
        Column("Callers", True),
        Column("Arrivals", True),
        Column("Answers", True),
        Column("median", True),
        Column("p95", True),
        Column("p99", True),
    ]
    rows = [
        [
            case_name(line.result),
            "open loop" if line.result.asked_rate else "closed loop",
            str(line.result.callers),
            text(_per_second(line.result, line.result.asked_rate) or "as they are answered"),
            text(_per_second(line.result, line.result.rate)),
            *(unbroken(words.seconds(value)) for value in (line.median.value, line.p95, line.p99)),
        ]
        for line in lines
    ]
    said = (
        "An open loop counts from when a call should have started: a stall shows in every call that it delays. Where "
        "a call is of many lines, rates are lines a second; a sustained load's times are those of 10,000 lines."
    )
    return table(columns, rows) + muted(said)


def _per_second(result: Result, calls: float | None) -> str:
    """Calls a second; lines a second where a call is of many."""
    return words.rate(result.items_a_second(calls)) if calls else ""


def ratio_table(it: Performance) -> str:
    """Peers and alternatives, each against ours in the same rounds."""
    if not it.ratios:
        return muted("No case of this run has a peer.")
    columns = [
        Column("Instead of"),
        Column("Somebody does"),
        Column("Kind"),
        Column("n", True),
        Column("Takes", True),
    ]
    rows = [
        [case_name(one.base), text(one.case.title), one.kind, f"{one.ratio.n:,}", unbroken(words.ratio(one.ratio))]
        for one in it.ratios
    ]
    return table(columns, rows) + muted(
        "Median of the ratios of neighbouring rounds, with its 95 % interval; n counts rounds. A peer does it as "
        "others do, an alternative is another way to use the same store."
    )


def changes(it: Performance) -> str:
    """What changed against the run before."""
    if it.comparison is None:
        return muted("This is the first run on this machine with these versions; there is nothing to compare it with.")
    columns = [
        Column("Case"),
        Column("State"),
        Column("Before", True),
        Column("Now", True),
        Column("Now / before", True),
        Column("Judgement"),
    ]
    order = {"slower": 0, "faster": 1, "undecided": 2, "same": 3, "not judged": 4}
    found = sorted(it.comparison.changes, key=lambda change: order[change.judgement])
    return (
        table(columns, [_change_row(change) for change in found])
        + muted(
            f"Against {text(it.comparison.old.id)}. Slower: the whole interval of the ratio is above {1 + MARGIN:.2f}, "
            "as it is and in units of a fixed piece of work. An unchanged program is flagged in at most "
            f"{100 * FALSE_ALARMS:.0f} % of comparisons."
        )
        + _change_points(it)
    )


def _change_points(it: Performance) -> str:
    """Where the history of a case has a step, the latest first."""
    if not it.change_points:
        few = f" Steps in the history are looked for from {LEAST} runs on." if len(it.earlier) + 1 < LEAST else ""
        return muted(f"The runs of this machine show no step.{few}")
    columns = [
        Column("Step in the history"),
        Column("From run"),
        Column("Then / before", True),
        Column("By chance", True),
    ]
    found = sorted(it.change_points, key=lambda step: step[1].id, reverse=True)
    rows = [
        [text(case), text(run.id), f"{badge('slower' if point.ratio > 1 else 'faster')} {words.digits(point.ratio)}",
         human.share(point.chance)]
        for case, run, point in found
    ]  # fmt: skip
    return table(columns, rows)


def _change_row(change: Change) -> list[str]:
    bounds = (
        ""
        if change.low is None or change.high is None
        else f" ({words.digits(change.low)} – {words.digits(change.high)})"
    )
    ratio = words.NONE if change.ratio is None else words.digits(change.ratio) + bounds
    reason = f'<div class="wb-n">{text(change.reason)}</div>' if change.reason else ""
    return [
        text(change.case),
        KINDS[change.kind],
        unbroken(words.seconds(change.old_median)),
        unbroken(words.seconds(change.new_median)),
        unbroken(ratio),
        badge(change.judgement) + reason,
    ]


PIECES: Final[Mapping[str, Callable[..., str]]] = {
    "headline": headline,
    "header": header,
    "cards": verdict_cards,
    "verdicts": verdicts,
    "results": results,
    "ratios": ratio_table,
    "changes": changes,
    "bottlenecks": bottlenecks,
    "plans": plans,
    "statements": statements,
    "cassandra": table_health,
    "environment": environment,
}
