"""A bench over a copy of the April store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.april import april  # noqa: F401 - a fixture
from workbench import Bench, connect


@pytest.fixture
def bench(april: Path, tmp_path: Path) -> Bench:  # noqa: F811 - pytest's way
    """Connected as a user does, with the cache on."""
    shutil.copytree(april, tmp_path / "data")
    return connect(data=tmp_path / "data", slow_seconds=1000)
