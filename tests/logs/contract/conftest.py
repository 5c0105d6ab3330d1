"""One suite for every log store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.log_stores import LOG_STORES
from workbench.logs.protocol import LogStore


@pytest.fixture(params=sorted(LOG_STORES))
def log_store(request: pytest.FixtureRequest, tmp_path: Path) -> LogStore:
    """An empty store of each kind."""
    return LOG_STORES[request.param](tmp_path)
