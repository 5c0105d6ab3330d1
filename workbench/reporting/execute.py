"""A notebook, its parameters and a kernel in; the executed notebook out, and in words why it failed if it did."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workbench.errors import ReportError
from workbench.reporting.kernel import Kernel
from workbench.reporting.record import RunError

Progress = Callable[[int, int, str], None]
"""Called with the number of cells done, the number of all, and the heading of the section at work."""

_ENGINE: Final = "workbench"
_LOG: Final = logging.getLogger("workbench.reporting")
for _quiet in (_LOG, logging.getLogger("papermill")):  # what they would print, the report's error says
    _quiet.addHandler(logging.NullHandler())


@dataclass(slots=True)
class Execution:
    """What came of a notebook: its nodes with outputs, and the error that stopped it, with its section."""

    notebook: Any
    error: RunError | None = None
    section: str = ""


@dataclass(slots=True)
class _Watch:
    """Follows the cells: progress, the section at work, and the time that is left."""

    progress: Progress | None
    timeout: float | None
    begun: float = field(default_factory=time.monotonic)
    done: int = 0
    section: str = ""
    notebook: Any = None

    def cell_starts(self, cell: Any, cell_index: int) -> None:
        if cell.cell_type == "markdown":
            self.section = _heading(cell.source) or self.section
        elif cell.cell_type == "code":
            if self.progress is not None:
                total = sum(cell.cell_type == "code" for cell in self.notebook.cells)
                self.progress(self.done, total, self.section)
            self.done += 1

    def seconds_left(self, _cell: Any) -> float | None:
        """The limit is on the whole run, not on each cell."""
        return None if self.timeout is None else max(self.timeout - (time.monotonic() - self.begun), 0.1)


def execute(
    notebook: Path,
    parameters: Mapping[str, Any],
    kernel: Kernel,
    *,
    progress: Progress | None = None,
    timeout: float | None = None,
) -> Execution:
    """Run the notebook in the kernel with papermill.

    Args:
        timeout: seconds for all cells together; None: no limit.

    Raises:
        ReportError: the notebook is not valid, or the kernel did not start. A cell that fails is no exception: see
            ``Execution.error``.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    nodes = _read(notebook)
    _register_engine()
    watch = _Watch(progress, timeout)
    error = None
    try:
        # Nodes instead of a path: papermill would fill {braces} in a path, and would save after every cell.
        papermill.execute_notebook(
            nodes, None, dict(parameters), _ENGINE, False, kernel_name="python3", language="python",
            progress_bar=False, kernel=kernel, watch=watch,
        )  # fmt: skip
    except PapermillExecutionError as failure:
        error = RunError(failure.ename, failure.evalue, watch.done)
    except DeadKernelError:
        error = RunError("KernelDied", "The kernel died: the cell ended its process, or memory ran out.", watch.done)
    except CellTimeoutError:
        error = RunError("Timeout", f"The report was not ready after {timeout:g} seconds.", watch.done)
    executed = watch.notebook if watch.notebook is not None else nodes
    if error is None and executed.metadata.papermill.get("exception"):
        error = RunError("SystemExit", "The cell ended the run before the notebook's end.", watch.done)
    return Execution(executed, error, watch.section)


def _read(notebook: Path) -> Any:
    import nbformat
    from papermill.iorw import load_notebook_node

    try:
        nodes = load_notebook_node(nbformat.read(notebook, as_version=4))
        nbformat.validate(nodes)
    except Exception as error:  # nbformat's errors have no common base
        reason = str(error).splitlines()[0]
        raise ReportError(f"{notebook} is not a valid notebook: {reason}", "Open and save it in JupyterLab.") from None
    return nodes


def _heading(markdown: str) -> str:
    """The last heading of a markdown cell, or ''."""
    lines = [line.lstrip("#").strip() for line in markdown.splitlines() if line.startswith("#")]
    return lines[-1] if lines else ""


def _register_engine() -> None:
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    class StartedKernelEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
        """papermill's own engine, on a kernel that is already there."""

        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, *, kernel: Kernel, watch: _Watch, **_options: Any
        ) -> Any:
            watch.notebook = nb_man.nb
            client = PapermillNotebookClient(
                nb_man,
                km=kernel.manager,
                timeout_func=watch.seconds_left,
                on_cell_start=watch.cell_starts,
                log=_LOG,
            )
            client.kc = kernel.client
            kernel.ready()
            return client.execute()

    papermill_engines.register(_ENGINE, StartedKernelEngine)
