"""The DORA report end to end: a process starts, and one HTML file is there. Beside it plain papermill and nbconvert."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from workbench.bench import data
from workbench.bench.cases import SIZES, Call, Case
from workbench.bench.stage import child_environment, python
from workbench.errors import StoreError

if TYPE_CHECKING:
    from workbench.bench.stage import Stage

_ROWS: Final = SIZES["10k"]
_START, _END = (data.END.date() - timedelta(days=90)).isoformat(), data.END.date().isoformat()


def report_cases() -> list[Case]:
    """The report, and its peer."""
    return [
        Case("report", "dora", "DORA report, from the command to the file", _ROWS, _report, warm_ups=0),
        Case("report", "papermill", "the same notebook, papermill then nbconvert", _ROWS, _plain,
             peer_of="dora", peer_kind="peer", warm_ups=0),
    ]  # fmt: skip


def _report(stage: Stage) -> Call:
    command = "from workbench.cli import main; main()"
    return _process(stage, "-c", command, "report", "dora", "--start", _START, "--end", _END)


def _plain(stage: Stage) -> Call:
    out = str(stage.scratch.folder / "plain")
    return _process(stage, "-m", "workbench.bench.plain_report", out, _START, _END)


def _process(stage: Stage, *arguments: str) -> Call:
    filled = stage.metrics("embedded", _ROWS)
    here = stage.scratch.folder
    environment = child_environment(WORKBENCH_DATA=str(filled.folder), WORKBENCH_OUT=str(here / "reports"))

    def run() -> None:
        done = subprocess.run(
            python(*arguments), env=environment, cwd=here, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise StoreError(f"The report failed: {said[-1] if said else 'no message'}", "Run: workbench report dora.")

    return Call(run)
