"""Answers that are kept: the same as computed ones, gone with the data behind them, computed by one at a time."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.april import Seen, add_project, histogram, some_parameters, watched
from tests.facts import PROJECT
from workbench import connect, doctor, settings
from workbench.errors import ConfigurationError, MissingExtraError, ParameterError, StoreError
from workbench.metrics import queries, result_cache
from workbench.metrics.cache import CachedStore
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.result_cache import ResultCache

REDIS = pytest.param("redis", marks=pytest.mark.integration)
PLACES = ["memory", "file", REDIS]
Opened = Callable[..., tuple[CachedStore, Seen]]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of these tests' own, on a socket in a folder."""
    if url := os.environ.get("WORKBENCH_TEST_REDIS_URL"):
        yield url
        return
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        pytest.skip("there is no redis-server here (scripts/install-test-tools)")
    folder = tmp_path_factory.mktemp("redis")
    socket = Path("/tmp") / f"workbench-{os.getpid()}.sock"  # a socket's path has to be short
    process = subprocess.Popen(
        [
            server,
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--unixsocketperm",
            "700",
            "--save",
            "",
            "--dir",
            str(folder),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)
        socket.unlink(missing_ok=True)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each place an answer may be kept in, empty."""
    if request.param == "redis":
        import redis

        url: str = request.getfixturevalue("redis_url")
        client = redis.Redis.from_url(url, retry=_patient())
        client.flushdb()
        client.close()
        return url
    return request.param if request.param == "memory" else f"file:{tmp_path / 'answers'}"


def _patient() -> object:
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    return Retry(ConstantBackoff(0.02), 200, supported_errors=(ConnectionError, OSError, _redis_errors()))


def _redis_errors() -> type[Exception]:
    from redis.exceptions import ConnectionError as RedisConnectionError

    return RedisConnectionError


@pytest.fixture
def opened(folder: Path, april: Path) -> Iterator[Opened]:
    """Opens the store of this test through a cache, and shows what is really computed."""
    shutil.copytree(april, folder)

    def opened(place: str = "memory", *, seconds: float = 300, size: int = MEGABYTE) -> tuple[CachedStore, Seen]:
        store, seen = watched(EmbeddedStore(folder))
        caches.append(ResultCache(place, seconds, size))
        return CachedStore(store, caches[-1]), seen

    caches: list[ResultCache] = []
    yield opened
    for cache in caches:
        cache.close()


def test_the_second_answer_is_the_first_and_is_not_computed(opened: Opened, place: str, folder: Path) -> None:
    store, seen = opened(place)
    computed = EmbeddedStore(folder).query(*histogram())
    first, second = store.answer(*histogram()), store.answer(*histogram())
    assert (first[1], second[1]) == (False, True)
    assert first[0].equals(computed, check_metadata=True)
    assert second[0].equals(computed, check_metadata=True)
    assert seen.queries == ["lead_time_histogram"]


@pytest.mark.parametrize("name", sorted(queries.load()))
def test_every_question_has_the_same_answer_with_and_without(name: str, opened: Opened, tmp_path: Path) -> None:
    """Over a file, so that every column type goes through its bytes."""
    store, _ = opened(f"file:{tmp_path / 'answers'}")
    query, parameters = queries.get(name), some_parameters(name)
    answers = [store.query(query, parameters), store.query(query, parameters)]
    plain = store._store.query(query, parameters)
    assert all(answer.equals(plain, check_metadata=True) for answer in answers), name


def test_other_parameters_are_another_question(opened: Opened) -> None:
    store, seen = opened()
    store.query(*histogram())
    store.query(*histogram(bins=queries.bins([0, 7200, 864_000])))
    store.query(*histogram("nobody"))
    assert len(seen.queries) == 3


def test_other_sql_under_the_same_name_is_another_question(opened: Opened) -> None:
    from dataclasses import replace

    store, seen = opened()
    query, parameters = histogram()
    store.query(query, parameters)
    store.query(replace(query, sql=query.sql + " -- changed"), parameters)
    assert len(seen.queries) == 2


def test_wrong_parameters_are_refused_as_without_a_cache(opened: Opened) -> None:
    store, _ = opened()
    query, parameters = histogram()
    store.query(query, parameters)
    with pytest.raises(ParameterError, match="colour"):
        store.query(query, {**parameters, "colour": 1})


def test_an_import_of_this_or_another_process_is_seen_at_once(opened: Opened, place: str, folder: Path) -> None:
    store, _ = opened(place)
    both = histogram(PROJECT, "late")
    assert set(store.query(*both)["project"].to_pylist()) == {PROJECT}
    add_project(EmbeddedStore(folder), folder, "late")  # another store object: nothing tells this one of it
    assert set(store.query(*both)["project"].to_pylist()) == {PROJECT, "late"}
    with store.lock(["late"]):
        old = store.read(["late"])
        store.write("late", old, type(old)(old.facts.slice(0, 0), old.features.slice(0, 0), old.imports.slice(0, 0)))
    assert set(store.query(*both)["project"].to_pylist()) == {PROJECT}


def test_own_writes_are_seen_at_once_even_if_the_version_is_read_seldom(folder: Path, april: Path) -> None:
    shutil.copytree(april, folder)
    store = CachedStore(EmbeddedStore(folder), ResultCache("memory", 300, MEGABYTE), check_seconds=3600)
    both = histogram(PROJECT, "late", "later")
    store.query(*both)
    add_project(store, folder, "late")
    assert set(store.query(*both)["project"].to_pylist()) == {PROJECT, "late"}
    add_project(EmbeddedStore(folder), folder, "later")
    assert "later" not in store.query(*both)["project"].to_pylist(), "the version was to be read once an hour"


def test_an_answer_is_not_older_than_the_limit(opened: Opened, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    store, seen = opened(place, seconds=300)
    store.query(*histogram())
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 299)
    assert store.answer(*histogram())[1] is True
    monkeypatch.setattr(time, "time", lambda: real() + 301)
    assert store.answer(*histogram())[1] is False
    assert len(seen.queries) == 2


def test_refreshed_computes_once_more_and_keeps_it_for_all(opened: Opened, place: str) -> None:
    store, seen = opened(place)
    store.query(*histogram())
    fresh = store.refreshed()
    assert [fresh.answer(*histogram())[1], fresh.answer(*histogram())[1], store.answer(*histogram())[1]] == [
        False, True, True,
    ]  # fmt: skip
    assert len(seen.queries) == 2


def test_pages_of_rows_are_not_kept(opened: Opened) -> None:
    store, seen = opened()
    for _ in range(2):
        assert store.answer(queries.get("change_rows"), some_parameters("change_rows"))[1] is None
    assert seen.queries == ["change_rows"] * 2


def test_large_answers_are_given_and_not_kept(opened: Opened, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, seen = opened(place)
    monkeypatch.setattr(result_cache, "LARGEST", 10)
    assert [store.answer(*histogram())[1] for _ in range(2)] == [False, False]
    assert store.refreshed().answer(*histogram())[0].num_rows
    assert len(seen.queries) == 3


def test_many_who_ask_at_once_wait_for_one_computation(opened: Opened, place: str) -> None:
    store, seen = opened(place)
    gate = threading.Barrier(8)
    answers: list[pa.Table] = []

    def ask() -> None:
        gate.wait()
        answers.append(store.query(*histogram()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer.equals(answers[0]) for answer in answers)
    assert seen.queries == ["lead_time_histogram"]


@pytest.mark.parametrize("place", ["file", REDIS], indirect=True)
def test_processes_that_ask_at_once_share_one_computation(opened: Opened, place: str, folder: Path) -> None:
    """Three processes compute one answer between them, and this one finds it."""
    store, seen = opened(place)
    code = f"""
import sys
from pathlib import Path
from tests.april import histogram, watched
from workbench.metrics.cache import CachedStore
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.result_cache import ResultCache
inner, seen = watched(EmbeddedStore(Path({str(folder)!r})))
cache = ResultCache({place!r}, 300, 1000000)
store = CachedStore(inner, cache)
store.version()
print("ready", flush=True)
sys.stdin.readline()
store.query(*histogram())
cache.close()
print(len(seen.queries))
"""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code]
    asking = [
        subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in asking:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        assert process.stdin
    for process in asking:
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    computed = [int(process.communicate(timeout=60)[0]) for process in asking]
    assert sum(computed) == 1
    assert store.answer(*histogram())[1] is True
    assert seen.queries == []


def test_stores_that_share_a_place_do_not_mix(tmp_path: Path) -> None:
    """Two empty stores have the same version: only their place tells them apart."""
    cache = ResultCache("memory", 300, MEGABYTE)
    one, two = (CachedStore(EmbeddedStore(tmp_path / name), cache) for name in "ab")
    assert one.version() == two.version()
    assert one.answer(*histogram())[1] is False
    assert two.answer(*histogram())[1] is False


def test_memory_is_bounded_and_keeps_what_was_used_last(opened: Opened) -> None:
    store, _ = opened(size=3 * 5_000)
    questions = [histogram(bins=queries.bins([0, 60 * n, 864_000])) for n in range(1, 40)]
    store.query(*questions[0])
    for question in questions[1:]:
        store.query(*question)
        assert store.answer(*questions[0])[1] is True, "it was used last"
    assert sum(store.answer(*question)[1] is True for question in questions) <= 7


def test_a_folder_is_bounded(opened: Opened, tmp_path: Path) -> None:
    store, _ = opened(f"file:{tmp_path / 'answers'}", size=5_000)
    for n in range(1, 20):
        store.query(*histogram(bins=queries.bins([0, 60 * n, 864_000])))
        files = list((tmp_path / "answers").glob("*.arrow"))
        assert files, "the last one fits"
        assert sum(file.stat().st_size for file in files) <= 5_000
    assert not list((tmp_path / "answers").glob("*.tmp"))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "pickle"])
def test_a_damaged_file_is_no_answer(damage: str, opened: Opened, tmp_path: Path) -> None:
    """And a pickle, whose reading would run code, is never read as one."""
    store, seen = opened(f"file:{tmp_path / 'answers'}")
    answer = store.query(*histogram())
    file = next((tmp_path / "answers").glob("*.arrow"))
    data, trap = file.read_bytes(), tmp_path / "ran"
    changed = bytearray(data)
    changed[-20] ^= 1
    damaged = {"cut": data[:-9], "flip": bytes(changed), "empty": b"", "pickle": pickle.dumps(_Trap(str(trap)))}[damage]
    file.write_bytes(damaged)
    again, hit = store.answer(*histogram())
    assert again.equals(answer)
    assert hit is False
    assert not trap.exists()
    assert store.answer(*histogram())[1] is True
    assert len(seen.queries) == 2


class _Trap:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(self.path),))


@pytest.mark.parametrize("place", [REDIS], indirect=True)
def test_nothing_in_redis_is_unpickled(place: str, opened: Opened, tmp_path: Path) -> None:
    import redis

    store, _ = opened(place)
    answer = store.query(*histogram())
    client = redis.Redis.from_url(place)
    trap = tmp_path / "ran"
    for key in client.keys("workbench:*"):
        metadata = bytes(client.get(key)).partition(b"|")[0]  # type: ignore[arg-type]
        client.set(key, metadata + b"|" + pickle.dumps(_Trap(str(trap))))
    client.close()
    again, hit = store.answer(*histogram())
    assert again.equals(answer)
    assert hit is False
    assert not trap.exists()


@pytest.mark.parametrize("broken", ["redis", "file"])
def test_a_broken_place_costs_one_warning_and_no_answer(
    broken: str, opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    place = {"redis": "redis://user:hunter2@127.0.0.1:1/0", "file": f"file:{tmp_path / 'blocked' / 'x'}"}[broken]
    store, seen = opened(place)
    with caplog.at_level(logging.WARNING):
        answers = [store.answer(*histogram()) for _ in range(3)]
    assert [hit for _, hit in answers] == [False] * 3
    assert all(table.num_rows for table, _ in answers)
    assert len(seen.queries) == 3
    assert len(caplog.records) == 1
    assert "cannot be used" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_error_of_the_store_is_the_stores(
    opened: Opened, place: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, seen = opened(place)
    file = next((folder / "metrics").glob("*.parquet"))
    data = file.read_bytes()
    store.query(*histogram())
    file.write_bytes(data[: len(data) // 2] + b"\0" * 40)
    with pytest.raises(StoreError):
        store.query(*histogram())
    file.write_bytes(data)
    assert store.query(*histogram()).num_rows
    assert not caplog.records
    assert seen.queries


@pytest.mark.parametrize("wrong", ["disk", "file:", "http://ann:hunter2@example.com", "memory "])
def test_a_place_that_does_not_exist_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="'cache'") as caught:
        connect(cache=wrong)
    assert "hunter2" not in str(caught.value)


def test_redis_without_its_client_says_what_to_install(april: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_cache, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"dora-workbench\[redis\]"):
        connect(data=april, cache="redis://127.0.0.1:1/7")


def test_the_settings_do_not_show_the_password_of_a_cache() -> None:
    assert "hunter2" not in repr(settings.load(cache="redis://ann:hunter2@example.com"))


def test_who_connects_again_finds_the_answers_of_before(april: Path) -> None:
    query, parameters = histogram(bins=queries.bins([0, 1234, 864_000]))
    connect(data=april).query(query.name, **parameters)
    bench = connect(data=april)
    with bench.profile() as p:
        bench.query(query.name, **parameters)
    assert [one.cached for one in p.statements] == [True]


def test_a_folder_in_the_file_is_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "workbench.toml").write_text('cache = "file:answers"\nquery_log = "logs/q.jsonl"\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    found = settings.load()
    assert found.cache == f"file:{tmp_path / 'answers'}"
    assert found.query_log == tmp_path / "logs" / "q.jsonl"
    assert settings.load(cache="file:here").cache == f"file:{tmp_path / 'below' / 'here'}"


def test_the_doctor_tries_the_place_and_leaves_nothing_there(place: str, tmp_path: Path) -> None:
    checks = doctor.examine(settings.load(data=tmp_path / "data", out=tmp_path, cache=place, cache_seconds=90))
    [found] = [check for check in checks if check.name == "result cache"]
    assert (found.state, found.detail.endswith("kept for 90 s")) == ("ok", True), found
    assert list(tmp_path.glob("answers/*.arrow")) == []


def test_the_doctor_names_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    """It is a note, for questions are answered all the same; the password is not shown."""
    (tmp_path / "file").write_text("")
    for place, shown in (
        (f"file:{tmp_path / 'file' / 'answers'}", str(tmp_path / "file" / "answers")),
        ("redis://:hidden-word@127.0.0.1:1/0", "redis://127.0.0.1:1/0"),
    ):
        checks = doctor.examine(settings.load(data=tmp_path / "data", out=tmp_path, cache=place))
        [found] = [check for check in checks if check.name == "result cache"]
        assert found.state == "note"
        assert f"{shown} cannot be used" in found.detail
        assert "hidden-word" not in repr(found)


def test_the_doctor_says_that_the_cache_is_off(tmp_path: Path) -> None:
    checks = doctor.examine(settings.load(data=tmp_path / "data", out=tmp_path, cache_seconds=0))
    assert [check.detail for check in checks if check.name == "result cache"] == ["off: each answer is computed"]
