"""What benchmarks need of a Cassandra cluster beside a store: scratch keyspaces, and what its nodes can tell."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from workbench.bench import machine
from workbench.bench.cases import NotHere
from workbench.bench.scratch import PREFIX, check
from workbench.errors import WorkbenchError
from workbench.logs.schema import LOGS, STATS

if TYPE_CHECKING:
    from workbench.logs.cassandra import CassandraLogStore

_DAYS: Final = 2_000
"""Generated lines are of fixed days: long enough to keep them, short enough for what Cassandra can count (to 2038)."""
_MOST_REPLICAS: Final = 3
_CHANCE: Final = 13
"""Characters of a scratch name that are drawn, with the line after them."""
_OF_NODES: Final = ("nodes", "versions", "schema", "batches")
"""What can be said without tables of the user's own: those of the benchmark are made for a few minutes."""
_BY_NUMBER: Final = ("heap", "partitions")
"""Told with the numbers of this run instead."""
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

    def create(self, name: str, *, replicas: int | None = None, index: tuple[str, ...] = ()) -> None:
        """Make a scratch keyspace with the tables of the workbench.

        Args:
            replicas: of each line; None: ``replicas()``.
            index: columns with a storage-attached index.

        Raises:
            NotHere: there are fewer nodes than replicas.
        """
        centre, nodes = self._nodes
        if replicas is not None and replicas > nodes:
            raise NotHere(f"it needs {replicas} nodes, and the cluster has {nodes} up")
        store = self.store(name)
        try:
            store.migrate(replication=f"{centre}:{replicas or self.replicas()}", days=_DAYS, index=index)
            _without_snapshots(store)
        finally:
            store.close()

    def replicas(self) -> int:
        """Of each line, where a case does not say how many: as many as there are nodes up, at most three."""
        return min(_MOST_REPLICAS, self._nodes[1])

    @cached_property
    def _nodes(self) -> tuple[str, int]:
        """The data centre, and how many nodes are up."""
        from workbench.logs import monitor
        from workbench.logs.cassandra import CassandraLogStore

        with CassandraLogStore(self._url, self._state) as store:
            hosts = monitor.up(store.session)
        return hosts[0].datacenter, len(hosts)

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

    def evidence(self, stores: Iterable[CassandraLogStore]) -> dict[str, Any]:
        """What the nodes tell: table health of the scratch keyspaces and of the user's own, heaps, other findings.

        Of the user's keyspace nothing but its definition and the nodes' statistics is read.
        """
        from workbench.logs import health
        from workbench.logs.cassandra import CassandraLogStore

        own = CassandraLogStore(self._url, self._state)
        try:
            keyspaces = own.session.cluster.metadata.keyspaces
            has_own = own.address.keyspace in keyspaces and LOGS in keyspaces[own.address.keyspace].tables
            tables = [row for store in (*([own] if has_own else []), *stores) for row in _tables(store)]
            looked = [finding._asdict() for finding in health.examine(own.session, own.address)]
            heaps, shared = health.heaps(own.session), shared_machine(own)
        except WorkbenchError as error:
            return {"tables": [], "health": [], "error": str(error)}
        finally:
            own.close()
        kept = [one for one in looked if has_own or one["name"] in _OF_NODES]
        return {"keyspace": own.address.keyspace if has_own else None, "tables": tables, "heaps": heaps,
                "shared": shared, "health": [one for one in kept if one["name"] not in _BY_NUMBER]}  # fmt: skip


def _without_snapshots(store: CassandraLogStore) -> None:
    """Let the nodes keep no copy of these tables when they are dropped; Cassandra 4.1 cannot be told so."""
    from workbench.logs import driver

    for table in (LOGS, STATS):
        with suppress(*driver.ServerErrors):
            store.session.execute(
                f"ALTER TABLE {check(store.address.keyspace)}.{table} WITH allow_auto_snapshot = false", timeout=60
            )


def _tables(store: CassandraLogStore) -> list[dict[Any, Any]]:
    """Every table of a keyspace on every node; of a scratch keyspace's name only the end, as the rest is chance."""
    name = store.address.keyspace
    frame = store.monitor().astype(object)
    frame.insert(0, "keyspace", f"benchmark {name[len(PREFIX) + _CHANCE :]}" if name.startswith(PREFIX) else name)
    return [dict(row) for row in frame.where(frame.notna(), None).to_dict("records")]


def shared_machine(store: CassandraLogStore) -> dict[str, int] | None:
    """How many nodes share this machine with the client, its cores and memory; None where that cannot be known.

    It is known where every node has a loopback address.
    """
    from workbench.logs import monitor

    addresses = [str(host.address) for host in monitor.up(store.session)]
    if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        return None
    here = machine.fingerprint({})
    return {"nodes": len(addresses), "cores": here["cores"], "memory_gib": here["memory_gib"]}
