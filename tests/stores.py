"""The metric stores that one suite runs on: each by name, with how to open an empty one, or why it is not here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import servers
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.protocol import MetricStore

STORES: dict[str, Callable[[Path], MetricStore]] = {
    "embedded": lambda folder: EmbeddedStore(folder / "data"),
    **{kind: lambda _, kind=kind: servers.empty_store(kind) for kind in servers.KINDS},  # type: ignore[misc]
}
"""A factory may call pytest.skip with the reason why its server is not available."""

PARAMETERS = [
    pytest.param(name, marks=pytest.mark.integration) if name in servers.KINDS else name for name in sorted(STORES)
]
