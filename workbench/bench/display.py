"""The performance report's tables and notes, of escaped text, in the same style as every other report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from workbench import format as human
from workbench.bench import words
from workbench.bench.cassandra_display import table_health
from workbench.bench.compare import FALSE_ALARMS, MARGIN, Change
from workbench.bench.history import Result
from workbench.bench.performance import Performance
from workbench.bench.summary import Judged, Line
from workbench.bench.targets import SOURCES
from workbench.display.fragment import Column, folded, muted, note, table, text, unbroken

KINDS: Final = {"warm": "warm", "cold": "cold", "closed": "closed loop", "open": "open loop"}
_LEVELS: Final = {"met": "elite", "missed": "low", "undecided": "", "not known": "", "slower": "low", "faster": "elite"}
_MYSQL_REMEDY: Final = " Set WORKBENCH_METRICS_URL and run workbench bench again."


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


def verdict_cards(it: Performance) -> str:
    """How many targets are met, missed and undecided, and how many cases became slower."""
    counts = Counter(judged.verdict for _, judged in it.verdicts)
    total = counts.total()
    cards = [
        _card(
            "Targets met",
            f"{counts['met']} of {total}",
            "elite" if counts["met"] == total else "",
            "the whole 95 % interval is under the target",
        ),
        _card(
            "Targets missed", str(counts["missed"]), "low" if counts["missed"] else "", "the whole interval is over it"
        ),
        _card("Undecided", str(counts["undecided"]), "", "the interval holds the target, or too few times"),
        _regression_card(it),
    ]
    return f'<div class="wb-cards">{"".join(cards)}</div>'


def _card(title: str, value: str, level: str, small: str) -> str:
    mark = f'<span class="wb-level" data-level="{level}">{text(_LEVEL_WORDS[level])}</span>' if level else ""
    return (
        f'<section class="wb-card"><h4 class="wb-card-title">{text(title)}</h4>'
        f'<div class="wb-value">{text(value)}</div>{mark}<div class="wb-n">{text(small)}</div></section>'
    )


_LEVEL_WORDS: Final = {"elite": "good", "low": "look here"}


def _regression_card(it: Performance) -> str:
    if it.comparison is None:
        return _card("Slower than before", words.NONE, "", "no earlier run on this machine")
    slower = len(it.comparison.regressions)
    judged = sum(change.judgement != "not judged" for change in it.comparison.changes)
    return _card(
        "Slower than before", f"{slower} of {judged}", "low" if slower else "", f"against {it.comparison.old.id}"
    )


def verdicts(it: Performance) -> str:
    """Every target with what was found."""
    if not it.verdicts:
        return muted("No case of this run has a target.")
    columns = [
        Column("Case"),
        Column("Target"),
        Column("Found", True),
        Column("95 % interval", True),
        Column("n", True),
        Column("Asked by"),
        Column("Verdict"),
    ]
    said = " ".join(f"<strong>{name}</strong>: {text(meaning)}." for name, meaning in SOURCES.items())
    return table(columns, [_verdict_row(line, one) for line, one in it.verdicts]) + muted(said)


def _verdict_row(line: Line, one: Judged) -> list[str]:
    say = words.rate if one.target.at_least else words.seconds
    reason = f'<div class="wb-n">{text(one.reason)}</div>' if one.reason else ""
    return [
        _case(line.result, titled=True),
        f'{unbroken(target_text(one))}<div class="wb-n">{text(_percentile_text(one))}</div>',
        unbroken(words.NONE if one.found.value is None else say(one.found.value)),
        unbroken(words.span(one.found.low, one.found.high, say)),
        f"{one.found.n:,}",
        text(one.target.source),
        _badge(one.verdict) + reason,
    ]


def target_text(one: Judged) -> str:
    """``< 10.0 ms`` or ``≥ 100,000/s``."""
    return f"≥ {words.rate(one.target.limit)}" if one.target.at_least else f"< {words.seconds(one.target.limit)}"


def _percentile_text(one: Judged) -> str:
    share = "median" if one.target.percentile == 0.5 else f"p{100 * one.target.percentile:g}"
    return f"{share}, server time" if one.target.clock == "server" else share


def _case(result: Result, *, titled: bool = False) -> str:
    """The id on one line, with what it means below it or in its tooltip."""
    below = f'<div class="wb-n">{text(result.title)}</div>' if titled else ""
    return f'<strong class="wb-pair" title="{text(result.title)}">{text(result.case)}</strong>{below}'


def _badge(said: str) -> str:
    level = _LEVELS.get(said, "")
    return f'<span class="wb-level" data-level="{level}">{text(said)}</span>'


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
    return made + (_load_table(loaded) if loaded else "")


def _result_row(line: Line, with_server: bool) -> list[str]:
    goals = "<br>".join(f"{unbroken(target_text(one))} {_badge(one.verdict)}" for one in line.judged)
    server = [] if not with_server else ["" if line.server is None else unbroken(words.seconds(line.server))]
    return [
        _case(line.result),
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
            _case(line.result),
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
        Column("Instead of", name=True),
        Column("Somebody does"),
        Column("Kind"),
        Column("n", True),
        Column("Takes", True),
    ]
    rows = [
        [text(one.base.case), text(one.case.title), one.kind, f"{one.ratio.n:,}", unbroken(words.ratio(one.ratio))]
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
    return table(columns, [_change_row(change) for change in found]) + muted(
        f"Against {text(it.comparison.old.id)}. Slower: the whole interval of the ratio is above {1 + MARGIN:.2f}, as "
        "it is and in units of a fixed piece of work. An unchanged program is flagged in at most "
        f"{100 * FALSE_ALARMS:.0f} % of comparisons."
    )


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
        _badge(change.judgement) + reason,
    ]


def bottlenecks(it: Performance) -> str:
    """Findings with number, remedy and expected gain."""
    columns = [Column("Where", name=True), Column("Evidence of this run"), Column("Remedy"), Column("Expected gain")]
    rows = [
        [
            text(one.name) + ("" if one.state == "look" else f'<div class="wb-n">{one.state}</div>'),
            text(one.evidence),
            text(one.remedy),
            text(one.gain),
        ]
        for one in it.findings
    ]
    return table(columns, rows)


def plans(it: Performance, store: str = "mysql") -> str:
    """How a store ran the dashboard's questions, as it tells itself."""
    found: list[Mapping[str, Any]] = it.run.evidence.get(store, {}).get("plans", [])
    if not found:
        return muted(f"{text(store)} was not part of this run." + (_MYSQL_REMEDY if store == "mysql" else ""))
    rows: int = it.run.evidence[store]["rows"]
    shown = "".join(folded(plan["query"], f'<pre class="wb-sql">{text(plan["plan"])}</pre>') for plan in found)
    return muted(f"{text(store)}, {rows:,} rows: plans with measured rows and times.") + shown


