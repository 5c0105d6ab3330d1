"""What ``nodetool tablestats`` tells, asked over CQL: every node's view of each table (keyspace ``system_views``)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from workbench.logs import driver
from workbench.logs.pages import answer

if TYPE_CHECKING:
    import pandas as pd

VIEWS: Final = {
    "disk_usage": {"mebibytes": "size_mib"},
    "max_partition_size": {"mebibytes": "largest_partition_mib"},
    "max_sstable_size": {"mebibytes": "largest_sstable_mib"},
    "local_read_latency": {"count": "reads", "p50th_ms": "read_p50_ms", "p99th_ms": "read_p99_ms"},
    "local_write_latency": {"count": "writes", "p50th_ms": "write_p50_ms", "p99th_ms": "write_p99_ms"},
    "local_scan_latency": {"count": "scans", "p50th_ms": "scan_p50_ms", "p99th_ms": "scan_p99_ms"},
    "tombstones_per_read": {
        "count": "tombstone_reads",
        "p50th": "tombstones_p50",
        "p99th": "tombstones_p99",
        "max": "tombstones_max",
    },
    "rows_per_read": {"count": "row_reads", "p50th": "rows_per_read_p50", "p99th": "rows_per_read_p99"},
}
"""View, and its columns as they are called here. The server rounds sizes up to whole MiB, and latencies to the nearest
whole millisecond."""
_TASKS: Final = "SELECT keyspace_name, table_name, kind, progress, total, unit FROM system_views.sstable_tasks"

_POOL_SECONDS: Final = 10.0
_TICK: Final = 0.01
_POOL: Final = "SELECT pending_tasks FROM system_views.thread_pools WHERE name = 'CompactionExecutor'"


def up(session: Any) -> list[Any]:
    """The nodes that answer, as far as the driver knows; each can be asked by itself.

    A session that has just connected has done so to one node; a question to another fails until its pool is there.
    """
    hosts = [host for host in session.cluster.metadata.all_hosts() if host.is_up]
    patience = time.monotonic() + _POOL_SECONDS
    while not session.get_pool_state().keys() >= set(hosts) and time.monotonic() < patience:
        time.sleep(_TICK)
    return hosts


def _frame(session: Any, host: Any, statement: str, parameters: tuple[str, ...] | None = None) -> pd.DataFrame:
    """One node's answer."""
    table = answer(session, statement, parameters, execution_profile=driver.READ, host=host)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _correction(host: Any, figures: list[str]) -> list[float]:
    """What each figure has to be multiplied by.

    Cassandra 4.1 and 5.0 keep latencies in microseconds and divide them as if they were nanoseconds, so their
    "milliseconds" are a thousandth of them, and whole milliseconds at that.
    """
    wrong = str(host.release_version).startswith(("4.1", "5.0"))
    return [1000.0 if wrong and name.endswith("_ms") else 1.0 for name in figures]


def _node(session: Any, host: Any, keyspace: str) -> pd.DataFrame:
    """The tables of one node, a row each."""
    joined: Any = None
    for view, columns in VIEWS.items():
        names = ", ".join(f'"{name}"' for name in columns)
        asked = f"SELECT keyspace_name, table_name, {names} FROM system_views.{view}"  # noqa: S608 - names from VIEWS
        found = _frame(session, host, asked)
        if "count" in columns:  # a percentile of nothing is no data
            figures = [name for name in columns if name != "count"]
            found[figures] = found[figures].where(found["count"] > 0) * _correction(host, figures)
        found = found.rename(columns=columns)
        found = found[found["keyspace_name"] == keyspace].drop(columns="keyspace_name").set_index("table_name")
        joined = found if joined is None else joined.join(found, how="outer")
    tasks = _frame(session, host, _TASKS)
    running = tasks[tasks["keyspace_name"] == keyspace].groupby("table_name").size()
    joined["sstable_tasks"] = running.reindex(joined.index, fill_value=0)
    pools = _frame(session, host, _POOL)
    joined["pending_compactions"] = int(pools["pending_tasks"].sum())
    joined.insert(0, "node", str(host.endpoint))
    frame: pd.DataFrame = joined.reset_index()
    return frame


def tables(session: Any, keyspace: str) -> pd.DataFrame:
    """Every table of a keyspace on every node that is up: sizes in MiB, latencies in ms since the node started.

    ``sstable_tasks`` is how many compactions and other rewrites are running, ``pending_compactions`` how many wait on
    the node, whichever table they are for. How many SSTables there are is not told over CQL.
    """
    import pandas as pd

    with ThreadPoolExecutor(8, "workbench-monitor") as pool:
        frames = list(pool.map(lambda host: _node(session, host, keyspace), up(session)))
    return pd.concat(frames, ignore_index=True).sort_values(["table_name", "node"], ignore_index=True)


def settings(session: Any) -> pd.DataFrame:
    """Every node's server settings: columns node, name, value."""
    import pandas as pd

    frames = []
    for host in up(session):
        frame = _frame(session, host, "SELECT name, value FROM system_views.settings")
        frame.insert(0, "node", str(host.endpoint))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
