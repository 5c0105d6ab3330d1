"""Whole runs, with real kernels: what they leave, and how they fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest

import workbench
from tests.reporting.small_notebooks import code, saved, text
from workbench.errors import ParameterError, ReportError
from workbench.reporting.record import RunRecord, read_record
from workbench.reporting.run import run_report

LEAVE_FIGURES = """
import json, os, sys, pathlib
import workbench
facts = dict(python=sys.executable, package=workbench.__file__, here=os.getcwd(), days=days)
facts["note"] = os.environ.get("NOTE")
folder = pathlib.Path(os.environ["WORKBENCH_RUN_FOLDER"])
(folder / "figures.json").write_text(json.dumps({"format": 1, "facts": facts}))
"""


def run(notebook: Path, out: Path, parameters: dict[str, Any] | None = None, **options: Any) -> RunRecord:
    return run_report(notebook, parameters or {}, out, name="small", title="Small report", **options)


def failed_run(out: Path) -> RunRecord:
    """The only failed run."""
    runs = [read_record(path.parent) for path in (out / "small").glob("*/run.json")]
    [failed] = [record for record in runs if record.state == "failed"]
    return failed


def no_leftovers(out: Path) -> bool:
    return not list(out.glob(".running-*"))


def test_a_good_run_leaves_page_numbers_and_record(tmp_path: Path) -> None:
    notebook = saved(tmp_path, text("## Part"), code(LEAVE_FIGURES), code("print('hello', days)"))
    steps: list[tuple[int, int, str]] = []
    record = run(
        notebook, tmp_path / "out", {"days": 7}, environment={"NOTE": "kept"}, progress=lambda *at: steps.append(at)
    )
    assert record.folder is not None
    assert sorted(path.name for path in record.folder.iterdir()) == ["figures.json", "run.json", "small.html"]
    assert read_record(record.folder) == record
    assert (record.state, record.parameters, record.error) == ("done", {"days": 7}, None)
    assert record.files == ("figures.json", "small.html")
    assert set(record.versions) == {"python", "workbench", "duckdb", "plotly", "papermill"}
    assert record.html is not None
    assert "hello 7" in record.html.read_text(encoding="utf-8")
    assert record.figures is not None
    facts = json.loads(record.figures.read_text(encoding="utf-8"))["facts"]
    assert facts["python"] == sys.executable
    assert Path(facts["package"]) == Path(workbench.__file__)
    assert Path(facts["here"]).name == f".running-{record.id}"
    assert facts["note"] == "kept"
    assert steps == [(0, 4, "Small"), (1, 4, "Small"), (2, 4, "Part"), (3, 4, "Part")]
    assert (tmp_path / "out" / "latest" / "small.html").samefile(record.html)
    assert (tmp_path / "out" / "latest" / "small.figures.json").samefile(record.figures)
    assert f"small/{record.id}/small.html" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert no_leftovers(tmp_path / "out")


def test_parameters_arrive_as_they_were_given(tmp_path: Path) -> None:
    nasty = ["'\"\\", "a\nb\r\n", "{days}", "'''", "#", "\u2028é🙂\x00", '"+__import__("os").getcwd()+"', "</script>"]
    value = {"nested": [nasty, None, True, -1.5e-300, 10**30], "'\"": {}}
    record = run(saved(tmp_path, code(LEAVE_FIGURES)), tmp_path / "out", {"days": value})
    assert record.figures is not None
    assert json.loads(record.figures.read_text(encoding="utf-8"))["facts"]["days"] == value
    record = run(saved(tmp_path, code(LEAVE_FIGURES)), tmp_path / "out", {"days": date(2026, 3, 29)})
    assert record.figures is not None
    assert json.loads(record.figures.read_text(encoding="utf-8"))["facts"]["days"] == "2026-03-29"


def test_folders_with_odd_names_work(tmp_path: Path) -> None:
    folder = tmp_path / "a {b} 'c' ü %41"
    folder.mkdir()
    record = run(saved(folder, code("1")), folder / "out {name}")
    assert record.html is not None
    assert record.html.is_file()
    assert "%7Bname%7D" not in (folder / "out {name}" / "index.html").read_text(encoding="utf-8")


def test_nobody_elses_configuration_takes_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("secret_sauce = 1", encoding="utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    jupyter = tmp_path / "jupyter"
    for template in ("report", "base"):
        (jupyter / "nbconvert" / "templates" / template).mkdir(parents=True)
        (jupyter / "nbconvert" / "templates" / template / "index.html.j2").write_text("hijacked", encoding="utf-8")
    (jupyter / "jupyter_nbconvert_config.json").write_text(
        '{"HTMLExporter": {"exclude_output": true}}', encoding="utf-8"
    )
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(jupyter))
    notebook = saved(tmp_path, code("print('sauce', 'secret_sauce' in dir())"))
    subprocess.run([sys.executable, "-c", RUN_IT, str(notebook), str(tmp_path / "out")], check=True, timeout=60)
    page = (tmp_path / "out" / "latest" / "small.html").read_text(encoding="utf-8")
    assert "sauce False" in page
    assert "hijacked" not in page


def test_a_failing_cell_is_told_with_its_section_and_the_last_good_report_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    good = run(saved(tmp_path, code("print('good')")), out)
    bad = saved(
        tmp_path,
        text("## Fine"),
        code("print('reached')"),
        text("## Lead time"),
        code("from workbench.errors import StoreError\nraise StoreError('The server left.', 'Start it again.')"),
        code("print('not reached')"),
    )
    with pytest.raises(ReportError) as raised:
        run(bad, out)
    assert raised.value.what == (
        "The report small failed in section 'Lead time' (code cell 3): StoreError: The server left. Start it again."
    )
    failed = failed_run(out)
    assert failed.error is not None
    assert (failed.error.kind, failed.error.cell) == ("StoreError", 3)
    [kept] = (out / "failed").iterdir()
    assert str(kept) in raised.value.remedy
    nodes = nbformat.read(kept, as_version=4)
    outputs = json.dumps([cell.get("outputs", []) for cell in nodes.cells])
    assert "reached\\n" in outputs
    assert "not reached" not in outputs
    assert good.html is not None
    assert (out / "latest" / "small.html").samefile(good.html)
    assert "StoreError: The server left. Start it again." in (out / "index.html").read_text(encoding="utf-8")
    assert no_leftovers(out)


def test_no_password_leaves_with_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", "mysql://u:hunter%40two@h/d")
    out = tmp_path / "out"
    leak = code("import os\nprint(os.environ['WORKBENCH_METRICS_URL'])\nraise OSError('no: hunter@two, hunter%40two')")
    with pytest.raises(ReportError) as raised:
        run(saved(tmp_path, leak, parameters="url = ''"), out, {"url": "mysql://u:other-word@h/d"})
    everything = str(raised.value) + "".join(
        path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file() and path.suffix != ".lock"
    )
    assert "OSError: no: ***, ***" in str(raised.value)
    assert [word for word in ("hunter@two", "hunter%40two", "other-word") if word in everything] == []


def test_no_password_is_shown_by_a_good_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", "mysql://u:hunter-two@h/d")
    leak = "import os\ndays = os.environ['WORKBENCH_METRICS_URL']\nprint(days)"
    record = run(saved(tmp_path, code(leak), code(LEAVE_FIGURES)), tmp_path / "out")
    assert record.html is not None
    assert record.figures is not None
    assert "mysql://u:***@h/d" in record.html.read_text(encoding="utf-8")
    assert json.loads(record.figures.read_text(encoding="utf-8"))["facts"]["days"] == "mysql://u:***@h/d"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import os\nos._exit(3)", "KernelDied"),
        ("import time\ntime.sleep(60)", "Timeout"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import sys\nsys.exit(1)", "SystemExit"),
    ],
)
def test_a_run_that_ends_early_is_a_failure(tmp_path: Path, source: str, kind: str) -> None:
    timeout = 2.0 if kind == "Timeout" else None
    with pytest.raises(ReportError, match=rf"in section 'End' \(code cell 2\): {kind}: "):
        run(saved(tmp_path, text("## End"), code(source), code("1")), tmp_path / "out", timeout=timeout)
    assert failed_run(tmp_path / "out").state == "failed"
    assert len(list((tmp_path / "out" / "failed").iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not valid JSON"),
        ("[1]", 'does not say "format": 1'),
        ('{"format": 2}', 'does not say "format": 1'),
        ('{"format": 1, "value": NaN}', "NaN is no JSON number"),
    ],
)
def test_numbers_that_no_program_can_read_are_a_failure(tmp_path: Path, content: str, reason: str) -> None:
    leave = (
        f"import pathlib\npathlib.Path('figures.json').write_text({content!r})"  # the kernel works in the run's folder
    )
    with pytest.raises(ReportError, match=reason):
        run(saved(tmp_path, code(leave)), tmp_path / "out")
    folder = failed_run(tmp_path / "out").folder
    assert folder is not None
    assert not (folder / "figures.json").exists()


def test_wrong_use_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="Did you mean 'days'"):
        run(saved(tmp_path, code("1")), tmp_path / "out", {"day": 3})
    assert not (tmp_path / "out").exists()


def test_a_notebook_that_breaks_the_format_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "bad.ipynb"
    poem = {"cell_type": "poem", "id": "a", "source": "", "metadata": {}}
    content = {"cells": [poem], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ReportError, match=r"bad\.ipynb is not a valid notebook"):
        run(path, tmp_path / "out")
    assert failed_run(tmp_path / "out").error is not None


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("a small disk needs the right to mount one")
    try:
        figure = "import plotly.graph_objects as go\ngo.Figure(go.Bar(y=[1]))"
        with pytest.raises(ReportError, match=r"disk/out cannot be written: No space left on device"):
            run(saved(tmp_path, code(figure)), disk / "out")
        assert no_leftovers(disk / "out")
        assert not list((disk / "out").glob("*/*/*.html"))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_two_runs_at_once_both_arrive(tmp_path: Path) -> None:
    notebook = saved(tmp_path, code("import time\ntime.sleep(0.3)\nprint('hello', days)"))
    with ThreadPoolExecutor(2) as pool:
        records = list(pool.map(lambda days: run(notebook, tmp_path / "out", {"days": days}), [1, 2]))
    for record in records:
        assert record.html is not None
        assert f"hello {record.parameters['days']}" in record.html.read_text(encoding="utf-8")
        assert record.id in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_run_inside_a_running_event_loop_works(tmp_path: Path) -> None:
    import asyncio

    async def in_a_notebook() -> RunRecord:
        return run(saved(tmp_path, code("1")), tmp_path / "out")

    assert asyncio.run(in_a_notebook()).state == "done"


RUN_IT = """
import sys
from pathlib import Path
from workbench.reporting.run import run_report
run_report(Path(sys.argv[1]), {}, Path(sys.argv[2]), name="small", title="Small report")
"""


def start_and_wait_for_cell(tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A run in a process of its own, once a cell is at work; and the kernel's process id."""
    mark = tmp_path / "kernel.pid"
    sleep = f"import os, pathlib, time\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\ntime.sleep(120)"
    notebook = saved(tmp_path, code(sleep))
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_IT, str(notebook), str(tmp_path / "out")], stderr=subprocess.PIPE
    )
    wait_until(lambda: mark.exists() and mark.read_text().isdigit())
    return process, int(mark.read_text())


def wait_until(condition: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2] != "Z"
    except OSError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
def test_a_killed_run_leaves_the_last_good_report_and_the_next_run_clears_up(tmp_path: Path) -> None:
    good = run(saved(tmp_path, code("print('good')")), tmp_path / "out")
    process, kernel = start_and_wait_for_cell(tmp_path)
    process.kill()
    process.communicate()
    assert good.html is not None
    assert (tmp_path / "out" / "latest" / "small.html").samefile(good.html)
    wait_until(lambda: not is_running(kernel))
    run(saved(tmp_path, code("print('again')")), tmp_path / "out")
    killed = failed_run(tmp_path / "out")
    assert killed.error is not None
    assert killed.error.kind == "Interrupted"
    assert no_leftovers(tmp_path / "out")
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8").count("The run was interrupted.") == 1


@needs_proc
def test_ctrl_c_ends_the_kernel_and_is_recorded(tmp_path: Path) -> None:
    process, kernel = start_and_wait_for_cell(tmp_path)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in stderr
    assert not is_running(kernel)
    interrupted = failed_run(tmp_path / "out")
    assert interrupted.error is not None
    assert interrupted.error.kind == "Interrupted"
    assert no_leftovers(tmp_path / "out")
