"""The servers that are configured: how benchmarks make and remove scratch places there, and what they can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from workbench.bench.scratch import Remover, Scratch
from workbench.metrics.protocol import MetricStore
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.bench.cassandra import CassandraServer
    from workbench.bench.mysql import MySQLServer
    from workbench.logs.protocol import LogStore

_REMEDIES: Final = {
    "mysql": "Set WORKBENCH_METRICS_URL=mysql://user@host/database.",
    "cassandra": "Set WORKBENCH_LOGS_URL=cassandra://host/keyspace.",
}


class Servers:
    """What the settings name; nothing is connected before it is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def mysql(self) -> MySQLServer:
        """The MySQL server of the settings."""
        from workbench.bench.mysql import MySQLServer
        from workbench.metrics import mysql_engine

        return MySQLServer(mysql_engine.from_settings(self._settings))

    @cached_property
    def cassandra(self) -> CassandraServer:
        """The Cassandra cluster of the settings."""
        from workbench.bench.cassandra import CassandraServer

        return CassandraServer(_logs_url(self._settings) or "", self._settings.data / "bench" / "loads")

    @property
    def configured(self) -> tuple[str, ...]:
        """The stores of servers that can be measured."""
        named = {"mysql": self._settings.metrics_url, "cassandra": _logs_url(self._settings)}
        return tuple(store for store, url in named.items() if url is not None)

    @property
    def removers(self) -> Mapping[str, Remover]:
        """For each of them, how to remove a schema or keyspace."""
        drops: dict[str, Remover] = {"mysql": lambda name: self.mysql.drop(name)}
        drops["cassandra"] = lambda name: self.cassandra.drop(name)
        return {store: drop for store, drop in drops.items() if store in self.configured}

    def remedy(self, store: str) -> str:
        """What to do so that a store is configured."""
        return _REMEDIES.get(store, "It needs no server.")

    def metrics(self, scratch: Scratch, stack: ExitStack, suffix: str) -> tuple[MetricStore, str]:
        """An empty metric store in a scratch schema, and the schema's name."""
        name = scratch.claim("mysql", suffix)
        self.mysql.create(name)
        return self.mysql.store(name, stack), name

    def clock(self, name: str, stack: ExitStack) -> Callable[[], float] | None:
        """The seconds that a server spent on statements of a schema so far; None where it does not say."""
        return self.mysql.clock(name, stack)

    def logs(self, scratch: Scratch, stack: ExitStack, suffix: str, **options: Any) -> LogStore:
        """An empty log store in a scratch keyspace; options are those of CassandraServer.create."""
        name = scratch.claim("cassandra", suffix)
        self.cassandra.create(name, **options)
        return self.cassandra.store(name, stack)

    def describe(self, stores: Mapping[str, MetricStore | LogStore]) -> dict[str, dict[str, str]]:
        """Versions and key settings of the servers that were used."""
        found = {}
        for name, store in stores.items():
            said = store.describe()
            found[name] = {"product": said["store"], "version": said["version"]}
            if name == "mysql":
                found[name] |= self.mysql.settings()
            if name == "cassandra":
                store_of_lines: Any = store
                found[name] |= self.cassandra.settings(store_of_lines)
        return found


def _logs_url(settings: Settings) -> str | None:
    """The address of the cluster; None where the settings name none."""
    return None if settings.logs_url is None else settings.logs_url.get_secret_value()
