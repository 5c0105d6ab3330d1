"""Cases of a log store: load, the newest lines, a filter, the counts. They use nothing but the protocol."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from workbench.bench import data
from workbench.bench.cases import SIZES, Call, Case
from workbench.bench.sustained import endless

if TYPE_CHECKING:
    from workbench.bench.stage import Stage
    from workbench.logs.protocol import LogBatch

MOST: Final = SIZES["100k"]
NEWEST: Final = 1_000
COMMON: Final = "warning"
RARE: Final = "alert"
"""Severities that one line in twenty and one in ten thousand have."""


def size_of(rows: int) -> int:
    """How many lines there are where a run has at most so many rows."""
    return min(rows, MOST)


def log_cases(store: str, rows: int) -> list[Case]:
    """The questions at a hundred thousand lines, or as many as are wanted if they are fewer."""
    size = size_of(rows)
    make = partial(Case, store, rows=size, lines=True)
    return [
        make("load", "load lines that are not there yet", setup=partial(_load, store, size), warm_ups=1),
        make("newest", "newest 1,000 lines of a host and day", setup=partial(_partition, store, size, {})),
        make("filtered", "newest 1,000 warnings of a host and day",
             setup=partial(_partition, store, size, {"severity": COMMON})),
        make("stats", "counts of a host and day", setup=partial(_stats, store, size)),
        make("recount", "the same counts from the lines", setup=partial(_recount, store, size),
             peer_of="stats", peer_kind="alternative"),
    ]  # fmt: skip


def where() -> tuple[str, Any]:
    """The host and day that is read: the busiest, with a fifth of all lines."""
    return data.log_hosts()[0], data.log_days()[1]


def _load(store: str, rows: int, stage: Stage) -> Call:
    logs, pool = stage.empty_logs(store), stage.pool(rows)
    lines = endless(pool)
    waiting: list[LogBatch] = []

    def prepare() -> None:
        # other hosts each time: lines of a day that has some already are counted anew
        waiting[:] = [next(lines) for _ in pool]

    items = sum(batch.rows.num_rows for batch in pool)
    return Call(lambda: logs.load(waiting, resume=False), prepare, items=items)


def _partition(store: str, rows: int, asked: dict[str, Any], stage: Stage) -> Call:
    return Call(partial(stage.logs(store, rows).partition, *where(), newest=NEWEST, **asked))


def _stats(store: str, rows: int, stage: Stage) -> Call:
    return Call(partial(stage.logs(store, rows).stats, *where()))


def _recount(store: str, rows: int, stage: Stage) -> Call:
    logs = stage.logs(store, rows)

    def run() -> object:
        lines = logs.partition(*where())
        return lines.group_by(["severity", "source"]).aggregate([([], "count_all")])

    return Call(run)
