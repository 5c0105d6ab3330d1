"""bench.logs.load as a user calls it: whatever the data come in, into every store."""

from __future__ import annotations

import gzip
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import SourceError

COUNT = 150_000
LINES = "".join(
    f"2026-03-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z web-1 app[7]: message {second}\n"
    for second in range(3000)
)


@pytest.fixture
def table():
    """More than two batches, over two days."""
    first = int(pd.Timestamp("2026-03-01").timestamp())
    return pa.table(
        {
            "time": pa.array(range(first, first + COUNT), pa.timestamp("s")),
            "host": pa.array(["web-1", "web-2"] * (COUNT // 2)),
            "msg": pa.array([f"message {number % 100}" for number in range(COUNT)]),
            "level": pa.array(["error", None, "info"] * (COUNT // 3)),
        }
    )


def given(kind, table, folder):
    """The table as that kind of data."""
    if kind == "parquet":
        pq.write_table(table, folder / "logs.parquet", row_group_size=20_000)
    return {
        "frame": lambda: table.to_pandas(),
        "table": lambda: table,
        "stream": lambda: table.to_reader(10_000),
        "parquet": lambda: folder / "logs.parquet",
    }[kind]()


@pytest.mark.parametrize("kind", ["frame", "table", "stream", "parquet"])
def test_everything_arrives_with_progress_and_once(logs, table, kind, tmp_path):
    said: list[tuple[int, int | None]] = []
    summary = logs.load(given(kind, table, tmp_path), progress=lambda done, total: said.append((done, total)))
    assert (summary.lines, summary.rows, summary.loaded, summary.rejected, summary.expired) == (
        COUNT,
        COUNT,
        COUNT,
        0,
        0,
    )
    assert [done for done, _ in said] == sorted({done for done, _ in said}), "it only grows"
    size = (tmp_path / "logs.parquet").stat().st_size if kind == "parquet" else None
    assert said[-1] == (size or COUNT, size)
    again = logs.load(given(kind, table, tmp_path))
    assert again.loaded + again.skipped == COUNT
    if kind != "stream":
        assert again.skipped == COUNT, "what can be read again is recognised"
    assert {(host["hostname"], host["rows"]) for host in logs.hosts().to_pylist()} == {
        ("web-1", COUNT // 2),
        ("web-2", COUNT // 2),
    }
    errors = logs.stats("web-1", "2026-03-01").filter(pa.compute.field("severity") == "error")
    assert sum(errors["rows"].to_pylist()) == 86_400 // 6


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_files_go_on_after_one_that_cannot_be_read(logs, tmp_path, pack):
    good, torn = tmp_path / "syslog", tmp_path / "syslog.1.gz"
    good.write_bytes(pack(LINES.encode()))
    torn.write_bytes(gzip.compress(LINES.replace("web-1", "web-2").encode())[:-20])
    with pytest.raises(SourceError, match="damaged or cut off"):
        logs.load([good, torn])
    torn.write_bytes(gzip.compress(LINES.replace("web-1", "web-2").encode()))
    summary = logs.load([good, torn])
    assert summary.loaded + summary.skipped == 6000
    assert summary.skipped >= 3000, "what had been loaded is not loaded again"
    assert {(host["hostname"], host["rows"]) for host in logs.hosts().to_pylist()} == {("web-1", 3000), ("web-2", 3000)}


def test_dry_run_writes_nothing(logs, table, tmp_path):
    summary = logs.load(table, dry_run=True)
    assert (summary.rows, summary.loaded, summary.dry_run) == (COUNT, 0, True)
    assert logs.hosts().num_rows == 0
    assert logs.past_loads() == []
    assert logs.load(table).loaded == COUNT


def test_rate_is_kept(logs, table):
    summary = logs.load(table.slice(0, 10_000), rate=20_000)
    assert summary.loaded == 10_000
    assert summary.seconds >= 0.4


def test_lines_that_are_refused_are_named_and_the_rest_arrives(logs, tmp_path):
    path = tmp_path / "syslog"
    path.write_text(LINES + "no line of a log\n")
    summary = logs.load(path)
    assert (summary.loaded, summary.rejected) == (3000, 1)
    assert "no line of a log" in summary.reject_files[0].read_text()
    assert summary.last == datetime(2026, 3, 1, 0, 49, 59)
    assert logs.past_loads()[0]["rejected"] == 1


def test_own_ids_that_come_twice_are_one_line(logs):
    frame = pd.DataFrame({"time": ["2026-03-01T10:00:00Z"] * 3, "host": "a", "log_id": ["x", "y", "x"], "msg": "m"})
    logs.load(frame)
    assert logs.partition("a", "2026-03-01").num_rows == 2
    assert sum(logs.stats("a", "2026-03-01")["rows"].to_pylist()) == 2
    assert logs.hosts()["rows"].to_pylist() == [2]
