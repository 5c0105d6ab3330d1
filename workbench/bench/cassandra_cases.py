"""Cases that only Cassandra has: single writes by consistency, batches in flight, and ways to filter."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from workbench.bench import data
from workbench.bench.cases import Call, Case
from workbench.bench.log_cases import COMMON, NEWEST, RARE, size_of, where
from workbench.logs.schema import LOGS

if TYPE_CHECKING:
    from workbench.bench.stage import Stage
    from workbench.logs.cassandra import CassandraLogStore

_BATCH: Final = 1_000
_IN_FLIGHT: Final = {"one": 1, "two": 2, "eight": 8}
_BATCHES_EACH: Final = 4
"""Batches of a call for each place in flight: most of them meet as many others as may be under way."""
_INDEXED: Final = ("severity",)


def cassandra_cases(rows: int) -> list[Case]:
    """Writes, and ways to filter the lines that the other cases read."""
    size = size_of(rows)
    make = partial(Case, "cassandra", rows=size, lines=True)
    other = partial(make, peer_of="filtered", peer_kind="alternative")
    batches = [
        make(f"batch_{name}_in_flight", f"a batch of 1,000 lines, {count} in flight", setup=partial(_batches, count))
        for name, count in _IN_FLIGHT.items()
    ]
    return [
        make("write_one", "one line, at ONE", setup=partial(_write, "ONE"), load=True),
        make("write_quorum", "one line, at QUORUM", setup=partial(_write, "QUORUM")),
        *batches,
        other("sai", "the same warnings, from a table with an SAI index", setup=partial(_indexed, size, COMMON)),
        other("arrow_filter", "the whole day, filtered in Arrow", setup=partial(_arrow_filter, size)),
        other("clustering", "warnings of one hour: a clustering restriction", setup=partial(_one_hour, size)),
        make("filtered_rare", "alerts of a host and day (one line in 10,000)", setup=partial(_rare, size)),
        make("sai_rare", "the same alerts, from a table with an SAI index", setup=partial(_indexed, size, RARE),
             peer_of="filtered_rare", peer_kind="alternative"),
        make("sai_everywhere", "alerts of all hosts and days, from a table with an SAI index",
             setup=partial(_everywhere, size, _INDEXED)),
        make("allow_filtering", "the same by ALLOW FILTERING: every line is read", setup=partial(_everywhere, size, ()),
             peer_of="sai_everywhere", peer_kind="alternative"),
        make("plain_read", "newest 1,000 lines with the plain driver, into pandas", setup=partial(_plain_read, size),
             peer_of="newest", peer_kind="peer"),
    ]  # fmt: skip


# --- writes ---


def _written(stage: Stage) -> tuple[CassandraLogStore, Callable[[int], Any]]:
    """A store to write into, and what makes batches of so many lines of one partition, always the same lines."""
    from workbench.logs.prepare import partition_key
    from workbench.logs.wire import WireBatch, encode

    store: Any = stage.empty_logs("cassandra")
    target = store.target
    table = next(iter(data.log_batches(20 * _BATCH, data.SEED + 2, hosts=1))).rows
    first = table["log_date"][0]
    rows = table.filter(pc.equal(table["log_date"], first)).slice(0, _BATCH)
    columns = [rows[name].combine_chunks() for name in target.shape.columns]
    wire = encode(target.insert_row, [*columns, pa.repeat(pa.scalar(86_400, pa.int32()), rows.num_rows)])
    key = partition_key(rows["hostname"][0].as_py(), first.value, 0 if target.shape.parts else None)

    def make(count: int) -> Any:
        from workbench.logs.driver import RowsBatch

        batch = WireBatch(wire.slice(0, count), count, time.time_ns() // 1000)
        return RowsBatch(batch, store.address.keyspace, key)

    return store, make


def _write(consistency: str, stage: Stage) -> Call:
    from cassandra import ConsistencyLevel

    from workbench.logs.driver import WRITE

    store, make = _written(stage)
    level = ConsistencyLevel.name_to_value[consistency]

    def run() -> object:
        batch = make(1)
        batch.consistency_level = level
        return store.session.execute(batch, execution_profile=WRITE)

    return Call(run, items=1)


def _batches(in_flight: int, stage: Stage) -> Call:
    """Keeps so many batches under way; the times are those of each batch, from sending to acknowledgement."""
    from workbench.logs.driver import WRITE

    store, make = _written(stage)

    def send(times: list[float]) -> Any:
        started = time.perf_counter()
        future = store.session.execute_async(make(_BATCH), execution_profile=WRITE)
        future.add_callback(lambda _rows: times.append(time.perf_counter() - started))
        return future

    def run() -> list[float]:
        times: list[float] = []
        flying: deque[Any] = deque()
        for _ in range(in_flight * _BATCHES_EACH):
            if len(flying) >= in_flight:
                flying.popleft().result()
            flying.append(send(times))
        for future in flying:
            future.result()
        return times

    return Call(run, items=_BATCH, tells_seconds=True)


# --- reads ---


def _read(stage: Stage, rows: int) -> CassandraLogStore:
    store: Any = stage.logs("cassandra", rows)
    return store  # type: ignore[no-any-return]


def _everywhere(rows: int, index: tuple[str, ...], stage: Stage) -> Call:
    """A question without the key of a partition, which the product never asks."""
    from workbench.logs import driver
    from workbench.logs.pages import answer

    store: Any = stage.logs("cassandra", rows, index=index)
    asked = driver.prepare(
        store.session,
        f"SELECT * FROM {store.address.keyspace}.{LOGS} WHERE severity = ? LIMIT {NEWEST}"  # noqa: S608 - own keyspace
        + ("" if index else " ALLOW FILTERING"),
    )
    return Call(partial(answer, store.session, asked, (RARE,), execution_profile=driver.READ))


def _indexed(rows: int, severity: str, stage: Stage) -> Call:
    store = stage.logs("cassandra", rows, index=_INDEXED)
    return Call(partial(store.partition, *where(), newest=NEWEST, severity=severity))


def _arrow_filter(rows: int, stage: Stage) -> Call:
    store = _read(stage, rows)

    def run() -> object:
        lines = store.partition(*where())
        return lines.filter(pc.equal(lines["severity"], COMMON)).slice(0, NEWEST)

    return Call(run)


def _one_hour(rows: int, stage: Stage) -> Call:
    """The hour in the middle of the day."""
    store, (host, day) = _read(stage, rows), where()
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return Call(
        partial(store.partition, host, day, newest=NEWEST, since=noon, until=noon + timedelta(hours=1), severity=COMMON)
    )


def _rare(rows: int, stage: Stage) -> Call:
    return Call(partial(_read(stage, rows).partition, *where(), newest=NEWEST, severity=RARE))


def _plain_read(rows: int, stage: Stage) -> Call:
    import pandas as pd

    from workbench.bench.plain_driver import PlainDriver

    store, (host, day) = _read(stage, rows), where()
    plain = PlainDriver(store.address)
    stage.own(plain.close)
    return Call(lambda: pd.DataFrame(plain.newest(host, day, NEWEST)))
