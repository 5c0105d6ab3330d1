"""The health of Cassandra's tables in the performance report: a row for each table on each node, by its own account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.bench import words
from workbench.display.fragment import Column, folded, muted, note, table, text, unbroken
from workbench.logs.schema import LOGS

if TYPE_CHECKING:
    from workbench.bench.performance import Performance

_COLUMNS: Final = (
    Column("Table", name=True),
    Column("Node"),
    Column("Size", True),
    Column("Largest partition", True),
    Column("Reads", True),
    Column("Writes", True),
    Column("Rows", True),
    Column("Tombstones", True),
)


def table_health(it: Performance) -> str:
    """What the nodes count: the user's own tables and those of lines; those of counts are folded away."""
    said: Mapping[str, Any] = it.run.evidence.get("cassandra", {})
    found: list[Mapping[str, Any]] = said.get("tables", [])
    if not found:
        missing = said.get("error") or "Cassandra was not part of this run."
        return muted(f"{text(missing)} Set WORKBENCH_LOGS_URL and run workbench bench again.")
    first = [one for one in found if one["keyspace"] == said.get("keyspace") or one["table_name"] == LOGS]
    others = [one for one in found if one not in first]
    shown = table(_COLUMNS, [_row(one) for one in first]) if first else ""
    rest = folded("Tables of counts", table(_COLUMNS, [_row(one) for one in others])) if others else ""
    return _shared(said.get("shared")) + shown + rest + muted(_whose(said))


def _shared(shared: Mapping[str, int] | None) -> str:
    if not shared:
        return ""
    nodes, replicas = "The node", ""
    if shared["nodes"] > 1:
        nodes, replicas = f"All {shared['nodes']} nodes", " Here a replica brings work, but no processor."
    return note(
        f"{nodes} and the client share the {shared['cores']} cores and {shared['memory_gib']} GiB of this machine: "
        f"rates and times are those of all of them together.{replicas}"
    )


def _whose(said: Mapping[str, Any]) -> str:
    own = said.get("keyspace")
    first = f"{text(own)} is your own keyspace, of which only these statistics were read. " if own else ""
    return (
        f"{first}Keyspaces of the benchmark are named by what they are for: logs is read, load and rf… are written, "
        "index has an SAI index; they are gone now. The node's own percentiles (p50, p99) are of histograms with steps "
        "of a fifth, in whole milliseconds, without network and driver; a write may be a batch of 1,000 lines. Rows "
        "and tombstones are p99 of a read."
    )


def _row(one: Mapping[str, Any]) -> list[str]:
    name = str(one["table_name"]).removeprefix("infrastructure_")
    return [
        unbroken(f"{one['keyspace']}: {name}"),
        unbroken(str(one["node"]).rpartition(":")[0] or str(one["node"])),
        _mebibytes(one.get("size_mib")),
        _mebibytes(one.get("largest_partition_mib")),
        _timed(one, "read"),
        _timed(one, "write"),
        _number(one.get("rows_per_read_p99")),
        _number(one.get("tombstones_p99")),
    ]


def _number(value: float | None) -> str:
    return words.NONE if value is None else f"{value:,.0f}"


def _mebibytes(value: float | None) -> str:
    return unbroken(words.NONE if value is None else f"{value:,.0f} MiB")


def _timed(one: Mapping[str, Any], kind: str) -> str:
    """How many, and below that how long they took."""
    count, usual, late = one.get(f"{kind}s"), one.get(f"{kind}_p50_ms"), one.get(f"{kind}_p99_ms")
    if usual is None or late is None:
        return _number(count)
    return f'{_number(count)}<div class="wb-n">{unbroken(f"{_milliseconds(usual)}, {_milliseconds(late)}")}</div>'


def _milliseconds(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 1 else "< 1 ms"
