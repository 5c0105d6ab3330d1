"""dora-workbench: honest DORA metrics, and numbers about the stores behind them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.app import Bench, Dora, connect
    from workbench.errors import WorkbenchError
    from workbench.model import Estimate, Figure, Window

__all__ = ["Bench", "Dora", "Estimate", "Figure", "Window", "WorkbenchError", "connect"]

_HOMES = {
    "Bench": "workbench.app",
    "Dora": "workbench.app",
    "connect": "workbench.app",
    "WorkbenchError": "workbench.errors",
    "Estimate": "workbench.model",
    "Figure": "workbench.model",
    "Window": "workbench.model",
}


def __getattr__(name: str) -> Any:
    """Load a public name where it is first used: importing the package costs nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
