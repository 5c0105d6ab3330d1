"""The report on infrastructure logs: checks what is asked before a kernel starts, then runs its notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workbench.app import connect
from workbench.files import folder
from workbench.reporting.dora import environment, outcome
from workbench.reporting.execute import Progress
from workbench.reporting.run import run_report

NAME: Final = "logs"
_TITLED: Final = 3


def make_report(
    parameters: Mapping[str, Any], *, data: str | None = None, out: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Run the report on logs.

    Args:
        parameters: those of Logs.report by name; None is the default.

    Returns:
        The run for a program: ``format``, ``id``, ``state``, ``html``, ``figures``, ``seconds``; paths are absolute.

    Raises:
        ParameterError: a host is unknown, or the window makes no sense. Nothing ran.
        StoreError: no logs have been imported yet. Nothing ran.
        ReportError: the run failed; the last good report is untouched.
    """
    bench = connect(data=data, out=out)
    given = {name: value for name, value in parameters.items() if value is not None}
    names = bench.logs.report(**given).question.hosts
    shown = ", ".join(names[:_TITLED]) + (f" and {len(names) - _TITLED} more" if len(names) > _TITLED else "")
    record = run_report(
        folder("notebooks") / "infrastructure_logs.ipynb",
        given,
        bench.settings.out,
        name=NAME,
        title=f"Infrastructure logs: {shown}",
        environment=environment(bench.settings),
        progress=progress,
    )
    return outcome(record, bench.settings)
