"""The notebooks run as they are; the small ones here give the outputs that were saved with them, to the letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import facts, log_sample
from tests.notebooks import golden
from workbench.files import folder
from workbench.logs.embedded import EmbeddedLogStore
from workbench.metrics.embedded import EmbeddedStore
from workbench.sources.sample import read_sample

PRODUCT = folder("notebooks") / "dora.ipynb"
LOGS = folder("notebooks") / "infrastructure_logs.ipynb"


def test_the_small_notebooks_give_their_saved_outputs(tmp_path: Path) -> None:
    data = golden.golden_store(tmp_path)
    done = golden.nbval("--nbval", *map(str, sorted(golden.HERE.glob("*.ipynb"))), data=data, run_folder=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_comparison_would_notice_another_number(tmp_path: Path) -> None:
    saved = json.loads((golden.HERE / "several_projects.ipynb").read_text(encoding="utf-8"))
    text = json.dumps(saved).replace("0 per week", "1 per week").replace("0 <span", "1 <span")
    assert text != json.dumps(saved)
    (tmp_path / "changed.ipynb").write_text(text, encoding="utf-8")
    done = golden.nbval(
        "--nbval", str(tmp_path / "changed.ipynb"), data=golden.golden_store(tmp_path), run_folder=tmp_path
    )
    assert done.returncode == 1
    assert "mismatch" in done.stdout


def test_the_product_notebook_runs_with_its_defaults(tmp_path: Path) -> None:
    data = tmp_path / "data"
    now = datetime.now(UTC)
    facts.load(EmbeddedStore(data), read_sample(now.date()), tmp_path / "rejects", now=now)
    done = golden.nbval("--nbval-lax", str(PRODUCT), data=data, run_folder=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["quality"]["sample"] is True
    assert len({figure["project"] for figure in figures["figures"]}) == 3


def test_the_notebook_on_logs_runs_with_its_defaults(tmp_path: Path) -> None:
    rows = log_sample.rows("web-1", datetime.now(UTC).date() - timedelta(days=5), 400)
    store = EmbeddedLogStore(tmp_path / "data" / "logs")
    store.load(log_sample.batches(log_sample.table(rows), "sample"))
    done = golden.nbval("--nbval-lax", str(LOGS), data=tmp_path / "data", run_folder=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    lines = {figure["host"]: figure["value"] for figure in figures["figures"] if figure["metric"] == "lines"}
    assert lines == {"web-1": 400}


@pytest.mark.parametrize("notebook", [PRODUCT, LOGS], ids=lambda path: path.stem)
def test_the_product_notebooks_are_stored_without_outputs_and_thin(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    source = "\n".join("".join(cell["source"]) for cell in code)
    assert "def " not in source
    assert "SELECT" not in source.upper()
    assert [line for line in source.splitlines() if line.startswith(("import", "from"))] == ["import workbench"]


@pytest.mark.parametrize("path", sorted(golden.HERE.glob("*.ipynb")), ids=lambda path: path.stem)
def test_saved_outputs_are_free_of_paths_and_failures(path: Path) -> None:
    outputs = [
        output for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] for output in cell.get("outputs", [])
    ]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert "/tmp" not in json.dumps(outputs)
