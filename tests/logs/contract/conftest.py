"""One suite for every log store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.log_stores import PARAMETERS, settings_of
from workbench import connect
from workbench.logbook import Logs
from workbench.logs.protocol import LogStore


@pytest.fixture(params=PARAMETERS)
def log_settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """What opens an empty store of each kind."""
    return settings_of(request.param, tmp_path)


@pytest.fixture
def logs(log_settings: dict[str, str]) -> Iterator[Logs]:
    """``bench.logs`` over it."""
    logs = connect(**log_settings).logs
    yield logs
    logs.close()


@pytest.fixture
def log_store(logs: Logs) -> LogStore:
    """The store itself."""
    return logs.store
