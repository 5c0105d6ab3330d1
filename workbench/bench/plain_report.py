"""The peer of the report: papermill and nbconvert as their own documentation uses them, on the same notebook.

Run as ``python -m workbench.bench.plain_report FOLDER START END``; the store is the environment's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from workbench.files import folder


def main() -> None:
    """papermill NOTEBOOK out.ipynb, then jupyter nbconvert --to html."""
    out, start, end = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    out.mkdir(parents=True, exist_ok=True)
    executed = out / "dora.ipynb"
    environment = {**os.environ, "WORKBENCH_RUN_FOLDER": str(out), "PLOTLY_RENDERER": "notebook"}
    notebook = str(folder("notebooks") / "dora.ipynb")
    papermill = [sys.executable, "-m", "papermill", notebook, str(executed), "-p", "start", start, "-p", "end", end]
    nbconvert = [sys.executable, "-m", "nbconvert", "--to", "html", "--no-input", str(executed)]
    subprocess.run([*papermill, "--no-progress-bar"], check=True, env=environment)
    subprocess.run(nbconvert, check=True, env=environment)


if __name__ == "__main__":
    main()
