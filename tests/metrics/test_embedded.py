"""The embedded store when things go wrong: kills, full disks, damage, two writers, readers during writes."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.facts import PROJECT, deployment, extract, load, load_rows, shipped
from workbench.errors import StoreError
from workbench.metrics import queries
from workbench.metrics.embedded import EmbeddedStore, file_key

ROOT = Path(__file__).parents[2]
START, END = datetime(2024, 1, 1), datetime(2026, 1, 1)
WRITER = """
import sys
from pathlib import Path
from tests.facts import extract, load, shipped
from workbench.metrics.embedded import EmbeddedStore
folder, project, first, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = EmbeddedStore(folder)
print("ready", flush=True)
for version in range(first, last):  # version n has n + 1 changes of one deployment, each with n as its lead time
    rows = [shipped(f"c{number:05d}", "d", "2025-01-01", version, project=project) for number in range(version + 1)]
    names = [{"project": project, "feature_id": "c00000", "title": str(version)}]
    load(store, [extract("git", rows, features=names, digest=str(version))], folder)
    print(version, flush=True)
"""


def writer(folder: Path, project: str, first: int, last: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), project, str(first), str(last)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def version_of(store: EmbeddedStore, project: str) -> int | None:
    """The version that is stored, after checking that it is whole."""
    state = store.read([project])
    if not state.imports.num_rows:
        return None
    version = int(state.imports["digest"][0].as_py())
    assert state.facts.num_rows == version + 1
    assert {int(one) for one in state.facts["duration_seconds"].to_pylist()} == {version}
    return version


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("seed", range(2))
def test_kill_at_any_moment_leaves_the_old_rows_or_the_new(folder: Path, seed: int) -> None:
    reached = -1
    for attempt in range(6):
        process = writer(folder, PROJECT, reached + 1, reached + 1000)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + 0.037 * attempt + 0.011 * seed)
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.communicate()[0].split()]
        found = version_of(EmbeddedStore(folder), PROJECT)
        last = told[-1] if told else reached
        assert (-1 if found is None else found) in (last, last + 1)
        reached = -1 if found is None else found
    load_rows(EmbeddedStore(folder), [deployment("next", "2025-01-02")], folder)
    kept = {f"{kind}/{file_key(PROJECT)}.parquet" for kind in ("metrics", "features")}
    assert set(files_of(folder)) == kept | {".lock"}  # no temporary file is left


def test_two_imports_at_once_lose_nothing(folder: Path) -> None:
    """Two processes, each with files of its own for one common and one own project."""
    script = """
import sys
from pathlib import Path
from tests.facts import deployment, extract, load
from workbench.metrics.embedded import EmbeddedStore
folder, name = Path(sys.argv[1]), sys.argv[2]
store = EmbeddedStore(folder)
for n in range(15):
    rows = [deployment(f"{name}{n}", "2025-01-01", project=project) for project in ("common", name)]
    load(store, [extract("deployments", rows)], folder)
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(folder), name], cwd=ROOT, env=env)
        for name in ("one", "two")
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    store = EmbeddedStore(folder)
    assert store.projects() == ("common", "one", "two")
    assert [store.read([name]).facts.num_rows for name in ("common", "one", "two")] == [30, 15, 15]
    assert store.read(["common"]).imports.num_rows == 30


def test_a_reader_never_fails_and_never_sees_a_mixture(folder: Path) -> None:
    """A query reads the file several times; all of it must be of one version."""
    load_rows(EmbeddedStore(folder), [shipped("c00000", "d", "2025-01-01", 0)], folder)
    process = writer(folder, PROJECT, 1, 25)
    store = EmbeddedStore(folder)
    seen = set()
    while process.poll() is None:
        rows = store.query(
            queries.get("slowest_changes"),
            {"projects": [PROJECT], "since": START, "until": END, "size": 1000},
        ).to_pylist()
        assert {int(row["lead_time"]) for row in rows} == {len(rows) - 1}
        seen.add(len(rows))
    assert process.wait() == 0
    process.communicate()
    assert len(seen) > 3


def test_a_writer_waits_for_another_and_a_reader_does_not(folder: Path, store: EmbeddedStore) -> None:
    load_rows(store, [deployment("d1", "2025-01-01")], folder)
    done = threading.Event()

    def second() -> None:
        load_rows(EmbeddedStore(folder), [deployment("d2", "2025-01-02")], folder)
        done.set()

    thread = threading.Thread(target=second)
    with store.lock([PROJECT]):
        thread.start()
        assert EmbeddedStore(folder).read([PROJECT]).facts.num_rows == 1
        assert not done.wait(0.2)
    thread.join(timeout=30)
    assert done.is_set()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for little."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a small file system")
    yield place
    subprocess.run(["umount", place], check=True)


def test_full_disk_is_one_sentence_and_the_old_rows_stay(small_disk: Path) -> None:
    store = EmbeddedStore(small_disk)
    load_rows(store, [deployment("d1", "2025-01-01")], small_disk)
    digits = random.Random(1)
    many = [deployment(f"{digits.getrandbits(300):x}", "2025-01-02") for _ in range(20_000)]
    with pytest.raises(StoreError, match="No space left on device") as caught:
        load_rows(store, many, small_disk)
    assert "unchanged" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert store.read([PROJECT]).facts["cycle_id"].to_pylist() == ["d1"]
    assert not [name for name in files_of(small_disk) if name.endswith(".tmp")]
    load_rows(store, [deployment("d2", "2025-01-03")], small_disk)
    assert store.read([PROJECT]).facts.num_rows == 2


