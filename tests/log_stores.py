"""The log stores that one suite runs on: each by name, with how to open an empty one, or why it is not here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import cassandra_server
from workbench.logs.embedded import EmbeddedLogStore
from workbench.logs.protocol import LogStore


def _cassandra(folder: Path) -> LogStore:
    url = cassandra_server.empty()
    from workbench.logs.cassandra import CassandraLogStore

    return CassandraLogStore(url, folder / "logs-state")


LOG_STORES: dict[str, Callable[[Path], LogStore]] = {
    "cassandra": _cassandra,
    "embedded": lambda folder: EmbeddedLogStore(folder / "logs"),
}
"""A factory may call pytest.skip with the reason why its server is not available."""

SERVERS = {"cassandra"}
PARAMETERS: list[Any] = [
    pytest.param(name, marks=[pytest.mark.integration, cassandra_server.WARNINGS]) if name in SERVERS else name
    for name in sorted(LOG_STORES)
]


def settings_of(store: LogStore, folder: Path) -> dict[str, str]:
    """The settings with which ``workbench.connect`` opens this store."""
    data = {"data": str(folder)}
    url = getattr(store, "url", None)
    return data | ({"logs_url": url} if url else {})
