"""A run's record survives writing and reading, and a bad one says so."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path

import pytest

from workbench.reporting.record import FILE_NAME, RunError, RunRecord, read_record


def write(folder: Path, record: RunRecord) -> None:
    (folder / FILE_NAME).write_text(record.to_json(), encoding="utf-8")


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    record = RunRecord.begin("dora", "Ünïcode", {"days": 3, "projects": ["a"]}).end(files=("dora.html",))
    write(tmp_path, record)
    read = read_record(tmp_path)
    assert read.html == tmp_path / "dora.html"
    assert read.figures is None
    assert (read.id, read.title, read.parameters, read.state) == (
        record.id,
        "Ünïcode",
        {"days": 3, "projects": ["a"]},
        "done",
    )
    assert read.started == record.started
    assert read.started.tzinfo == UTC


def test_a_failed_run_keeps_its_reason(tmp_path: Path) -> None:
    write(tmp_path, RunRecord.begin("dora", "t", {}).end(error=RunError("ValueError", "no", 4)))
    read = read_record(tmp_path)
    assert (read.state, read.error) == ("failed", RunError("ValueError", "no", 4))


def test_ids_sort_by_time_and_differ_within_a_second() -> None:
    ids = [RunRecord.begin("dora", "t", {}).id for _ in range(50)]
    assert len(set(ids)) == 50
    assert sorted(ids, key=lambda run_id: run_id[:16]) == ids


@pytest.mark.parametrize(
    ("field", "value"),
    [("format", 2), ("state", "odd"), ("started", "yesterday"), ("parameters", 3), ("error", "text"), ("files", None)],
)
def test_a_record_that_cannot_be_understood_is_a_value_error(tmp_path: Path, field: str, value: object) -> None:
    values = json.loads(RunRecord.begin("dora", "t", {}).to_json())
    (tmp_path / FILE_NAME).write_text(json.dumps({**values, field: value}), encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be read"):
        read_record(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_torn_record_is_a_value_error(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be read"):
        read_record(tmp_path)
