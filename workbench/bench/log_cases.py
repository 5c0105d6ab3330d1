"""Cases of a log store: load, the newest lines, a filter, the counts. They use nothing but the protocol."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

from workbench.bench import data
from workbench.bench.cases import SIZES, Call, Case
from workbench.logs.protocol import LogBatch

if TYPE_CHECKING:
    from workbench.bench.stage import Stage

_ROWS: Final = SIZES["100k"]
_NEWEST: Final = 1000


def log_cases(store: str, rows: int) -> list[Case]:
    """The questions at a hundred thousand lines; none where fewer are wanted."""
    if rows < _ROWS:
        return []
    make = partial(Case, store, rows=_ROWS, lines=True)
    return [
        make("load", "load lines that are not there yet", setup=partial(_load, store), warm_ups=1),
        make("newest", "newest 1,000 lines of a host and day", setup=partial(_newest, store)),
        make("filtered", "newest 1,000 warnings of a host and day", setup=partial(_filtered, store)),
        make("stats", "counts of a host and day", setup=partial(_stats, store)),
        make("recount", "the same counts from the lines", setup=partial(_recount, store),
             peer_of="stats", peer_kind="alternative"),
    ]  # fmt: skip


def _load(store: str, stage: Stage) -> Call:
    logs = stage.logs(store, _ROWS)
    seeds = count(data.SEED + 1)
    waiting: list[list[LogBatch]] = []

    def prepare() -> None:
        seed = next(seeds)  # other hosts each time: lines of a day that has some already are counted anew
        waiting[:] = [list(data.log_batches(_ROWS, seed, fleet=f"fleet{seed}"))]

    return Call(lambda: logs.load(waiting[0], resume=False), prepare, items=_ROWS)


def _newest(store: str, stage: Stage) -> Call:
    logs = stage.logs(store, _ROWS)
    return Call(partial(logs.partition, data.log_hosts()[0], data.log_days()[1], newest=_NEWEST))


def _filtered(store: str, stage: Stage) -> Call:
    logs = stage.logs(store, _ROWS)
    return Call(partial(logs.partition, data.log_hosts()[0], data.log_days()[1], newest=_NEWEST, severity="warning"))


def _stats(store: str, stage: Stage) -> Call:
    logs = stage.logs(store, _ROWS)
    return Call(partial(logs.stats, data.log_hosts()[0], data.log_days()[1]))


def _recount(store: str, stage: Stage) -> Call:
    logs = stage.logs(store, _ROWS)

    def run() -> object:
        lines = logs.partition(data.log_hosts()[0], data.log_days()[1])
        return lines.group_by(["severity", "source"]).aggregate([([], "count_all")])

    return Call(run)