def test_failing_sync_leaves_the_old_rows(folder: Path, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses at the last moment."""
    load_rows(store, [deployment("d1", "2025-01-01")], folder)

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match="Input/output error"):
            load_rows(store, [deployment("d2", "2025-01-02")], folder)
    assert store.read([PROJECT]).facts["cycle_id"].to_pylist() == ["d1"]
    assert not [name for name in files_of(folder) if name.endswith(".tmp")]


def test_a_folder_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    store = EmbeddedStore(tmp_path / "file" / "data")
    with pytest.raises(StoreError, match="cannot be written"):
        load_rows(store, [deployment("d1", "2025-01-01")], tmp_path)
    with pytest.raises(StoreError, match="cannot be read"):
        store.projects()


@pytest.mark.parametrize("kind", ["metrics", "features"])
@pytest.mark.parametrize("damage", ["cut", "text", "empty", "middle"])
def test_a_damaged_file_is_named(folder: Path, store: EmbeddedStore, kind: str, damage: str) -> None:
    rows = [shipped(f"c{number}", "d", "2025-01-01", number) for number in range(500)]
    names = [{"feature_id": f"c{number}", "title": f"Title {number}"} for number in range(500)]
    load(store, [extract("git", rows, features=names)], folder)
    path = folder / kind / f"{file_key(PROJECT)}.parquet"
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[:-20],
            "text": b"hello",
            "empty": b"",
            "middle": content[:8] + bytes(len(content) // 3) + content[8 + len(content) // 3 :],
        }[damage]
    )
    fresh = EmbeddedStore(folder)
    parameters = {"projects": [PROJECT], "since": START, "until": END, "size": 1000}
    with pytest.raises(StoreError, match=path.name) as caught:
        fresh.query(queries.get("slowest_changes"), parameters)
    assert "import again" in str(caught.value)
    with pytest.raises(StoreError, match=path.name):
        fresh.read([PROJECT])


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ({"format": 99, "project": PROJECT, "imports": []}, "newer workbench"),
        ({"project": PROJECT}, "not a file of this store"),
        (["format"], "not a file of this store"),
        (None, "not a file of this store"),
    ],
)
def test_a_file_of_another_program_or_time_is_refused(
    folder: Path, store: EmbeddedStore, note: object, says: str
) -> None:
    load_rows(store, [deployment("d1", "2025-01-01")], folder)
    path = folder / "metrics" / f"{file_key(PROJECT)}.parquet"
    table = pq.read_table(path).replace_schema_metadata(note and {"workbench": json.dumps(note)})
    pq.write_table(table, path)
    with pytest.raises(StoreError, match=says) as caught:
        EmbeddedStore(folder).projects()
    assert path.name in str(caught.value)


def test_names_have_a_format_number_too(folder: Path, store: EmbeddedStore) -> None:
    load_rows(store, [deployment("d1", "2025-01-01")], folder)
    path = folder / "features" / f"{file_key(PROJECT)}.parquet"
    assert json.loads(pq.read_metadata(path).metadata[b"workbench"]) == {"format": 1, "project": PROJECT}


def test_no_two_projects_share_a_file() -> None:
    names = [
        "a",
        "A",
        "a ",
        "a/b",
        "a-b",
        "a b",
        "..",
        ".",
        "",
        "ä",
        "a\u0308",
        "x" * 100,
        "x" * 99,
        "-",
        "project",
        "con",
    ]
    keys = [file_key(name).casefold() for name in names]
    assert len(set(keys)) == len(names)
    assert all(key.isascii() and len(key) < 64 and not key.startswith(".") and "/" not in key for key in keys)


@pytest.mark.parametrize("name", ["with space", "it's", 'quo"te', "glob[1]*?", "ünï", "$dollar{x}", "semi;colon"])
def test_folders_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = EmbeddedStore(tmp_path / name)
    load_rows(store, [deployment("d1", "2025-01-01")], tmp_path)
    answer = store.query(queries.get("projects"), {"projects": [PROJECT]})
    assert answer["deployments"].to_pylist() == [1]


def test_foreign_files_in_the_folder_are_left_alone(folder: Path, store: EmbeddedStore) -> None:
    load_rows(store, [deployment("d1", "2025-01-01")], folder)
    (folder / "metrics" / "notes.txt").write_text("mine")
    assert store.projects() == (PROJECT,)


def test_a_query_that_cannot_run_is_a_store_error(folder: Path, store: EmbeddedStore) -> None:
    load_rows(store, [deployment("d1", "2025-01-01")], folder)
    broken = queries.parse(
        "-- name: broken\n-- It.\n-- column a integer\n-- grain: one\nSELECT nothing AS a FROM dora_metrics", "x"
    )
    with pytest.raises(StoreError, match="Query broken failed") as caught:
        store.query(broken, {})
    assert "\n" not in str(caught.value)
