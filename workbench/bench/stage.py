"""The stores that cases run on: made in scratch places when first asked for, filled with generated data, and shared."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench.bench import data
from workbench.bench.cases import LABELS
from workbench.bench.scratch import Scratch
from workbench.bench.servers import Servers
from workbench.metrics.protocol import MetricStore

if TYPE_CHECKING:
    from workbench.logs.protocol import LogStore


@dataclass(frozen=True, slots=True)
class Filled:
    """A metric store with generated facts. ``project`` is one of typical size; ``folder`` is an embedded one's."""

    store: MetricStore
    project: str
    rows: int
    folder: Path | None


class Stage:
    """Gives each case its store.

    Args:
        said: called with one sentence before something takes long.
    """

    def __init__(self, scratch: Scratch, stack: ExitStack, servers: Servers, said: Callable[[str], None]) -> None:
        self.scratch = scratch
        self.said = said
        self.evidence: dict[str, Any] = {}
        self._stack = stack
        self._servers = servers
        self._metrics: dict[tuple[str, int], Filled] = {}
        self._logs: dict[tuple[str, int], LogStore] = {}

    def metrics(self, store: str, rows: int) -> Filled:
        """The metric store of that kind with so many rows."""
        if (store, rows) not in self._metrics:
            self.said(f"Writing about {rows:,} rows of dora_metrics into {store} ...")
            folder = self.scratch.folder / f"metrics_{LABELS[rows]}" if store == "embedded" else None
            made = self._open_metrics(store, folder, LABELS[rows])
            for name, state in data.states(rows):
                with made.lock([name]):
                    made.write(name, made.read([name]), state)
            self._metrics[store, rows] = Filled(made, data.typical_project(rows), rows, folder)
        return self._metrics[store, rows]

    def _open_metrics(self, store: str, folder: Path | None, suffix: str) -> MetricStore:
        if folder is None:
            return self._servers.metrics(store, self.scratch, self._stack, suffix)
        from workbench.metrics.embedded import EmbeddedStore

        return EmbeddedStore(folder)

    def logs(self, store: str, rows: int) -> LogStore:
        """The log store of that kind with so many lines."""
        if (store, rows) not in self._logs:
            self.said(f"Writing about {rows:,} lines of infrastructure_logs into {store} ...")
            made = self._servers.logs(store, self.scratch, self._stack, LABELS[rows])
            made.load(data.log_batches(rows))
            self._logs[store, rows] = made
        return self._logs[store, rows]

    def used(self) -> dict[str, MetricStore | LogStore]:
        """One store of each kind that was used."""
        return {name: filled.store for (name, _), filled in self._metrics.items()} | {
            f"{name} logs": logs for (name, _), logs in self._logs.items()
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
