"""The index lists every run, newest first, and survives what it cannot read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from workbench.errors import ParameterError, ReportError
from workbench.reporting.folder import ReportFolder, check_name
from workbench.reporting.record import RunError, RunRecord


def leave_run(
    out: Path, name: str, *, minutes_ago: int = 0, error: RunError | None = None, **values: object
) -> RunRecord:
    """Put a finished run where the reporter would."""
    reports = ReportFolder(out)
    begun = RunRecord.begin(name, str(values.pop("title", name)), values)
    begun = replace(begun, started=begun.started - timedelta(minutes=minutes_ago))
    with reports.claim(begun) as work:
        (work / f"{name}.html").write_text(f"page {begun.id}", encoding="utf-8")
        return reports.publish(work, begun.end(error=error, files=() if error else (f"{name}.html",)))


def index(out: Path) -> str:
    return (out / "index.html").read_text(encoding="utf-8")


def test_runs_are_listed_newest_first_with_links(tmp_path: Path) -> None:
    old = leave_run(tmp_path, "dora", minutes_ago=9, title="Older")
    new = leave_run(tmp_path, "dora", minutes_ago=1, title="Newer", days=30)
    page = index(tmp_path)
    assert page.index("Newer") < page.index("Older")
    links = re.findall(r'href="([^"]+)"', page)
    assert links == [f"dora/{new.id}/dora.html", f"dora/{old.id}/dora.html"]
    assert all((tmp_path / link).is_file() for link in links)
    assert "<code>30</code>" in page


def test_a_failed_run_shows_why_and_leads_nowhere(tmp_path: Path) -> None:
    run = leave_run(tmp_path, "dora", error=RunError("StoreError", "The server <b>left</b>.", 3))
    page = index(tmp_path)
    assert "StoreError: The server &lt;b&gt;left&lt;/b&gt;." in page
    assert "href" not in page
    assert run.folder is not None
    assert [path.name for path in run.folder.iterdir()] == ["run.json"]


def test_outside_text_is_escaped(tmp_path: Path) -> None:
    leave_run(tmp_path, "dora", title="<script>1</script>", projects=["<script>2</script>", "'\">"])
    page = index(tmp_path)
    assert "<script" not in page
    assert "&lt;script&gt;1&lt;/script&gt;" in page
    assert "&lt;script&gt;2&lt;/script&gt;" in page


def test_a_record_that_cannot_be_read_is_listed_as_such(tmp_path: Path) -> None:
    good = leave_run(tmp_path, "dora")
    torn = leave_run(tmp_path, "dora", minutes_ago=5)
    assert torn.folder is not None
    (torn.folder / "run.json").write_text('{"format": 1', encoding="utf-8")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("not a run", encoding="utf-8")
    ReportFolder(tmp_path).refresh()
    page = index(tmp_path)
    assert page.count('class="state" data-state="unreadable"') == 1
    assert torn.id in page
    assert f"dora/{good.id}/dora.html" in page
    assert "mine.txt" not in page


def test_latest_is_the_newest_good_run(tmp_path: Path) -> None:
    good = leave_run(tmp_path, "dora", minutes_ago=5)
    leave_run(tmp_path, "dora", error=RunError("ValueError", "no"))
    latest = tmp_path / "latest" / "dora.html"
    assert latest.read_text(encoding="utf-8") == f"page {good.id}"
    newer = leave_run(tmp_path, "dora")
    assert latest.read_text(encoding="utf-8") == f"page {newer.id}"
    assert [path.name for path in latest.parent.iterdir()] == ["dora.html"]


def test_latest_has_no_numbers_of_another_run(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "dora.figures.json").write_text("{}", encoding="utf-8")
    leave_run(tmp_path, "dora")
    assert not (tmp_path / "latest" / "dora.figures.json").exists()


def test_hundreds_of_runs_are_listed(tmp_path: Path) -> None:
    template = leave_run(tmp_path, "dora")
    for number in range(300):
        folder = tmp_path / "dora" / f"20200101T000000Z-{number:08x}"
        folder.mkdir()
        (folder / "run.json").write_text(replace(template, id=folder.name).to_json(), encoding="utf-8")
    ReportFolder(tmp_path).refresh()
    assert index(tmp_path).count('class="state" data-state="done"') == 301


def test_a_run_at_work_is_listed_as_running(tmp_path: Path) -> None:
    reports = ReportFolder(tmp_path)
    with reports.claim(RunRecord.begin("dora", "At work", {})):
        reports.refresh()
        assert 'class="state" data-state="running"' in index(tmp_path)
    reports.refresh()
    assert "At work" not in index(tmp_path)


def test_what_a_killed_run_left_is_cleared_and_told(tmp_path: Path) -> None:
    record = RunRecord.begin("dora", "Killed", {})
    work = tmp_path / f".running-{record.id}"
    (work / "junk").mkdir(parents=True)
    (work / "half.html").write_text("half", encoding="utf-8")
    (work / "run.json").write_text(record.to_json(), encoding="utf-8")
    (tmp_path / ".running-20200101T000000Z-00000000").mkdir()  # killed before its record was written
    (tmp_path / ".running-20200101T000000Z-00000001.lock").touch()
    leave_run(tmp_path, "dora")
    assert list(tmp_path.glob(".running-*")) == []
    assert [path.name for path in (tmp_path / "dora" / record.id).iterdir()] == ["run.json"]
    assert "Interrupted: The run was interrupted." in index(tmp_path)


def test_a_run_killed_just_before_its_last_step_is_completed(tmp_path: Path) -> None:
    record = RunRecord.begin("dora", "Complete", {}).end(files=("dora.html",))
    work = tmp_path / f".running-{record.id}"
    work.mkdir()
    (work / "dora.html").write_text("whole", encoding="utf-8")
    (work / "run.json").write_text(record.to_json(), encoding="utf-8")
    leave_run(tmp_path, "other")
    assert (tmp_path / "latest" / "dora.html").read_text(encoding="utf-8") == "whole"


def test_a_run_at_work_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    reports = ReportFolder(tmp_path)
    with reports.claim(RunRecord.begin("dora", "t", {})) as work:
        leave_run(tmp_path, "dora")
        assert (work / "run.json").is_file()


def test_ten_failed_notebooks_are_kept(tmp_path: Path) -> None:
    reports = ReportFolder(tmp_path)
    runs = [RunRecord.begin("dora", "t", {}) for _ in range(12)]
    for run in runs:
        assert reports.keep_failed(run, "{}") is not None
    kept = {path.name for path in (tmp_path / "failed").iterdir()}
    assert len(kept) == 10
    assert f"dora-{runs[-1].id}.ipynb" in kept


@pytest.mark.parametrize("name", ["", "../up", "a/b", "latest", "failed", ".hidden", "Ü", "a" * 65])
def test_a_name_that_is_no_safe_folder_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be named"):
        check_name(name)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match="cannot be written: Not a directory"):
        ReportFolder(tmp_path / "file" / "reports")
