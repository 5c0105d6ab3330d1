"""The peer of the report: papermill and nbconvert as their own documentation uses them, on the same notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "dora.ipynb"


def main() -> None:
    """papermill NOTEBOOK out.ipynb, then jupyter nbconvert --to html."""
    out, start, end = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    out.mkdir(parents=True, exist_ok=True)
    executed = out / "dora.ipynb"
    environment = {**os.environ, "WORKBENCH_RUN_FOLDER": str(out), "PLOTLY_RENDERER": "notebook"}
    papermill = [
        sys.executable,
        "-m",
        "papermill",
        str(NOTEBOOK),
        str(executed),
        "-p",
        "start",
        start,
        "-p",
        "end",
        end,
    ]
    subprocess.run([*papermill, "--no-progress-bar"], check=True, env=environment)
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--no-input", str(executed)], check=True, env=environment
    )


if __name__ == "__main__":
    main()
