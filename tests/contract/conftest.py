"""One suite for every metric store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores import PARAMETERS, STORES
from workbench.metrics.protocol import MetricStore


@pytest.fixture(params=PARAMETERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MetricStore:
    """An empty store of each kind."""
    return STORES[request.param](tmp_path)
