"""One suite for every log store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.log_stores import LOG_STORES, PARAMETERS
from workbench.logs.protocol import LogStore


@pytest.fixture(params=PARAMETERS)
def log_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogStore]:
    """An empty store of each kind."""
    store = LOG_STORES[request.param](tmp_path)
    yield store
    if close := getattr(store, "close", None):
        close()
