"""What the nodes of Cassandra say about the log tables, as a section of the report on logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from workbench.display.fragment import Column, muted, table, text

if TYPE_CHECKING:
    import pandas as pd

HEADING: Final = "The nodes\u2019 own view"
_SIZES: Final = {
    "size_mib": "Size, MiB",
    "largest_sstable_mib": "Largest SSTable, MiB",
    "largest_partition_mib": "Largest partition, MiB",
    "sstable_tasks": "Compactions",
    "pending_compactions": "Compactions waiting, of all tables",
}
_TIMES: Final = {
    "reads": "Reads",
    "read_p50_ms": "p50, ms",
    "read_p99_ms": "p99, ms",
    "writes": "Writes",
    "write_p50_ms": "p50, ms",
    "write_p99_ms": "p99, ms",
    "tombstones_p99": "Tombstones a read, p99",
    "tombstones_max": "most",
}


def section(frame: pd.DataFrame | None, failure: str = "") -> str:
    """Two tables, a row for each table and node; ``failure`` says why there are none."""
    head = f'<h2 id="nodes">{HEADING}</h2>'
    if frame is None:
        return head + muted(text(failure))
    rows = frame.to_dict("records")
    remark = muted("Counts and times are of each node since it started; sizes are rounded up to MiB by the server.")
    return head + _table(_SIZES, rows) + _table(_TIMES, rows) + remark


def _table(named: Mapping[str, str], rows: list[dict[Any, Any]]) -> str:
    columns = [Column("Table", name=True), Column("Node"), *(Column(said, True) for said in named.values())]
    cells = [[text(row["table_name"]), text(row["node"]), *(_figure(row[name]) for name in named)] for row in rows]
    return table(columns, cells)


def _figure(value: Any) -> str:
    """A number; nothing where there is no data."""
    return "" if value is None or value != value else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"
