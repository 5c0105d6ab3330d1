"""The embedded log store's own promises: merging, kills, processes at once, damage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.log_examples import DAY, batches, newest_first, row
from workbench.errors import StoreError
from workbench.logs import embedded
from workbench.logs.embedded import EmbeddedLogStore
from workbench.logs.embedded_files import live_files, write_file
from workbench.logs.embedded_rows import merged


def store(folder: Path) -> EmbeddedLogStore:
    return EmbeddedLogStore(folder / "logs")


def files(folder: Path) -> list[Path]:
    return sorted((folder / "logs").rglob("*.parquet"))


def test_many_small_loads_leave_few_files_and_all_rows(tmp_path):
    rows = [row(number, f"m{number}") for number in range(60)]
    for number, one in enumerate(rows):
        store(tmp_path).load(batches([one], digest=str(number)))
        assert len(files(tmp_path)) <= embedded._MOST_FILES
    assert store(tmp_path).partition("web-1", DAY).to_pylist() == newest_first(rows)
    assert store(tmp_path).hosts()["rows"].to_pylist() == [60]


def test_large_files_are_not_merged_again_for_every_small_one(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "_MERGED_ROWS", 50)
    for number in range(20):
        store(tmp_path).load(batches([row(number * 100 + inner, "x") for inner in range(20)]))
    assert all(pq.read_metadata(file).num_rows <= 50 for file in files(tmp_path))
    assert store(tmp_path).hosts()["rows"].to_pylist() == [400]


def test_merged_file_counts_from_the_moment_it_is_there(tmp_path):
    for number in range(3):
        store(tmp_path).load(batches([row(number)]))
    old = {file: file.read_bytes() for file in files(tmp_path)}
    folder = files(tmp_path)[0].parent
    write_file(folder, "web-1", merged(list(old)), 1, 3)  # a kill right here leaves the old files, too
    assert store(tmp_path).partition("web-1", DAY).num_rows == 3
    assert store(tmp_path).hosts()["rows"].to_pylist() == [3]
    store(tmp_path).load(batches([row(9)]))
    assert store(tmp_path).partition("web-1", DAY).num_rows == 4


def test_files_of_a_writer_that_was_killed_are_not_read_and_go_away(tmp_path):
    store(tmp_path).load(batches([row(1)]))
    stale = files(tmp_path)[0].parent / ".00000002-00000002-9.tmp"
    stale.write_bytes(b"half")
    assert store(tmp_path).partition("web-1", DAY).num_rows == 1
    store(tmp_path).load(batches([row(2)]))
    assert not stale.exists()


def test_reader_of_files_that_a_merge_takes_away_reads_the_merged_one(tmp_path, monkeypatch):
    for number in range(3):
        store(tmp_path).load(batches([row(number)]))
    listed = live_files
    calls: list[Path] = []

    def listing(folder):
        found = listed(folder)
        if not calls:  # between the listing and the reading, another process merges
            write_file(folder, "web-1", merged([file.path for file in found]), 1, 3)
            for file in found:
                file.path.unlink()
        calls.append(folder)
        return found

    monkeypatch.setattr(embedded, "live_files", listing)
    assert store(tmp_path).partition("web-1", DAY).num_rows == 3
    assert len(calls) == 2


LOADER = """
    import sys
    from pathlib import Path
    from tests.log_examples import batches, row
    from workbench.logs import embedded

    embedded._GROUP_ROWS = 20
    worker, count = int(sys.argv[2]), int(sys.argv[3])
    parts = [[row(number * 10 + inner, f"m{number}-{inner}") for inner in range(10)] for number in range(count)]
    print("ready", flush=True)
    embedded.EmbeddedLogStore(Path(sys.argv[1])).load(batches(*parts[worker:], *parts[:worker]))
"""


def loader(folder: Path, worker: int, count: int) -> subprocess.Popen[bytes]:
    code = textwrap.dedent(LOADER)
    arguments = [sys.executable, "-c", code, str(folder / "logs"), str(worker), str(count)]
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})


def expected(count: int) -> list:
    return newest_first([row(n * 10 + inner, f"m{n}-{inner}") for n in range(count) for inner in range(10)])


def test_processes_that_load_the_same_rows_at_once_keep_each_row_once(tmp_path):
    workers = [loader(tmp_path, worker, 40) for worker in (0, 13, 27)]
    reading = store(tmp_path)
    while any(worker.poll() is None for worker in workers):
        found = reading.partition("web-1", DAY)["log_id"].to_pylist()
        assert len(found) == len(set(found)), "a reader saw a row twice"
        time.sleep(0.01)
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    for worker in workers:
        worker.communicate()
    assert reading.partition("web-1", DAY).to_pylist() == expected(40)
    assert reading.hosts()["rows"].to_pylist() == [400]


def test_loader_that_is_killed_at_any_moment_leaves_whole_groups_and_can_be_run_again(tmp_path):
    for attempt in range(4):
        killed = loader(tmp_path, 0, 200)
        assert killed.stdout is not None
        killed.stdout.readline()
        time.sleep(0.02 + 0.05 * attempt)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        count = store(tmp_path).partition("web-1", DAY).num_rows
        assert count % 20 == 0, "half a group was seen"
        assert sum(store(tmp_path).stats("web-1", DAY)["rows"].to_pylist()) == count
    last = loader(tmp_path, 0, 200)
    last.communicate()
    assert last.returncode == 0
    assert store(tmp_path).partition("web-1", DAY).to_pylist() == expected(200)


def test_threads_share_one_store(tmp_path):
    shared = store(tmp_path)
    shared.load(batches([row(number) for number in range(50)]))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: shared.partition("web-1", DAY).num_rows, range(20)))
    assert found == [50] * 20


def test_rows_loaded_before_an_error_of_the_source_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "_GROUP_ROWS", 1)

    def failing():
        yield from batches([row(1)])
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        store(tmp_path).load(failing())
    assert store(tmp_path).partition("web-1", DAY).num_rows == 1


def test_damaged_file_is_a_store_error_with_a_remedy(tmp_path):
    store(tmp_path).load(batches([row(1)]))
    files(tmp_path)[0].write_bytes(b"not parquet at all")
    with pytest.raises(StoreError, match="cannot be read"):
        store(tmp_path).partition("web-1", DAY)


def test_file_of_a_newer_workbench_is_refused(tmp_path):
    store(tmp_path).load(batches([row(1)]))
    (path,) = files(tmp_path)
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows.replace_schema_metadata({b"workbench": b'{"format": 99, "host": "web-1"}'}), path)
    with pytest.raises(StoreError, match="newer workbench"):
        store(tmp_path).partition("web-1", DAY)


def test_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        store(tmp_path).load(batches([row(1)]))


def test_days_far_apart_and_other_files_do_not_disturb(tmp_path):
    store(tmp_path).load(batches([row(1), row(1 + timedelta(days=365).total_seconds())]))
    (tmp_path / "logs" / "hostname=web-1" / "notes").mkdir()
    (tmp_path / "logs" / "hostname=web-1" / "log_date=nonsense").mkdir()
    (host,) = store(tmp_path).hosts().to_pylist()
    assert (host["rows"], (host["last_day"] - host["first_day"]).days) == (2, 365)
