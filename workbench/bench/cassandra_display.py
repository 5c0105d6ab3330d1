"""The health of Cassandra's tables in the performance report: a row for each table on each node, by its own account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.bench import words
from workbench.display.fragment import Column, muted, note, table, text, unbroken

if TYPE_CHECKING:
    from workbench.bench.performance import Performance

_COLUMNS: Final = (
    Column("Table", name=True),
    Column("Node"),
    Column("Size", True),
    Column("Largest partition", True),
    Column("Reads", True),
    Column("p50, p99", True),
    Column("Writes", True),
    Column("p50, p99", True),
    Column("Rows a read, p99", True),
    Column("Tombstones, p99", True),
    Column("Compactions", True),
)


def table_health(it: Performance) -> str:
    """What the nodes count, the user's own tables first."""
    said: Mapping[str, Any] = it.run.evidence.get("cassandra", {})
    found: list[Mapping[str, Any]] = said.get("tables", [])
    if not found:
        missing = said.get("error") or "Cassandra was not part of this run."
        return muted(f"{text(missing)} Set WORKBENCH_LOGS_URL and run workbench bench again.")
    return _shared(said.get("shared")) + table(_COLUMNS, [_row(one) for one in found]) + muted(_whose(said))


def _shared(shared: Mapping[str, int] | None) -> str:
    if not shared:
        return ""
    nodes = "The node" if shared["nodes"] == 1 else f"All {shared['nodes']} nodes"
    return note(
        f"{nodes} and the client share the {shared['cores']} cores and {shared['memory_gib']} GiB of this machine: "
        "rates and times are those of all of them together, and replicas bring work but no processor."
    )


def _whose(said: Mapping[str, Any]) -> str:
    own = said.get("keyspace")
    first = f"{text(own)} is your own keyspace, of which only these statistics were read. " if own else ""
    return (
        f"{first}Keyspaces of the benchmark are named by what they are for: logs is read, load and rf… are written, "
        "index has an SAI index; they are gone now. Sizes are rounded up to whole MiB; the nodes' percentiles are "
        "those of their histograms, whose steps are a fifth."
    )


def _row(one: Mapping[str, Any]) -> list[str]:
    return [
        text(f"{one['keyspace']}: {one['table_name']}"),
        text(one["node"]),
        _mebibytes(one.get("size_mib")),
        _mebibytes(one.get("largest_partition_mib")),
        _number(one.get("reads")),
        _times(one.get("read_p50_ms"), one.get("read_p99_ms")),
        _number(one.get("writes")),
        _times(one.get("write_p50_ms"), one.get("write_p99_ms")),
        _number(one.get("rows_per_read_p99")),
        _number(one.get("tombstones_p99")),
        _number(one.get("sstable_tasks")),
    ]


def _number(value: float | None) -> str:
    return words.NONE if value is None else f"{value:,.0f}"


def _mebibytes(value: float | None) -> str:
    return unbroken(words.NONE if value is None else f"{value:,.0f} MiB")


def _times(usual: float | None, late: float | None) -> str:
    """Both in milliseconds."""
    if usual is None or late is None:
        return words.NONE
    return unbroken(f"{words.seconds(usual / 1000)}, {words.seconds(late / 1000)}")
