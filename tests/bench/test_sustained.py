"""Loads that go on: which lines they bring, how their times come about, and that a stall shows at a fixed rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from workbench.bench import data
from workbench.bench.sustained import SLICE, as_fast_as_it_goes, at_a_rate, endless
from workbench.logs.protocol import LoadReport, LogBatch

POOL = list(data.log_batches(3_000, hosts=3))


class Store:
    """Takes every batch at once, but for a stall before the first."""

    def __init__(self, stall: float = 0.0) -> None:
        self.stall = stall
        self.taken: list[LogBatch] = []

    def load(
        self, batches: Iterable[LogBatch], *, resume: bool = True, progress: Callable[[int, int | None], None]
    ) -> LoadReport:
        """Acknowledge each batch when it comes."""
        assert not resume, "a load that is resumed may skip what it has to write"
        lines = 0
        for batch in batches:
            time.sleep(self.stall if not self.taken else 0.0)
            self.taken.append(batch)
            lines += batch.rows.num_rows
            progress(lines, None)
        return LoadReport(lines, 0, 0, 0, 0, 0.0)

    @property
    def lines(self) -> pa.Table:
        """All that came."""
        return pa.concat_tables([batch.rows for batch in self.taken])


def store(stall: float = 0.0) -> Any:
    return Store(stall)


def test_lines_are_of_ever_new_hosts_and_otherwise_the_same() -> None:
    batches = list(islice(endless(POOL), 3 * len(POOL)))
    lines = pa.concat_tables([batch.rows for batch in batches])
    assert lines.schema == POOL[0].rows.schema
    assert len(lines["log_id"].unique()) == lines.num_rows, "a line came twice"
    assert len(lines["hostname"].unique()) == 9
    assert len({(batch.digest, batch.chunk) for batch in batches}) == len(batches)
    assert batches[0].rows["message"].equals(POOL[0].rows["message"])
    more = next(endless(POOL))
    assert more.rows["hostname"][0] not in lines["hostname"].unique(), "the next load would count days anew"


def test_a_closed_loop_gives_the_time_of_each_slice_and_the_rate_of_all_lines() -> None:
    taken = store()
    load = as_fast_as_it_goes(taken, POOL, 0.2)
    assert len(load.seconds) == taken.lines.num_rows // SLICE > 0
    assert (load.seconds >= 0).all()
    assert load.asked_rate is None
    whole = taken.lines.num_rows / SLICE / load.rate
    assert load.seconds.sum() <= whole * 1.000001, "slices take longer together than all of the lines"


def test_a_slow_store_is_given_the_time_that_one_slice_takes() -> None:
    load = as_fast_as_it_goes(store(stall=0.1), POOL, 0.05)
    assert len(load.seconds) >= 1
    assert load.seconds[0] >= 0.1


def test_at_a_fixed_rate_a_stall_shows_in_all_that_should_have_come_meanwhile() -> None:
    taken = store(stall=0.3)
    rate = 100 * POOL[0].rows.num_rows
    load = at_a_rate(taken, POOL, 0.3, rate)
    assert load.asked_rate == pytest.approx(rate / SLICE)
    assert abs(taken.lines.num_rows - rate * 0.3) <= 2 * POOL[0].rows.num_rows
    assert len(load.seconds) == len(taken.taken)
    late = np.sort(load.seconds)[::-1]
    assert late[0] >= 0.3
    assert (late[: len(late) // 3] > 0.1).all(), "batches that were due during the stall do not show it"
