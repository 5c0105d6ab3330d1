"""What the kernel's process runs: ``python -m workbench.reporting.launch -f CONNECTION_FILE``."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import Final

SLOW_MODULE: Final = "rfc3987_syntax"
_WARM: Final = ("pandas", "plotly.graph_objects", "plotly.io", "duckdb", "sqlglot", "workbench")


def skip_slow_import() -> None:
    """Keep jsonschema from loading a grammar that nothing here needs, in this process.

    nbformat asks for jsonschema with every format checker, and one of them (internationalised URLs) builds a parser
    for more than half a second at import. jsonschema treats it as optional and checks those two formats less strictly
    without it; the notebook schema has no field of either. Call it before anything imports nbformat.
    """
    sys.modules.setdefault(SLOW_MODULE, None)  # type: ignore[arg-type]  # None: "this import fails", by the language


def main() -> None:
    """Start the kernel; what reports import is loaded while the parent is still busy with its own imports."""
    skip_slow_import()
    for module in _WARM:
        with suppress(ImportError):
            import_module(module)
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()


if __name__ == "__main__":
    main()
