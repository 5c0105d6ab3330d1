"""Cases that only Cassandra has: single writes by consistency, batches in flight, and ways to filter."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from workbench.bench import data
from workbench.bench.cases import SIZES, Call, Case

if TYPE_CHECKING:
    from workbench.bench.stage import Stage
    from workbench.logs.cassandra import CassandraLogStore

_ROWS: Final = SIZES["100k"]
_BATCH: Final = 1_000
_IN_FLIGHT: Final = {"one": 1, "two": 2, "eight": 8}
_LIMIT: Final = 1_000


def cassandra_cases(rows: int) -> list[Case]:
    """Writes and filters on the hundred thousand lines that the other cases read."""
    if rows < _ROWS:
        return []
    make = partial(Case, "cassandra", rows=_ROWS, lines=True)
    batches = [
        make(f"batch_{name}_in_flight", f"a batch of 1,000 lines, {count} in flight", setup=partial(_batches, count))
        for name, count in _IN_FLIGHT.items()
    ]
    return [
        make("write_one", "one line, at ONE", setup=partial(_write, "ONE")),
        make("write_quorum", "one line, at QUORUM", setup=partial(_write, "QUORUM")),
        *batches,
        make("allow_filtering", "warnings of one day of all hosts, ALLOW FILTERING", setup=_allow_filtering,
             peer_of="filtered", peer_kind="alternative"),
        make("arrow_filter", "the whole partition, filtered in Arrow", setup=_arrow_filter, peer_of="filtered",
             peer_kind="alternative"),
    ]  # fmt: skip


def _store(stage: Stage) -> CassandraLogStore:
    store: Any = stage.logs("cassandra", _ROWS)
    return store  # type: ignore[no-any-return]


def _lines(stage: Stage) -> Callable[..., Any]:
    """A function that makes a batch of a thousand lines of one partition, each with ids of its own."""
    from workbench.logs.prepare import partition_key
    from workbench.logs.wire import WireBatch, encode

    store = _store(stage)
    target = store.target
    table = next(iter(data.log_batches(_ROWS, data.SEED + 2))).rows
    first = table["log_date"][0]
    rows = table.filter(pc.equal(table["log_date"], first)).slice(0, _BATCH)
    columns = [rows[name].combine_chunks() for name in target.shape.columns]
    wire = encode(target.insert_row, [*columns, pa.repeat(pa.scalar(86_400, pa.int32()), rows.num_rows)])
    days, bucket = first.value, 0 if target.shape.parts else None
    key = partition_key(rows["hostname"][0].as_py(), days, bucket)

    def make(count: int = rows.num_rows) -> Any:
        from workbench.logs.driver import RowsBatch

        batch = WireBatch(wire.slice(0, count), count, time.time_ns() // 1000)
        return RowsBatch(batch, store.address.keyspace, key)

    return make


def _write(consistency: str, stage: Stage) -> Call:
    from cassandra import ConsistencyLevel

    from workbench.logs.driver import WRITE

    session, make = _store(stage).session, _lines(stage)
    level = ConsistencyLevel.name_to_value[consistency]

    def run() -> object:
        batch = make(1)
        batch.consistency_level = level
        return session.execute(batch, execution_profile=WRITE)

    return Call(run, items=1)


def _batches(in_flight: int, stage: Stage) -> Call:
    from workbench.logs.driver import WRITE

    session, make = _store(stage).session, _lines(stage)

    def run() -> object:
        futures = [session.execute_async(make(), execution_profile=WRITE) for _ in range(in_flight)]
        return [future.result() for future in futures]

    return Call(run, items=in_flight * _BATCH)


def _allow_filtering(stage: Stage) -> Call:
    from workbench.logs.driver import READ

    store = _store(stage)
    asked = store.session.prepare(
        f"SELECT log_timestamp, message FROM {store.address.keyspace}.infrastructure_logs "  # noqa: S608 - own keyspace
        f"WHERE log_date = ? AND severity = ? LIMIT {_LIMIT} ALLOW FILTERING"
    )
    return Call(partial(store.session.execute, asked, (data.log_days()[1], "warning"), execution_profile=READ))


def _arrow_filter(stage: Stage) -> Call:
    store = _store(stage)

    def run() -> object:
        lines = store.partition(data.log_hosts()[0], data.log_days()[1])
        return lines.filter(pc.equal(lines["severity"], "warning")).slice(0, _LIMIT)

    return Call(run)
