"""workbench report logs: a whole run, with a real kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.log_examples import batches, row
from workbench import connect
from workbench.errors import ParameterError, StoreError
from workbench.reporting.logs import make_report

HOSTILE = "<script>alert('from a log')</script>\x1b[31m error"
PARAMETERS = {"start": "2026-03-01", "end": "2026-03-02", "timezone": "Europe/Berlin", "newest": 1000}


@pytest.fixture
def data(tmp_path):
    rows = [row(n * 60, HOSTILE, host=host) for n in range(100) for host in ("web-1", "<b>web-2</b>")]
    rows.append(row(-7200, "of the day before, so that there is something new"))
    connect(data=str(tmp_path / "data")).logs.store.load(batches(rows))
    return str(tmp_path / "data")


def test_report_is_one_page_with_its_numbers_and_hostile_text_is_inert(data, tmp_path):
    made = make_report(PARAMETERS, data=data, out=str(tmp_path / "out"))
    assert made["state"] == "done"
    page = Path(made["html"]).read_text(encoding="utf-8")
    assert "<script>alert(" not in page
    assert "<b>web-2</b>" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(" in page
    figures = json.loads(Path(made["figures"]).read_text(encoding="utf-8"))
    values = {(figure["host"], figure["metric"]): figure["value"] for figure in figures["figures"]}
    assert values["web-1", "lines"] == values["web-1", "error_lines"] == 100


def test_window_without_lines_makes_a_report_that_says_so(data, tmp_path):
    made = make_report({"days": 1}, data=data, out=str(tmp_path / "out"))
    assert made["state"] == "done"
    assert "No data" in Path(made["html"]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"host": "nobody"}, ParameterError),
        ({"newest": 0}, ParameterError),
        ({"start": "2026-03-01"}, ParameterError),
        ({"timezone": "Mars/Base"}, ParameterError),
    ],
)
def test_parameters_are_checked_before_anything_runs(data, tmp_path, parameters, error):
    with pytest.raises(error):
        make_report(parameters, data=data, out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_without_logs_nothing_runs(tmp_path):
    with pytest.raises(StoreError, match="import logs"):
        make_report({}, data=str(tmp_path), out=str(tmp_path / "out"))
