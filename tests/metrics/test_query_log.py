"""The query log: whole lines from every process, put aside by size, and never in the way of an answer."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.april import histogram
from tests.facts import PROJECT
from workbench import connect
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.query_log import QueryLog
from workbench.metrics.recorded import Listeners, RecordedStore

ROOT = Path(__file__).resolve().parents[2]


def lines(path: Path) -> list[dict[str, Any]]:
    """Every line of a log and of those put aside, as what it says; a torn one fails."""
    files = sorted(file for file in path.parent.glob(f"{path.name}*") if file.suffix != ".lock")
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_off_by_default(april: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    connect(data=april).dora(days=30).as_json()
    assert list(tmp_path.iterdir()) == []


def test_a_line_says_what_a_profile_says(april: Path, tmp_path: Path) -> None:
    path = tmp_path / "logs" / "queries.jsonl"
    bench = connect(data=april, query_log=path)
    query, parameters = histogram()
    with bench.profile() as p:
        for _ in range(2):
            bench.query(query.name, **parameters)
    told = lines(path)
    assert [one["cached"] for one in told] == [False, True]
    for line, statement in zip(told, p.statements, strict=True):
        assert set(line) == {
            "format", "time", "process", "thread", "query", "file", "parameters", "rows", "seconds", "cached", "error",
        }  # fmt: skip
        assert line["format"] == 1
        assert line["process"] == os.getpid()
        assert line["time"] == statement.began.isoformat(timespec="microseconds")
        assert (line["query"], line["file"], line["rows"]) == (query.name, "lead_time_histogram.sql", 1)
        assert line["parameters"] == statement.parameters
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_secret_is_written(april: Path, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    bench = connect(data=april, query_log=path)
    query, parameters = histogram("https://ann:hunter2@example.com/shop", PROJECT)
    bench.query(query.name, **parameters)
    assert "hunter2" not in path.read_text()
    assert "https://***@example.com/shop" in path.read_text()


def test_it_is_put_aside_by_size_and_the_oldest_go(april: Path, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    store = RecordedStore(EmbeddedStore(april), Listeners(QueryLog(path, 2_000, 2)))
    for n in range(1, 41):
        store.query(*histogram(*["x" * n, PROJECT]))
    files = {file.name: file.stat().st_size for file in tmp_path.iterdir() if file.suffix != ".lock"}
    assert {"q.jsonl.1", "q.jsonl.2"} <= set(files) <= {"q.jsonl", "q.jsonl.1", "q.jsonl.2"}
    assert all(size < 2_000 + 1_000 for size in files.values())
    told = lines(path)
    assert 1 < len(told) < 40
    newest = max(len(line["parameters"]["projects"][0]) for line in told)
    assert newest == 40, "the last one is kept"


def test_processes_that_write_at_once_lose_no_line_and_mix_none(april: Path, tmp_path: Path) -> None:
    """Four processes, 100 statements each, put aside many times on the way."""
    path = tmp_path / "q.jsonl"
    code = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from workbench.metrics.query_log import QueryLog
from workbench.metrics.statements import Statement
log = QueryLog(Path({str(path)!r}), 5_000, 1000)
sys.stdin.readline()
for n in range(100):
    told = {{"n": n, "who": sys.argv[1]}}
    log.tell(Statement("q", "q.sql", "", told, "", 1, 0.1, None, "", None, "t", datetime.now(UTC)))
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(n)], cwd=ROOT, stdin=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.close()
    assert [writer.wait(60) for writer in writers] == [0] * 4
    told = [(line["parameters"]["who"], line["parameters"]["n"]) for line in lines(path)]
    assert sorted(told) == sorted((str(who), n) for who in range(4) for n in range(100))
    assert len(list(tmp_path.glob("q.jsonl.*"))) > 10


def test_a_log_that_cannot_be_written_costs_one_warning(
    april: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    bench = connect(data=april, query_log=tmp_path / "blocked" / "q.jsonl")
    query, parameters = histogram()
    with caplog.at_level(logging.WARNING):
        answers = [bench.query(query.name, **parameters) for _ in range(3)]
    assert all(len(answer) == 1 for answer in answers)
    assert len(caplog.records) == 1
    assert "cannot be written" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_costs_one_warning(april: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = RecordedStore(EmbeddedStore(april), Listeners(QueryLog(Path("/dev/full"), 1_000, 1)))
    with caplog.at_level(logging.WARNING):
        assert all(store.query(*histogram()).num_rows for _ in range(2))
    assert "No space left" in caplog.text
    assert len(caplog.records) == 1
