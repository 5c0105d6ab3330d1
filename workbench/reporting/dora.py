"""The DORA report: checks what is asked before a kernel starts, then runs notebooks/dora.ipynb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workbench.app import connect
from workbench.files import folder
from workbench.reporting.execute import Progress
from workbench.reporting.record import RunRecord
from workbench.reporting.run import run_report
from workbench.settings import FILE_VARIABLE, Settings, find_file

NAME: Final = "dora"
_TITLED: Final = 3


def make_report(
    parameters: Mapping[str, Any], *, data: str | None = None, out: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Run the DORA report with validated parameters.

    Returns:
        The run for a program: ``format``, ``id``, ``state``, ``html``, ``figures``, ``seconds``; paths are absolute.

    Raises:
        ParameterError: a project is unknown, or the window makes no sense. Nothing ran.
        StoreError: nothing has been imported yet. Nothing ran.
        ReportError: the run failed; the last good report is untouched.
    """
    bench = connect(data=data, out=out)
    question = bench.dora(
        parameters.get("project"),
        **{name: value for name, value in parameters.items() if name != "project" and value is not None},
    ).question
    names = question.projects
    shown = ", ".join(names[:_TITLED]) + (f" and {len(names) - _TITLED} more" if len(names) > _TITLED else "")
    record = run_report(
        folder("notebooks") / "dora.ipynb",
        parameters,
        bench.settings.out,
        name=NAME,
        title=f"DORA metrics: {shown}",
        environment=environment(bench.settings),
        progress=progress,
    )
    return outcome(record, bench.settings)


def outcome(record: RunRecord, settings: Settings) -> dict[str, Any]:
    """A published run for a program."""
    place = record.folder
    assert place is not None  # noqa: S101  # a published run has a folder; for the type checker
    return {
        "format": 1,
        "id": record.id,
        "state": record.state,
        "html": str(place / f"{record.name}.html"),
        "figures": str(place / "figures.json"),
        "index": str(settings.out.absolute() / "index.html"),
        "seconds": record.seconds,
    }


def environment(settings: Settings) -> dict[str, str]:
    """The settings as they are here: the kernel works in a folder of its own and must not look for others there."""
    named = {
        "WORKBENCH_DATA": str(settings.data.absolute()),
        "WORKBENCH_TIMEZONE": settings.timezone,
        "WORKBENCH_EDITION": settings.edition,
        "WORKBENCH_LINK_HOURS": str(settings.link_hours),
        "WORKBENCH_CACHE": settings.cache,
        "WORKBENCH_CACHE_SECONDS": str(settings.cache_seconds),
        "WORKBENCH_CACHE_MEGABYTES": str(settings.cache_megabytes),
        "WORKBENCH_CACHE_CHECK_MS": str(settings.cache_check_ms),
        "WORKBENCH_SLOW_SECONDS": str(settings.slow_seconds),
    }
    for name, path in (("PASSWORD_FILE", settings.metrics_password_file), ("TLS_CA", settings.metrics_tls_ca)):
        if path:
            named[f"WORKBENCH_METRICS_{name}"] = str(path.absolute())
    if file := find_file():
        named[FILE_VARIABLE] = str(file)
    if settings.query_log:
        named["WORKBENCH_QUERY_LOG"] = str(settings.query_log.absolute())
        named["WORKBENCH_QUERY_LOG_MEGABYTES"] = str(settings.query_log_megabytes)
        named["WORKBENCH_QUERY_LOG_FILES"] = str(settings.query_log_files)
    return named
