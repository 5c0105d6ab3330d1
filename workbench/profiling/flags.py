"""What looks wrong about a list of statements: one for each row, slow ones, and reading tables from end to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workbench.metrics.statements import Statement

MANY: Final = 5
"""So many different keys of one statement look like a loop that should have been a join."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing to look at: the question, how many of its statements it concerns, and one sentence."""

    kind: Literal["n_plus_one", "slow", "full_scan", "failed"]
    query: str
    count: int
    text: str


def flags_of(statements: Sequence[Statement], slow_seconds: float) -> tuple[Flag, ...]:
    """Everything to look at; each question at most once for each kind."""
    return (
        *_failed(statements),
        *_loops(statements),
        *_slow(statements, slow_seconds),
        *_full_scans(statements),
    )


def _failed(statements: Sequence[Statement]) -> Iterator[Flag]:
    failures = [statement for statement in statements if statement.error]
    for query, count in Counter(statement.query for statement in failures).items():
        reason = next(statement.error for statement in failures if statement.query == query)
        yield Flag("failed", query, count, f"{query} failed {_times(count)}: {reason}")


def _loops(statements: Sequence[Statement]) -> Iterator[Flag]:
    keys: dict[str, set[str]] = {}
    for statement in statements:
        keys.setdefault(statement.query, set()).add(statement.key)
    for query, different in keys.items():
        if len(different) >= MANY:
            text = f"{query} ran for {len(different)} keys, one after the other: ask for all of them at once (N+1)."
            yield Flag("n_plus_one", query, len(different), text)


def _slow(statements: Sequence[Statement], limit: float) -> Iterator[Flag]:
    slow = [statement for statement in statements if statement.seconds >= limit]
    for query, count in Counter(statement.query for statement in slow).items():
        longest = max(statement.seconds for statement in slow if statement.query == query)
        text = f"{query} took longer than {limit:g} s {_times(count)}, at most {longest:.2f} s."
        yield Flag("slow", query, count, text)


def _full_scans(statements: Sequence[Statement]) -> Iterator[Flag]:
    scanning = [statement for statement in statements if statement.plan and statement.plan.full_scans]
    for query, count in Counter(statement.query for statement in scanning).items():
        plan = next(statement.plan for statement in scanning if statement.query == query)
        scans = "; ".join(plan.full_scans or ()) if plan else ""
        yield Flag("full_scan", query, count, f"{query} reads from end to end: {scans}.")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