def environment(it: Performance) -> str:
    """The fingerprint, the calibration figure, and what was asked for."""
    run = it.run
    terms = [(name, said) for name, said in _terms(run.machine)]
    terms += [
        ("fingerprint", run.key),
        ("calibration", f"{words.seconds(run.pace)} for the fixed work (arithmetic, objects, memory)"),
        ("dora-workbench", run.version),
        ("asked for", ", ".join(f"{name} {said}" for name, said in run.options.items() if said is not None)),
        ("runs on this machine", f"{len(it.earlier) + 1}"),
    ]
    body = "".join(f"<dt>{text(name)}</dt><dd>{text(said)}</dd>" for name, said in terms)
    return f'<dl class="wb-rules">{body}</dl>'


def _terms(machine: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, said in machine.items():
        if isinstance(said, Mapping):
            yield name, ", ".join(f"{part} {_plain(value)}" for part, value in said.items()) or "none"
        else:
            yield name.replace("_", " "), str(said)


def _plain(value: object) -> str:
    return " ".join(str(part) for part in value.values()) if isinstance(value, Mapping) else str(value)


PIECES: Final[Mapping[str, Callable[..., str]]] = {
    "header": header,
    "cards": verdict_cards,
    "verdicts": verdicts,
    "results": results,
    "ratios": ratio_table,
    "changes": changes,
    "bottlenecks": bottlenecks,
    "plans": plans,
    "cassandra": table_health,
    "environment": environment,
}
