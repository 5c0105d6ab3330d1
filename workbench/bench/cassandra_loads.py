"""Loads of Cassandra: sustained ones by replication, and other loaders on the same lines in the same rounds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from workbench import format as human
from workbench.bench import sustained
from workbench.bench.cases import Call, Case, NotHere
from workbench.bench.log_cases import size_of
from workbench.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.bench.load import Load
    from workbench.bench.plain_driver import PlainDriver
    from workbench.bench.stage import Stage
    from workbench.logs.cassandra import CassandraLogStore

_SINGLES: Final = 2_000
_BATCHED: Final = 20_000
"""Lines of a call of each peer, no more than the case has: about a second of work, so that rounds stay short."""
_TRIED: Final = 500
"""Lines of the file with which a program is tried before anything is timed."""


class _Program(NamedTuple):
    """A program: the name of its case, what it does, and lines of a call, enough for its rate to settle."""

    case: str
    title: str
    lines: int


_PROGRAMS: Final = {
    "cqlsh": _Program("copy", "cqlsh COPY FROM a CSV file", 30_000),
    "dsbulk": _Program("dsbulk", "DSBulk from a CSV file", 60_000),
}
_REPLICAS: Final = (1, 3)


def load_peers(rows: int) -> list[Case]:
    """Other ways to load, each of so many lines as takes a second or two; ratios are of the time a line."""
    size = size_of(rows)
    make = partial(Case, "cassandra", rows=size, lines=True, peer_of="load", peer_kind="peer", warm_ups=1)
    programs = [
        make(program.case, f"the same with {program.title} (its own figure)", setup=partial(_program, name, size),
             warm_ups=0, slow=True)
        for name, program in _PROGRAMS.items()
    ]  # fmt: skip
    return [
        make("plain_inserts", "the same with the plain driver, execute_concurrent",
             setup=partial(_plain, "singles", size)),
        make("plain_batches", "the same with the plain driver, batches of 1,000",
             setup=partial(_plain, "batches", size)),
        *programs,
    ]  # fmt: skip


def sustained_loads(rows: int) -> list[Case]:
    """The loader for many seconds: with one replica of each line, and with three where there are as many nodes."""
    size = size_of(rows)
    return [
        Case("cassandra", f"sustained_rf{replicas}",
             f"load held, in slices of 10,000 lines, {human.count(replicas, 'replica')}", size,
             partial(_sustained, replicas, size), lines=True, sustained=True)
        for replicas in _REPLICAS
    ]  # fmt: skip


def _sustained(replicas: int, rows: int, stage: Stage) -> Call:
    from workbench.bench.cassandra import shared_machine

    logs: Any = stage.replicated_logs(replicas)
    pool = stage.pool(rows)

    def run(seconds: float, rate: float | None) -> Load:
        if rate is None:
            return sustained.as_fast_as_it_goes(logs, pool, seconds)
        return sustained.at_a_rate(logs, pool, seconds, rate)

    return Call(lambda: None, items=sustained.SLICE, sustain=run, note=_shared(shared_machine(logs)))


def _shared(here: Mapping[str, int] | None) -> str:
    """What has to be said beside a rate where nodes have no processors of their own."""
    if here is None:
        return ""
    return f"{human.count(here['nodes'], 'node')} and this client share {human.count(here['cores'], 'core')}"


def _loaded(stage: Stage, rows: int, most: int) -> tuple[CassandraLogStore, Callable[[], pa.Table], int]:
    """The store that the product loads into, what gives lines of ever new hosts, and how many (``most`` at most).

    They are the first of each batch, so that partitions are as full as those of the product's load.
    """
    store: Any = stage.empty_logs("cassandra")
    pool = stage.pool(rows)
    part = min(1.0, most / sum(batch.rows.num_rows for batch in pool))
    thin = [replace(batch, rows=batch.rows.slice(0, int(batch.rows.num_rows * part))) for batch in pool]
    lines = sustained.endless(thin)

    def give() -> pa.Table:
        return pa.concat_tables([next(lines).rows for _ in thin])

    return store, give, sum(batch.rows.num_rows for batch in thin)


def _plain(way: str, rows: int, stage: Stage) -> Call:
    from workbench.bench.plain_driver import PlainDriver, bound

    store, lines, items = _loaded(stage, rows, _SINGLES if way == "singles" else _BATCHED)
    plain: PlainDriver = PlainDriver(store.address)
    stage.own(plain.close)
    waiting: list[Any] = []

    def prepare() -> None:
        waiting[:] = bound(lines())

    return Call(lambda: getattr(plain, way)(waiting), prepare, items=items)


def _program(name: str, rows: int, stage: Stage) -> Call:
    """A program that loads a file. Its seconds are those that it says its load took, without its start."""
    from workbench.bench import log_peers

    program = log_peers.find(name)
    if program is None:
        raise NotHere(f"{name} is not installed ({log_peers.INSTALL})")
    store, lines, items = _loaded(stage, rows, _PROGRAMS[name].lines)
    path = stage.scratch.folder / f"{name}.csv"
    columns = store.target.shape.columns

    def prepare(most: int = items) -> None:
        log_peers.write_csv(_in_one_line(lines().slice(0, most)).select(columns), path)

    def run() -> tuple[float]:
        return (log_peers.LOADERS[name](program, store.address, columns, path).seconds,)

    stage.said(f"Trying {name} ...")
    prepare(_TRIED)
    try:
        run()
    except StoreError as error:
        raise NotHere(error.what) from None
    return Call(run, prepare, items=items, tells_seconds=True)


def _in_one_line(rows: pa.Table) -> pa.Table:
    """Messages without line breaks: cqlsh waits for ever on a file that has some."""
    place = rows.schema.get_field_index("message")
    return rows.set_column(place, rows.schema.field(place), pc.replace_substring(rows["message"], "\n", " "))
