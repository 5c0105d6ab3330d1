"""The log stores that one suite runs on: each by name, with the settings that open an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import cassandra_server

SERVERS = {"cassandra"}
LOG_STORES = ("cassandra", "embedded")

PARAMETERS: list[Any] = [
    pytest.param(name, marks=[pytest.mark.integration, cassandra_server.WARNINGS]) if name in SERVERS else name
    for name in LOG_STORES
]


def settings_of(name: str, folder: Path) -> dict[str, str]:
    """Settings for ``workbench.connect``; skips where the server is not available."""
    data = {"data": str(folder / "data")}
    return data | ({"logs_url": cassandra_server.empty()} if name == "cassandra" else {})
