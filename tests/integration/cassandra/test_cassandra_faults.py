"""What may go wrong during a load: nothing is lost and nothing is doubled, row by row."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests import log_sample
from tests.cassandra_server import ROOT, script
from tests.integration.cassandra.conftest import Open
from workbench.errors import StoreError
from workbench.logs.protocol import LogBatch

N = 6000


def complete(store: Any, host: str, rows: list[dict[str, Any]]) -> None:
    """Every row is there once, with all its columns, and is counted once."""
    for day in sorted({row["log_date"] for row in rows}):
        today = [row for row in rows if row["log_date"] == day]
        expected = log_sample.newest_first(log_sample.table(today))
        assert store.partition(host, day, critical=True).to_pylist() == expected.to_pylist()
        assert log_sample.as_counts(store.stats(host, day, critical=True)) == log_sample.counted(today)


def loading(url: str, state: Path, host: str, day: date) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.integration.cassandra.loading",
        url,
        str(state),
        host,
        day.isoformat(),
        str(N),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_load_that_is_killed_again_and_again_goes_on_where_it_was(
    keyspaces: dict[int, str], open_store: Open, host: str, first_day: date, tmp_path: Path
) -> None:
    state = tmp_path / "killed"
    for acknowledged in (1, 900, 2000, 3500, 5900):
        process = loading(keyspaces[1], state, host, first_day)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("done") or int(line) >= acknowledged:
                process.kill()
                break
        process.stdout.close()
        assert process.wait() == -9, "it was to be killed in the middle"
    process = loading(keyspaces[1], state, host, first_day)
    last = process.communicate()[0].splitlines()[-1].split()
    assert process.returncode == 0
    assert int(last[1]) + int(last[2]) == N
    assert int(last[2]) >= 3500, "what was acknowledged half a second before a kill is not loaded again"
    complete(open_store(), host, log_sample.rows(host, first_day, N))


@pytest.mark.parametrize("consistency", ["ONE", "QUORUM"])
def test_a_node_that_is_stopped_and_comes_back_during_a_load(
    three: str, open_store: Open, host: str, first_day: date, consistency: str
) -> None:
    rows = log_sample.rows(host, first_day, N)
    store = open_store(address=f"{three}&consistency={consistency}", batch_rows=50)
    reached = threading.Event()

    def progress(done: int, _total: int | None) -> None:
        if done >= N // 4:
            reached.set()

    found: list[Any] = []
    source = log_sample.batches(log_sample.table(rows), host, size=200)
    load = threading.Thread(target=lambda: found.append(store.load(source, rows_per_second=500, progress=progress)))
    load.start()
    assert reached.wait(60)
    script("down", "3", "2")
    assert store.partition(host, first_day, newest=10, critical=True).num_rows == 10, "two of three answer at QUORUM"
    script("start", "3")
    load.join(120)
    assert found, "the load did not end"
    assert found[0].loaded == N
    complete(store, host, rows)


def test_a_node_that_hangs_does_not_stop_a_load(three: str, open_store: Open, host: str, first_day: date) -> None:
    rows = log_sample.rows(host, first_day, 2000)
    store = open_store(address=three, batch_rows=100)
    store.load([])  # connected while all is well
    script("pause", "3", "3")
    try:
        report = store.load(log_sample.batches(log_sample.table(rows), host))
    finally:
        script("wake", "3", "3")
    assert report.loaded == 2000
    complete(store, host, rows)


def test_all_nodes_down_ends_a_load_with_a_sentence_and_the_next_one_goes_on(
    three: str, open_store: Open, host: str, first_day: date
) -> None:
    rows = log_sample.rows(host, first_day, N)
    source = log_sample.batches(log_sample.table(rows), host, size=500)
    store = open_store(address=three)

    def cut_off() -> Iterator[LogBatch]:
        for number, batch in enumerate(source):
            if number == 6:
                for node in ("1", "2", "3"):
                    script("down", "3", node)
            yield batch

    with pytest.raises(StoreError, match="run the same load again"):
        store.load(cut_off(), patience=3)
    script("start", "3")
    store.close()
    report = store.load(source)
    assert report.loaded + report.skipped == N
    assert report.skipped > 0
    complete(store, host, rows)


def test_too_few_replicas_for_what_was_asked_is_said(three: str, open_store: Open, host: str, first_day: date) -> None:
    store = open_store(address=f"{three}&consistency=ALL")
    rows = log_sample.rows(host, first_day, 10, days=1)
    store.load([])
    script("down", "3", "3")
    with pytest.raises(StoreError, match="replicas"):
        store.load(log_sample.batches(log_sample.table(rows), host), patience=3)
    script("start", "3")
    assert store.load(log_sample.batches(log_sample.table(rows), host)).loaded == 10


def test_replicas_that_answer_too_late_cost_time_and_no_row(
    three: str, open_store: Open, host: str, first_day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At ALL a replica that hangs makes the coordinator give up: the server's own WriteTimeout, not the driver's."""
    from workbench.logs import driver

    failures: list[str] = []
    too_slow = driver.is_too_slow

    def noted(error: BaseException) -> bool:
        failures.append(type(error).__name__)
        return too_slow(error)

    monkeypatch.setattr(driver, "is_too_slow", noted)
    rows = log_sample.rows(host, first_day, 3000)
    store = open_store(address=f"{three}&consistency=ALL", batch_rows=100)
    store.load([])  # connected while all is well
    script("pause", "3", "3")
    waking = threading.Timer(8, lambda: script("wake", "3", "3"))
    waking.start()
    try:
        report = store.load(log_sample.batches(log_sample.table(rows), host, size=300))
    finally:
        waking.join()
    assert (report.loaded, report.rejected) == (3000, 0)
    assert "WriteTimeout" in failures
    complete(store, host, rows)


