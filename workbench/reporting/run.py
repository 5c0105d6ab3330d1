"""Make a report: a notebook with parameters in, a self-contained page, the numbers and a record of the run out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

from workbench.durable import replace_text
from workbench.errors import ReportError
from workbench.reporting.execute import Execution, Progress, execute
from workbench.reporting.export import Page, export_html, warm_up
from workbench.reporting.folder import ReportFolder, check_name, disk_errors
from workbench.reporting.kernel import Kernel
from workbench.reporting.launch import skip_slow_import
from workbench.reporting.parameters import check_parameters
from workbench.reporting.record import FIGURES, FILE_NAME, RunError, RunRecord
from workbench.reporting.scrub import Scrubber

FIGURES_FORMAT: Final = 1
_LONGEST_MESSAGE: Final = 600


def run_report(
    notebook: Path,
    parameters: Mapping[str, Any],
    out: Path,
    *,
    name: str,
    title: str,
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    timeout: float | None = None,
) -> RunRecord:
    """Run the notebook and leave its report under ``out``; ``folder.py`` shows what lies where.

    Args:
        parameters: for the cell tagged ``parameters``; JSON-plain values and dates.
        name: of the report, as in ``<out>/<name>/<run id>/<name>.html``.
        environment: added to the kernel's environment. The kernel works in a folder of its own, so paths in it must be
            absolute.
        timeout: seconds for all cells together; None: no limit.

    Raises:
        ParameterError: the notebook has no such parameter, or a value cannot be written as JSON. Nothing ran.
        ReportError: the run failed. The last good report is untouched, and the index says what happened.
    """
    check_name(name)
    plain = check_parameters(notebook, parameters)
    environment = environment or {}
    scrub = Scrubber({**os.environ, **environment})
    skip_slow_import()
    record = RunRecord.begin(name, scrub.text(title), scrub.tree(deepcopy(plain)))
    reports = ReportFolder(out)
    with reports.claim(record) as work:
        try:
            with ThreadPoolExecutor(1) as pool, Kernel(record.id, work, environment) as kernel:
                warm = pool.submit(warm_up)  # while the kernel starts and works
                reports.refresh()
                execution = execute(notebook, plain, kernel, progress=progress, timeout=timeout)
            scrub.tree(execution.notebook)
            execution.error = execution.error or _figures_error(work / FIGURES, scrub)
            if execution.error is None:
                warm.result()
                return _finish(reports, work, record, execution.notebook)
        except BaseException as error:
            with suppress(ReportError):  # the first error is the one to tell
                reports.publish(work, record.end(error=_as_run_error(error, scrub)))
            raise
        raise _failure(reports, work, record, execution, scrub)


def _finish(reports: ReportFolder, work: Path, record: RunRecord, notebook: Any) -> RunRecord:
    page = Page(record, _window_text(work / FIGURES))
    with disk_errors(reports.root):
        replace_text(work / f"{record.name}.html", export_html(notebook, page))
    files = sorted(path.name for path in work.iterdir() if path.is_file() and path.name != FILE_NAME)
    return reports.publish(work, record.end(files=tuple(files)))


def _failure(
    reports: ReportFolder, work: Path, record: RunRecord, execution: Execution, scrub: Scrubber
) -> ReportError:
    """Record the failed run, keep its notebook, and say both in one error."""
    import nbformat

    assert execution.error is not None  # noqa: S101  # the caller's condition, for the type checker
    message = " ".join(scrub.text(execution.error.message).split())[:_LONGEST_MESSAGE]
    error = RunError(execution.error.kind, message, execution.error.cell)
    kept = reports.keep_failed(record, nbformat.writes(execution.notebook))
    with suppress(ReportError):  # a full disk must not hide why the run failed
        reports.publish(work, record.end(error=error))
    section = f" in section {execution.section!r}" if execution.section else ""
    cell = f" (code cell {error.cell})" if error.cell else ""
    return ReportError(
        f"The report {record.name} failed{section}{cell}: {error.kind}: {message}",
        f"The notebook as far as it ran: {kept}" if kept else "The notebook could not be kept.",
    )


def _as_run_error(error: BaseException, scrub: Scrubber) -> RunError:
    if isinstance(error, KeyboardInterrupt):
        return RunError("Interrupted", "The run was interrupted.")
    return RunError(type(error).__name__, scrub.text(str(error)))


def _figures_error(path: Path, scrub: Scrubber) -> RunError | None:
    """Check the numbers that the notebook left, if it left any; passwords in them are masked."""
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8")
        figures = json.loads(text, parse_constant=_not_json)
        if not isinstance(figures, dict) or figures.get("format") != FIGURES_FORMAT:
            return RunError("FiguresError", f'{FIGURES} does not say "format": {FIGURES_FORMAT}.')
        if scrub.text(text) != text:
            replace_text(path, json.dumps(scrub.tree(figures), ensure_ascii=False))
    except (OSError, ValueError) as error:
        return RunError("FiguresError", f"{FIGURES} is not valid JSON: {error}.")
    return None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _window_text(figures: Path) -> str:
    """The window that the numbers are about, in words, its last day included; '' where the notebook left none."""
    try:
        window = json.loads(figures.read_text(encoding="utf-8"))["window"]
        start, end = (datetime.fromisoformat(window[edge]) for edge in ("start", "end"))
        if start.time() == end.time() == time():
            return f"{start:%Y-%m-%d} to {end - timedelta(days=1):%Y-%m-%d}, {window['timezone']}"
        return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, {window['timezone']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
