"""The store that the small notebooks here read, the environment they run in, and how their outputs are saved anew.

To save them anew after a change that was meant: ``python -m tests.notebooks.golden``, then read the difference.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import dora_answers as answers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def golden_store(folder: Path) -> Path:
    """The month of tests.dora_answers for two projects, and a third of which nothing happened."""
    rows = [*answers.month(), *answers.month("till")]
    return answers.store(folder / "data", rows, answers.names(), projects=["quiet"])


def environment(data: Path, run_folder: Path) -> dict[str, str]:
    """For a kernel: this package, this store, and a report at work, so that outputs come without the style sheet."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "WORKBENCH_DATA": str(data),
        "WORKBENCH_RUN_FOLDER": str(run_folder),
        "PLOTLY_RENDERER": "plotly_mimetype",
    }


def nbval(*arguments: str, data: Path, run_folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run notebooks as tests, in a pytest of their own: the settings of this one would lose the store's address."""
    command = [
        sys.executable, "-m", "pytest", "-q", "--nbval-current-env", "--noconftest", "-p", "no:cacheprovider",
        "-o", "addopts=", "-o", "filterwarnings=default", *arguments,
    ]  # fmt: skip
    variables = environment(data, run_folder) | more
    return subprocess.run(command, cwd=run_folder, env=variables, capture_output=True, text=True, check=False)


def save() -> None:
    """Run the notebooks here and keep their outputs, without what differs from run to run."""
    import nbformat
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment(golden_store(Path(folder)), Path(folder)))
        for path in sorted(HERE.glob("*.ipynb")):
            notebook = nbformat.read(path, as_version=4)
            NotebookClient(notebook, kernel_name="python3").execute()
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)
            notebook.metadata.pop("language_info", None)
            nbformat.write(notebook, path)
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    save()
