"""The log stores that one suite runs on: each by name, with how to open an empty one, or why it is not here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench.logs.embedded import EmbeddedLogStore
from workbench.logs.protocol import LogStore

LOG_STORES: dict[str, Callable[[Path], LogStore]] = {"embedded": lambda folder: EmbeddedLogStore(folder / "logs")}
"""A factory may call pytest.skip with the reason why its server is not available."""
