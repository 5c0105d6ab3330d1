"""A load that goes on: lines of ever new hosts for many seconds, as fast as they are taken or at a fixed rate.

Lines go through a store's own ``load`` in one call, as from a file that does not end. The store says how many it has
acknowledged; from that come the times. At a fixed rate a batch arrives when its last line is due, whether or not the
store is ready for it, and its time counts from then until as many lines as had arrived by then are acknowledged: a
stall shows in every batch that it keeps waiting.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.bench import data
from workbench.bench.load import Load

if TYPE_CHECKING:
    from workbench.logs.protocol import LogBatch, LogStore

SLICE: Final = 10_000
"""Lines whose time is one value."""
_fleets = count(1)


def endless(pool: Sequence[LogBatch]) -> Iterator[LogBatch]:
    """The pool's lines again and again, each time as those of new hosts; no two loads of a process have the same."""
    while True:
        yield from data.as_of_others(pool, next(_fleets))


class _Acknowledged:
    """When how many lines were acknowledged, in seconds from the begin."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self._seconds: list[float] = [0.0]
        self._lines: list[int] = [0]

    def __call__(self, lines: int, _total: int | None) -> None:
        self._seconds.append(time.perf_counter() - self.begun)
        self._lines.append(lines)

    @property
    def rate(self) -> float:
        """Lines a second, from the begin to the last acknowledgement."""
        return self._lines[-1] / self._seconds[-1] if self._lines[-1] else 0.0

    @property
    def lines(self) -> int:
        return self._lines[-1]

    def when(self, lines: Sequence[int]) -> np.ndarray:
        """Seconds at which so many had been acknowledged."""
        return np.array(self._seconds)[np.searchsorted(self._lines, lines)]


def as_fast_as_it_goes(logs: LogStore, pool: Sequence[LogBatch], seconds: float) -> Load:
    """The closed loop: seconds of each SLICE lines (one at least), and the slices a second over the whole.

    Raises:
        StoreError: the store refused.
    """
    done = _Acknowledged()

    def lines() -> Iterator[LogBatch]:
        for batch in endless(pool):
            if time.perf_counter() - done.begun > seconds and done.lines >= SLICE:
                return
            yield batch

    logs.load(lines(), resume=False, progress=done)
    ends = done.when(range(SLICE, done.lines + 1, SLICE))
    return Load(1, None, done.rate / SLICE, np.diff(ends, prepend=0.0))


def at_a_rate(logs: LogStore, pool: Sequence[LogBatch], seconds: float, rate: float) -> Load:
    """The open loop: so many lines a second arrive; the seconds of each batch from when it was due.

    Raises:
        StoreError: the store refused.
    """
    done = _Acknowledged()
    arrived: list[int] = []

    def lines() -> Iterator[LogBatch]:
        total = 0
        for batch in endless(pool):
            total += batch.rows.num_rows
            if total > rate * seconds:
                return
            if (wait := done.begun + total / rate - time.perf_counter()) > 0:
                time.sleep(wait)
            arrived.append(total)
            yield batch

    logs.load(lines(), resume=False, progress=done)
    waited = done.when(arrived) - np.array(arrived) / rate
    return Load(1, rate / SLICE, done.rate / SLICE, waited)
