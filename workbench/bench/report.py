"""The performance report: notebooks/performance_benchmark.ipynb over a run of the history."""

from __future__ import annotations

from typing import Any, Final

from workbench import settings as configuration
from workbench.bench import run as runs
from workbench.files import folder
from workbench.reporting.execute import Progress
from workbench.reporting.run import run_report

NAME: Final = "performance"


def make_report(
    run: str | None = None, *, data: str | None = None, out: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Make the report of a run (default: the latest).

    Returns:
        The report's run for a program: ``format``, ``id``, ``state``, ``html``, ``figures``, ``seconds``.

    Raises:
        ParameterError: there is no such run. Nothing ran.
        ReportError: the report failed; the last good one is untouched.
    """
    settings = configuration.load(data=data, out=out)
    chosen = runs.history(settings).get(run or "latest")
    record = run_report(
        folder("notebooks") / "performance_benchmark.ipynb",
        {"run_id": chosen.id},
        settings.out,
        name=NAME,
        title=f"Performance: {', '.join(chosen.options.get('stores', ()))}",
        environment={"WORKBENCH_DATA": str(settings.data.absolute())},
        progress=progress,
    )
    place = record.folder
    assert place is not None  # noqa: S101  # a published run has a folder; for the type checker
    return {
        "format": 1,
        "id": record.id,
        "state": record.state,
        "html": str(place / f"{NAME}.html"),
        "figures": str(place / "figures.json"),
        "index": str(settings.out.absolute() / "index.html"),
        "seconds": record.seconds,
    }