@pytest.mark.parametrize("critical", [False, True], ids=["ONE", "QUORUM"])
def test_a_node_that_is_stopped_and_comes_back_during_reads(
    three: str, open_store: Open, host: str, first_day: date, critical: bool
) -> None:
    rows = log_sample.rows(host, first_day, 2000)
    store = open_store(address=f"{three}&consistency=ALL")
    store.load(log_sample.batches(log_sample.table(rows), host))
    days = {day: [row for row in rows if row["log_date"] == day] for day in {row["log_date"] for row in rows}}
    expected = {day: log_sample.newest_first(log_sample.table(found)).to_pylist() for day, found in days.items()}
    ended, reads, failures = threading.Event(), [], []

    def read() -> None:
        while not ended.is_set():
            for day, wanted in expected.items():
                try:
                    found = store.partition(host, day, critical=critical).to_pylist()
                    pieces = [piece.num_rows for piece in store.stream(host, day, critical=critical)]
                    counts = log_sample.as_counts(store.stats(host, day, critical=critical))
                except StoreError as error:
                    failures.append(str(error))
                    continue
                reads.append(found == wanted and sum(pieces) == len(wanted) and counts == log_sample.counted(days[day]))

    reader = threading.Thread(target=read)
    reader.start()
    script("down", "3", "2")
    script("start", "3")
    ended.set()
    reader.join(60)
    assert not failures, "two of three replicas are enough"
    assert len(reads) > 10
    assert all(reads), "no answer lacks a row"


def test_all_nodes_down_during_a_stream_is_a_sentence(three: str, open_store: Open, host: str, first_day: date) -> None:
    from workbench.logs import ranges

    rows = log_sample.rows(host, first_day, 2000)
    store = open_store(address=three)
    store.load(log_sample.batches(log_sample.table(rows), host))
    asked = ranges.Range()
    parts = asked.parts(store.hosts(critical=True).to_pylist())
    pieces = ranges.stream(store, asked, parts, 1)
    assert next(pieces).num_rows > 0
    for node in ("1", "2", "3"):
        script("down", "3", node)
    with pytest.raises(StoreError, match="Cassandra at"):
        list(pieces)
