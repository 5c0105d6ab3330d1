"""A run as people and programs read it: a line a case, a verdict a target, a ratio for each peer and alternative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.bench.compare import FALSE_ALARMS, MARGIN, Comparison
from workbench.bench.history import Result, Run
from workbench.bench.statistics import (
    MEDIAN,
    Values,
    Verdict,
    estimate,
    paired_ratio,
    percentile,
    verdict,
)
from workbench.bench.targets import Target, targets
from workbench.model import Estimate

FORMAT: Final = 1
P95: Final = 0.95
P99: Final = 0.99


@dataclass(frozen=True, slots=True)
class Judged:
    """A target and what the run says about it: the estimate of the targeted percentile, and why it is undecided."""

    target: Target
    found: Estimate
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One result in numbers (seconds), with its targets. ``server`` is the median of the server's own time."""

    result: Result
    n: int
    minimum: float
    median: Estimate
    p95: float
    p99: float
    server: float | None
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """``case`` took ``ratio`` times as long as ``base`` for the same items, round by round. ``kind``: as peer_kind."""

    case: Result
    base: Result
    kind: str
    ratio: Estimate


def lines(run: Run) -> list[Line]:
    """A line for each result that has a time."""
    return [_line(result) for result in run.results if len(result.values)]


def _line(result: Result) -> Line:
    values = result.values
    of = [target for target in targets() if target.case == result.case] if result.kind == "warm" else []
    return Line(
        result, len(values), float(values.min()), estimate(values, MEDIAN), percentile(values, P95),
        percentile(values, P99),
        float(np.median(result.server)) if len(result.server) else None, tuple(judge(target, result) for target in of),
    )  # fmt: skip


def judge(target: Target, result: Result) -> Judged:
    """Whether a result meets a target."""
    values, share = _targeted(target, result)
    if not len(values):
        return Judged(target, Estimate(None, 0), "not known", "this server does not tell its own times")
    found = estimate(values, share)
    said = verdict(found, target.limit, at_least=target.at_least)
    return Judged(target, found, said, "" if said != "undecided" else _why(found))


def _targeted(target: Target, result: Result) -> tuple[Values, float]:
    """The values that a target is about, and the percentile of them: a slow call is a low rate."""
    if target.at_least:
        return result.items / result.values, 1 - target.percentile
    if target.clock == "server":
        return np.asarray(result.server, dtype=np.float64), target.percentile
    return result.values, target.percentile


def _why(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.n} times are too few for this percentile"
    return "the interval holds the target"


def ratios(run: Run) -> list[Ratio]:
    """Every case that has a peer or an alternative in the same rounds."""
    made = []
    for result in run.results:
        name = result.case.replace(f"/{result.name}@", f"/{result.peer_of}@")
        if result.peer_of and (base := run.result(name, "warm")) is not None:
            made.append(Ratio(result, base, result.peer_kind, paired_ratio(_by_item(result), _by_item(base))))
    return made


def _by_item(result: Result) -> dict[int, float]:
    """The median of each round, for one item: a peer need not handle as many as ours."""
    return {number: seconds / (result.items or 1) for number, seconds in result.rounds.items()}


def verdicts(run: Run) -> list[Judged]:
    """What the run says about every target that it measured."""
    return [judged for line in lines(run) for judged in line.judged]


def as_json(run: Run, comparison: Comparison | None = None) -> dict[str, Any]:
    """A run for a program; times are seconds, null where so few values say nothing."""
    return {
        "format": FORMAT,
        "run": {
            "id": run.id, "started": run.started.isoformat(), "seconds": run.seconds, "version": run.version,
            "options": dict(run.options), "machine": dict(run.machine), "key": run.key, "pace": run.pace,
            "remarks": list(run.remarks), "evidence": dict(run.evidence),
        },
        "cases": [_line_json(line) for line in lines(run)],
        "ratios": [
            {"case": one.case.case, "of": one.base.case, "kind": one.kind, **_estimate_json(one.ratio)}
            for one in ratios(run)
        ],
        "comparison": comparison_json(comparison) if comparison else None,
    }  # fmt: skip


def _line_json(line: Line) -> dict[str, Any]:
    result = line.result
    return {
        "case": result.case, "title": result.title, "kind": result.kind, "rows": result.rows, "n": line.n,
        "min": line.minimum, "median": line.median.value, "low": line.median.low, "high": line.median.high,
        "p95": line.p95, "p99": line.p99, "server": line.server, "items": result.items, "callers": result.callers,
        "asked_rate": result.asked_rate, "rate": result.rate,
        "targets": [
            {"limit": one.target.limit, "at_least": one.target.at_least, "percentile": one.target.percentile,
             "clock": one.target.clock, "source": one.target.source, "verdict": one.verdict, "reason": one.reason,
             **_estimate_json(one.found)}
            for one in line.judged
        ],
    }  # fmt: skip


def _estimate_json(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "n": found.n, "low": found.low, "high": found.high}


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison for a program."""
    names: Sequence[str] = ("case", "kind", "old_median", "new_median", "ratio", "low", "high", "judgement", "reason")
    return {
        "format": FORMAT,
        "old": comparison.old.id,
        "new": comparison.new.id,
        "differences": list(comparison.differences),
        "false_alarms": FALSE_ALARMS,
        "margin": MARGIN,
        "regressions": [change.case for change in comparison.regressions],
        "cases": [{name: getattr(change, name) for name in names} for change in comparison.changes],
    }
