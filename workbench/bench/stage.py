"""The stores that cases run on: made in scratch places when first asked for, filled with generated data, and shared."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import workbench
from workbench.bench import data
from workbench.bench.cases import LABELS
from workbench.bench.scratch import Scratch
from workbench.bench.servers import Servers
from workbench.errors import StoreError
from workbench.metrics.protocol import MetricStore

if TYPE_CHECKING:
    from workbench.logs.protocol import LogBatch, LogStore

_TELL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Filled:
    """A metric store with generated facts. ``project`` is one of typical size.

    An embedded one has a ``folder``; one on a server has a ``schema`` and a ``clock``, the server's own seconds.
    """

    store: MetricStore
    project: str
    rows: int
    folder: Path | None = None
    schema: str = ""
    clock: Callable[[], float] | None = None
    open: Callable[[], MetricStore] | None = None

    def reopened(self) -> Filled:
        """The same rows through a new store object, which knows nothing yet."""
        assert self.open is not None  # noqa: S101 - a stage gives one; for the type checker
        return replace(self, store=self.open())

    def close(self) -> None:
        """Let go of connections."""
        if self.schema:
            self.store.close()  # type: ignore[attr-defined]


class Stage:
    """Gives each case its store.

    Args:
        said: called with one sentence before something takes long.
    """

    def __init__(self, scratch: Scratch, stack: ExitStack, servers: Servers, said: Callable[[str], None]) -> None:
        self.scratch = scratch
        self.said = said
        self._stack = stack
        self._servers = servers
        self._metrics: dict[tuple[str, int], Filled] = {}
        self._logs: dict[tuple[str, str], LogStore] = {}
        self._pools: dict[int, list[LogBatch]] = {}

    def metrics(self, store: str, rows: int) -> Filled:
        """The metric store of that kind with so many rows."""
        if (store, rows) not in self._metrics:
            self.said(f"Writing about {rows:,} rows of dora_metrics into {store} ...")
            open_one = self._embedded if store == "embedded" else self._on_server
            self._metrics[store, rows] = open_one(rows)
        return self._metrics[store, rows]

    def _embedded(self, rows: int) -> Filled:
        from workbench.metrics.embedded import EmbeddedStore

        folder = self.scratch.folder / f"metrics_{LABELS[rows]}"
        made = EmbeddedStore(folder)
        self._fill(made, rows)
        return Filled(made, data.typical_project(rows), rows, folder, open=lambda: EmbeddedStore(folder))

    def _on_server(self, rows: int) -> Filled:
        made, schema = self._servers.metrics(self.scratch, self._stack, LABELS[rows])
        self._fill(made, rows)
        self._servers.mysql.run(schema, "ANALYZE TABLE dora_metrics")
        clock = self._servers.clock(schema, self._stack)
        again = partial(self._servers.mysql.opened, schema)
        return Filled(made, data.typical_project(rows), rows, schema=schema, clock=clock, open=again)

    def _fill(self, store: MetricStore, rows: int) -> None:
        """Write every project as an import does, and say now and then how far it is."""
        written, begun = 0, time.monotonic()
        told = begun
        for name, state in data.states(rows):
            with store.lock([name]):
                store.write(name, store.read([name]), state)
            written += state.facts.num_rows
            if (now := time.monotonic()) - told > _TELL_SECONDS:
                told = now
                self.said(f"  {written:,} of {rows:,} rows, {written / (now - begun):,.0f} a second")

    def copy_of(
        self, filled: Filled, kind: str, without: Sequence[str]
    ) -> tuple[MetricStore, Callable[[], float] | None]:
        """The same rows in another schema of the same server, without some indexes."""
        from workbench.bench.mysql import copy_without

        self.said(f"Copying {filled.rows:,} rows without {', '.join(without)} ...")
        made, schema = self._servers.metrics(self.scratch, self._stack, f"{LABELS[filled.rows]}_{kind}")
        copy_without(self._servers.mysql, filled.schema, schema, without)
        return made, self._servers.clock(schema, self._stack)

    def own(self, close: Callable[[], object]) -> None:
        """Call this when the run ends."""
        self._stack.callback(close)

    def logs(self, store: str, rows: int, *, index: tuple[str, ...] = ()) -> LogStore:
        """The log store of that kind with so many lines, which nothing changes; with ``index`` another one."""
        kind = "index" if index else "logs"
        if (store, kind) not in self._logs:
            made = self.empty_logs(store, kind, **({"index": index} if index else {}))
            self.said(f"Writing about {rows:,} lines of infrastructure_logs into {store} ...")
            report = made.load(data.log_batches(rows, hosts=data.READ_HOSTS, days=data.READ_DAYS))
            if report.rejected or report.expired:
                raise StoreError(
                    f"{store} did not take {report.rejected + report.expired:,} of the generated lines.",
                    f"See why in {report.reject_file}." if report.reject_file else "Run: workbench doctor.",
                )
        return self._logs[store, kind]

    def empty_logs(self, store: str, kind: str = "load", **options: Any) -> LogStore:
        """The log store of that kind that loads go into, made with these options (CassandraServer.create)."""
        if (store, kind) not in self._logs:
            if store == "embedded":
                from workbench.logs.embedded import EmbeddedLogStore

                self._logs[store, kind] = EmbeddedLogStore(self.scratch.folder / f"logs_{kind}")
            else:
                self._logs[store, kind] = self._servers.logs(self.scratch, self._stack, kind, **options)
        return self._logs[store, kind]

    def replicated_logs(self, replicas: int) -> LogStore:
        """An empty log store in Cassandra with so many replicas: the one that loads go into, if it has as many."""
        kind = "load" if replicas == self._servers.cassandra.replicas() else f"rf{replicas}"
        return self.empty_logs("cassandra", kind, replicas=replicas)

    def pool(self, rows: int) -> list[LogBatch]:
        """Lines to load, made once: a load takes them as those of other hosts (data.as_of_others)."""
        if rows not in self._pools:
            self._pools[rows] = list(data.log_batches(rows, data.SEED + 1))
        return self._pools[rows]

    def log_stores(self, store: str) -> list[LogStore]:
        """Every log store of that kind that was made."""
        return [logs for (name, _), logs in self._logs.items() if name == store]

    def filled(self) -> list[Filled]:
        """The largest metric store of each kind."""
        largest = {name: made for (name, _), made in sorted(self._metrics.items(), key=lambda item: item[0][1])}
        return list(largest.values())

    def used(self) -> dict[str, MetricStore | LogStore]:
        """One store of each kind that was used."""
        return {name: filled.store for (name, _), filled in self._metrics.items()} | {
            name if name == "cassandra" else f"{name} logs": logs for (name, _), logs in self._logs.items()
        }


def child_environment(**more: str) -> dict[str, str]:
    """The environment of a Python process that finds this workbench, and nobody's settings of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    own = str(Path(workbench.__file__).resolve().parent.parent)
    if "site-packages" not in own:
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (own, kept.get("PYTHONPATH", ""))))
    return {**kept, **more}


def python(*arguments: str) -> list[str]:
    """The command of a Python process like this one."""
    return [sys.executable, *arguments]
