"""What Cassandra's nodes tell of partitions, tombstones, heaps and the cluster, each with its number and its limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from workbench import format as human
from workbench.bench.finding import Finding
from workbench.bench.history import Run

PARTITION_MIB: Final = 100
"""Above it, reads, compaction and repair of a partition become slow (docs/cassandra.md)."""
TOMBSTONES: Final = 0.2
"""More tombstones than this share of the live rows of a read are worth a look ..."""
FEW_TOMBSTONES: Final = 10
"""... if there are more than so many."""
HEAP_SHARES: Final = (0.15, 0.35)
"""A heap is about a quarter of the memory (docs/cassandra.md): a smaller one collects garbage all the time, a larger
one takes memory from the file cache."""
_QUARTER: Final = 0.25
_PARTS: Final = (2, 3, 4, 6, 8, 12, 24)
_GAINS: Final = {"compaction": "fewer files a read", "nodes": "all replicas answer again"}
_Rows = Sequence[Mapping[str, Any]]


def cassandra_findings(run: Run) -> Iterator[Finding]:
    """All of them, also those that are fine."""
    said: Mapping[str, Any] | None = run.evidence.get("cassandra")
    name = "Cassandra: partitions, tombstones, heap"
    if said is None or said.get("error"):
        yield Finding(name, "not measured", (said or {}).get("error") or "Cassandra was not part of this run.")
        return
    tables: _Rows = said.get("tables", ())
    yield from _partitions(tables)
    yield from _tombstones(tables)
    yield from _heaps(said.get("heaps") or {}, said.get("shared"))
    for one in said.get("health", ()):
        label = f"Cassandra: {one['name']}"
        if one["state"] == "ok":
            yield Finding(label, "fine", one["detail"])
        else:
            yield Finding(label, "look", one["detail"], one["remedy"], _GAINS.get(one["name"], ""))


def _of(table: Mapping[str, Any]) -> str:
    return f"{table['keyspace']}: {table['table_name']}, {table['node']}"


def _partitions(tables: _Rows) -> Iterator[Finding]:
    """Those over the limit; where there are none, the largest."""
    sizes = [(table["largest_partition_mib"], table) for table in tables if table.get("largest_partition_mib")]
    large = [(size, table) for size, table in sizes if size > PARTITION_MIB]
    for size, table in large:
        parts = next((parts for parts in _PARTS if size / parts <= PARTITION_MIB), _PARTS[-1])
        yield Finding(
            f"Large partitions ({_of(table)})",
            "look",
            f"the largest is {size:,} MiB; the limit is {PARTITION_MIB} MiB",
            f"Load into a new keyspace whose days have {parts} parts: migrate(parts={parts}).",
            f"partitions of about {size / parts:,.0f} MiB; a question about an hour reads one of {parts} parts",
        )
    if sizes and not large:
        size, table = max(sizes, key=lambda pair: pair[0])
        yield Finding("Large partitions", "fine", f"the largest is {size:,} MiB of {PARTITION_MIB} ({_of(table)})")


def _tombstones(tables: _Rows) -> Iterator[Finding]:
    """Tables whose reads go through many; where there are none, the most that a read met."""
    read = [table for table in tables if table.get("tombstones_p99") is not None]
    many = [table for table in read if table["tombstones_p99"] > max(_most(table), FEW_TOMBSTONES)]
    for table in many:
        dead, live = table["tombstones_p99"], table.get("rows_per_read_p99") or 0
        yield Finding(
            f"Tombstones ({_of(table)})",
            "look",
            f"p99 of a read: {dead:,.0f} tombstones beside {live:,.0f} live rows; a fifth of these is much",
            "Let the time to live and time windows expire lines; do not delete them one by one, nor write nulls.",
            f"{human.share(round(dead / (dead + live), 2))} of what these reads go through",
        )
    if read and not many:
        table = max(read, key=lambda one: one["tombstones_p99"])
        yield Finding("Tombstones", "fine", f"p99 of a read is {table['tombstones_p99']:,.0f} at most ({_of(table)})")


def _most(table: Mapping[str, Any]) -> float:
    return TOMBSTONES * float(table.get("rows_per_read_p99") or 0)


def _heaps(heaps: Mapping[str, float], shared: Mapping[str, int] | None) -> Iterator[Finding]:
    """All heaps of a machine beside its memory, where that is known; else the machine that a heap is right for."""
    if not heaps:
        yield Finding("Heap", "not measured", "The nodes do not tell their limit of requests in flight.")
        return
    if shared is None:
        for node, heap in heaps.items():
            yield Finding(f"Heap ({node})", "fine", f"about {heap:.1f} GiB: a quarter of {heap / _QUARTER:.0f} GiB")
        return
    total, memory = sum(heaps.values()), shared["memory_gib"]
    part = total / memory
    evidence = (
        f"{human.count(len(heaps), 'node')} with {total:.1f} GiB of heap on a machine of {memory} GiB: "
        f"{human.share(round(part, 2))} of the memory; a quarter is right"
    )
    if HEAP_SHARES[0] <= part <= HEAP_SHARES[1]:
        yield Finding("Heap", "fine", evidence)
        return
    right = _QUARTER * memory / len(heaps)
    gain = "fewer and shorter collections of garbage" if part < _QUARTER else "memory for the file cache"
    yield Finding("Heap", "look", evidence, f"Set MAX_HEAP_SIZE={right * 1024:.0f}M on each node.", gain)
