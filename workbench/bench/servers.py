"""The servers that are configured: how benchmarks make and remove scratch places there, and what they can tell."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from workbench.bench.scratch import Remover, Scratch
from workbench.metrics.protocol import MetricStore
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.logs.protocol import LogStore

_REMEDIES: Final = {
    "mysql": "Set WORKBENCH_METRICS_URL=mysql://user@host/database.",
    "cassandra": "Set WORKBENCH_LOGS_URL=cassandra://host/keyspace.",
    "embedded": "It needs nothing; this is a bug.",
    "report": "It needs nothing; this is a bug.",
}


class Servers:
    """What the settings name; nothing is connected before it is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def configured(self) -> tuple[str, ...]:
        """The stores of servers that can be measured."""
        return ()

    @property
    def removers(self) -> Mapping[str, Remover]:
        """For each of them, how to remove a schema or keyspace."""
        return {}

    def remedy(self, store: str) -> str:
        """What to do so that a store is configured."""
        return _REMEDIES.get(store, f"There are: {', '.join(_REMEDIES)}.")

    def metrics(self, store: str, scratch: Scratch, stack: ExitStack, suffix: str) -> MetricStore:
        """An empty metric store in a scratch schema."""
        raise NotImplementedError(store)

    def logs(self, store: str, scratch: Scratch, stack: ExitStack, suffix: str) -> LogStore:
        """An empty log store in a scratch keyspace."""
        raise NotImplementedError(store)

    def describe(self, stores: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Versions and key settings of the servers that were used."""
        return {}
