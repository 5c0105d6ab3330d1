"""What benchmarks need of a Cassandra cluster beside a store: scratch keyspaces, and what its nodes can tell."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from workbench.bench.scratch import check
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.logs.cassandra import CassandraLogStore

_DAYS: Final = 2_000
"""Generated lines are of fixed days: long enough to keep them, short enough for what Cassandra can count (to 2038)."""
_MOST_REPLICAS: Final = 3
_SETTINGS: Final = (
    "num_tokens",
    "concurrent_writes",
    "commitlog_sync",
    "memtable_allocation_type",
    "compaction_throughput",
)


class CassandraServer:
    """One cluster. Every keyspace that it makes or drops is checked to be a benchmark's own."""

    def __init__(self, url: str, state: Path) -> None:
        self._url = url
        self._state = state

    def store(self, name: str, stack: ExitStack | None = None) -> CassandraLogStore:
        """A store in a scratch keyspace, closed when the stack ends."""
        from workbench.logs.cassandra import CassandraLogStore

        url = urlsplit(self._url)._replace(path=f"/{check(name)}").geturl()
        made = CassandraLogStore(url, self._state / name)
        if stack is not None:
            stack.callback(made.close)
        return made

    def create(self, name: str) -> None:
        """Make a scratch keyspace with the tables of the workbench, replicated to as many as three nodes."""
        store = self.store(name)
        try:
            hosts = [host for host in store.session.cluster.metadata.all_hosts() if host.is_up]
            replication = f"{hosts[0].datacenter}:{min(_MOST_REPLICAS, len(hosts))}"
        finally:
            store.close()
        store.migrate(replication=replication, days=_DAYS)

    def drop(self, name: str) -> None:
        """Remove a scratch keyspace, if it is there.

        Raises:
            StoreError: no node answers, or the user may not.
        """
        from workbench.logs import driver

        store = self.store(name)
        try:
            with driver.translated(store.address):
                store.session.execute(f"DROP KEYSPACE IF EXISTS {check(name)}", timeout=60)
        finally:
            store.close()

    def settings(self, store: CassandraLogStore) -> dict[str, str]:
        """The settings that speed depends on most, and how many nodes there are."""
        from workbench.logs import monitor

        found = monitor.settings(store.session)
        first = found[found["node"] == found["node"].min()].set_index("name")["value"]
        said = {name: str(first[name]) for name in _SETTINGS if name in first.index}
        return {"nodes": str(found["node"].nunique()), **said}

    def evidence(self, store: CassandraLogStore) -> dict[str, Any]:
        """Table health as the nodes tell it, and what a look at the cluster finds."""
        from workbench.logs import health

        try:
            tables = store.monitor().astype(object)
            rows = tables.where(tables.notna(), None).to_dict("records")
            looked = [finding._asdict() for finding in health.examine(store.session, store.address)]
        except WorkbenchError as error:
            return {"tables": [], "health": [], "error": str(error)}
        return {"tables": rows, "health": looked}
