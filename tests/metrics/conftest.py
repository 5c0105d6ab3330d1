"""What the tests of the metrics share: a store that needs no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.april import april  # noqa: F401 - a fixture
from workbench.metrics.embedded import EmbeddedStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store of this test keeps its files."""
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> EmbeddedStore:
    """An empty embedded store."""
    return EmbeddedStore(folder)
