"""The verdict of the performance report: a sentence, four cards, and each target beside what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from workbench import format as human
from workbench.bench import words
from workbench.bench.compare import Change
from workbench.bench.history import Result
from workbench.bench.performance import Performance
from workbench.bench.statistics import Verdict
from workbench.bench.summary import Judged, Line
from workbench.bench.targets import SOURCES
from workbench.display.fragment import Column, muted, note, table, text, unbroken

_LEVELS: Final = {"met": "elite", "missed": "low", "undecided": "", "not known": "", "slower": "low", "faster": "elite"}


def headline(it: Performance) -> str:
    """The verdict in a sentence or two: what is missed most, and whether anything became slower."""
    slower = it.comparison.regressions if it.comparison else ()
    missed = [(line, one) for line, one in it.verdicts if one.verdict == "missed"]
    said = f"<strong>{_targets_sentence(it, len(missed))}</strong>"
    if missed:
        said += f" {_furthest(*max(missed, key=lambda pair: _times_over(pair[1])))}"
    return note(f"{said} {_changes_sentence(it, slower)}", "warning" if missed or slower else "info")


def _targets_sentence(it: Performance, missed: int) -> str:
    counts, total = Counter(one.verdict for _, one in it.verdicts), len(it.verdicts)
    if not total:
        return "No case of this run has a target."
    if missed:
        return (
            f"{missed} of {human.count(total, 'target')} {'is' if missed == 1 else 'are'} missed, {counts['met']} met."
        )
    if counts["met"] == total:
        return f"All {total} targets are met." if total > 1 else "The target is met."
    return f"No target is missed; {counts['met']} of {total} are met, the others are open."


def _furthest(line: Line, one: Judged) -> str:
    found = _amount(one)(one.found.value or 0.0)
    return (
        f"Furthest off is {text(line.result.case)}: {text(words.share(one.target))} {unbroken(found)} where "
        f"{unbroken(target_text(one))} is asked ({words.digits(_times_over(one))} times)."
    )


def _times_over(one: Judged) -> float:
    found = one.found.value or 0.0
    return one.target.limit / found if one.target.at_least else found / one.target.limit


def _amount(one: Judged) -> Callable[[float], str]:
    return words.rate if one.target.at_least else words.seconds


def _changes_sentence(it: Performance, slower: Sequence[Change]) -> str:
    if it.comparison is None:
        return "It is the first run on this machine, so nothing is known to have changed."
    if not slower:
        return "No case is known to be slower than in the run before."
    worst = max(slower, key=lambda change: change.ratio or 0.0)
    count = f"{human.count(len(slower), 'case')} {'is' if len(slower) == 1 else 'are'}"
    return f"{count} slower than in the run before, {text(worst.case)} by {words.digits(worst.ratio or 0.0)} times."


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
        _card("Undecided", str(counts["undecided"] + counts["not known"]), "", _undecided_text(counts)),
        _regression_card(it),
    ]
    return f'<div class="wb-cards">{"".join(cards)}</div>'


def _undecided_text(counts: Counter[Verdict]) -> str:
    unknown = f"; {counts['not known']} of the server's time, which it does not tell" if counts["not known"] else ""
    return f"the interval holds the target, or too few times{unknown}"


def _card(title: str, value: str, level: str, small: str) -> str:
    mark = f'<span class="wb-level" data-level="{level}">{text(_LEVEL_WORDS[level])}</span>' if level else ""
    return (
        f'<section class="wb-card"><h4 class="wb-card-title">{text(title)}</h4>'
        f'<div class="wb-value">{text(value)}</div>{mark}<div class="wb-n">{text(small)}</div></section>'
    )


_LEVEL_WORDS: Final = {"elite": "good", "low": "look here"}


def _regression_card(it: Performance) -> str:
    if it.comparison is None:
        return _card("Slower now", words.NONE, "", "no earlier run on this machine")
    slower = len(it.comparison.regressions)
    judged = sum(change.judgement != "not judged" for change in it.comparison.changes)
    return _card("Slower now", f"{slower} of {judged}", "low" if slower else "", f"against {it.comparison.old.id}")


def verdicts(it: Performance) -> str:
    """Every target with what was found."""
    if not it.verdicts:
        return muted("No case of this run has a target.")
    columns = [Column("Case"), *(Column(f"The {source} asks") for source in SOURCES), Column("Measured"),
               Column("Found", True), Column("95 % interval", True), Column("n", True)]  # fmt: skip
    together: dict[tuple[object, ...], list[tuple[Line, Judged]]] = {}
    for line, one in it.verdicts:  # targets on the same number stand side by side
        same = (line.result.case, one.target.percentile, one.target.clock, one.target.at_least)
        together.setdefault(same, []).append((line, one))
    said = " ".join(f"<strong>{name}</strong>: {text(meaning)}." for name, meaning in SOURCES.items())
    return table(columns, [_verdict_row(pairs) for pairs in together.values()]) + muted(said)


def _verdict_row(pairs: Sequence[tuple[Line, Judged]]) -> list[str]:
    line, one = pairs[0]
    say = _amount(one)
    return [
        case_name(line.result, titled=True),
        *("<br>".join(_asked(other) for _, other in pairs if other.target.source == source) for source in SOURCES),
        text(words.share(one.target)),
        unbroken(words.NONE if one.found.value is None else say(one.found.value)),
        unbroken(words.span(one.found.low, one.found.high, say)),
        f"{one.found.n:,}",
    ]


def _asked(one: Judged) -> str:
    reason = f'<div class="wb-n">{text(one.reason)}</div>' if one.reason else ""
    return f"{unbroken(target_text(one))} {badge(one.verdict)}{reason}"


def target_text(one: Judged) -> str:
    """``< 10.0 ms`` or ``≥ 100,000/s``."""
    return f"≥ {words.rate(one.target.limit)}" if one.target.at_least else f"< {words.seconds(one.target.limit)}"


def case_name(result: Result, *, titled: bool = False) -> str:
    """The id, which a narrow page may break after the store, with what it means below it or in its tooltip."""
    below = f'<div class="wb-n">{text(result.title)}</div>' if titled else ""
    name = text(result.case).replace("/", "/<wbr>")
    return f'<strong title="{text(result.title)}">{name}</strong>{below}'


def badge(said: str) -> str:
    """A verdict or judgement in its colour."""
    level = _LEVELS.get(said, "")
    return f'<span class="wb-level" data-level="{level}">{text(said)}</span>'
