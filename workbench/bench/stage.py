"""The stores that cases run on: made in scratch places when first asked for, filled with generated data, and shared."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import workbench
from workbench.bench import data
from workbench.bench.cases import LABELS
from workbench.bench.scratch import Scratch
from workbench.metrics.protocol import MetricStore

MetricOpener = Callable[[Scratch, ExitStack, str], MetricStore]
_METRIC_BYTES: Final = {"embedded": 100, "mysql": 700}
_LOG_BYTES: Final = {"embedded": 130, "cassandra": 300}
"""What a row takes on disk, with indexes, measured."""
NAMES: Final = {"embedded": "folder", "mysql": "schema", "cassandra": "keyspace"}


@dataclass(frozen=True, slots=True)
class Filled:
    """A metric store with generated facts. ``project`` is one of typical size."""

    store: MetricStore
    project: str
    rows: int
    folder: Path | None


class Stage:
    """Gives each case its store.

    Args:
        openers: for each metric store, how to make an empty one in a scratch place; ``suffix`` tells sizes apart.
        said: called with one sentence before something takes long.
    """

    def __init__(self, scratch: Scratch, stack: ExitStack, openers: Mapping[str, MetricOpener], said: Callable[[str], None]) -> None:
        self.scratch = scratch
        self.said = said
        self.evidence: dict[str, object] = {}
        self._stack = stack
        self._openers = openers
        self._metrics: dict[tuple[str, int], Filled] = {}

    def metrics(self, store: str, rows: int) -> Filled:
        """The metric store of that kind with so many rows."""
        if (store, rows) not in self._metrics:
            self.said(f"Writing about {rows:,} rows of dora_metrics into {store} ...")
            made = self._openers[store](self.scratch, self._stack, LABELS[rows])
            for name, state in data.states(rows):
                with made.lock([name]):
                    made.write(name, made.read([name]), state)
            folder = embedded_folder(self.scratch, LABELS[rows]) if store == "embedded" else None
            self._metrics[store, rows] = Filled(made, data.typical_project(rows), rows, folder)
        return self._metrics[store, rows]

    def own(self, close: Callable[[], object]) -> None:
        """Call this when the run ends."""
        self._stack.callback(close)


def embedded_folder(scratch: Scratch, suffix: str) -> Path:
    """Where the embedded store of that size is."""
    return scratch.folder / f"embedded_{suffix}"


def open_embedded(scratch: Scratch, _stack: ExitStack, suffix: str) -> MetricStore:
    """An embedded store in a scratch folder."""
    from workbench.metrics.embedded import EmbeddedStore

    return EmbeddedStore(embedded_folder(scratch, suffix))


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
