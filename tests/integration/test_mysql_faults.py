"""What goes wrong between client and server: nothing is lost, nothing half done, one sentence says what to do."""

from __future__ import annotations

import json
import resource
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests import servers
from tests.facts import PROJECT, deployment, load_rows, shipped, table
from workbench.errors import ConfigurationError, StoreError, WorkbenchError
from workbench.metrics import mysql_engine, mysql_schema, queries
from workbench.metrics.mysql import MySQLStore
from workbench.metrics.protocol import State
from workbench.rows import FACTS, FEATURES, IMPORTS

NOTHING = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
SECRET = "s3cret-never-shown"


def state(*cycles: str, day: str = "2025-01-01") -> State:
    """Deployments, for each cycle one."""
    return State(table(deployment(cycle, day) for cycle in cycles), FEATURES.empty_table(), IMPORTS.empty_table())


def many(rows: int) -> State:
    """A state whose load takes a while."""
    facts = table(shipped(f"{n:020}" * 4, f"{n // 10:020}" * 4, "2025-01-01", n) for n in range(rows))
    return State(facts, FEATURES.empty_table(), IMPORTS.empty_table())


def wait(condition: Callable[[], bool]) -> None:
    """Until it holds; a test fails after half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.15)  # InnoDB renews what it says of transactions only when nobody has asked for 0.1 s


@pytest.fixture
def mortal(victim: str) -> Iterator[MySQLStore]:
    """A store on the server that may be killed."""
    connect = servers.database(victim)
    mysql_schema.migrate(connect)
    store = MySQLStore(connect)
    yield store
    servers.restart(victim)
    store.close()


def test_server_killed_during_an_import_changes_nothing(mortal: MySQLStore, victim: str) -> None:
    before, after = state("a", "b"), many(60_000)
    mortal.write(PROJECT, NOTHING, before)
    version = mortal.version()
    caught: list[BaseException] = []

    def load() -> None:
        try:
            with mortal.lock([PROJECT]):
                mortal.write(PROJECT, before, after)
        except WorkbenchError as error:
            caught.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    modified = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 1000"
    wait(lambda: servers.sql(victim, modified)[0][0] != "0")
    servers.crash(victim)
    thread.join(60)
    assert isinstance(caught[0], StoreError), "the import did not notice"
    assert "ended the connection" in str(caught[0])
    with pytest.raises(StoreError, match="reached"):
        mortal.projects()
    servers.restart(victim)
    assert mortal.version() == version
    assert sorted(mortal.read([PROJECT]).facts["cycle_id"].to_pylist()) == ["a", "b"]
    with mortal.lock([PROJECT]):
        mortal.write(PROJECT, before, after)
    assert mortal.read([PROJECT]).facts.num_rows == after.facts.num_rows


@pytest.fixture
def small(kind: str) -> str:
    """A server whose tablespace cannot grow above a few megabytes, as on a full disk or under a quota."""
    name = f"{kind}-small"
    servers.url(name)
    return name


@pytest.mark.parametrize("files", [True, False], ids=["files", "inserts"])
def test_full_disk_during_an_import_changes_nothing(small: str, files: bool) -> None:
    connect = servers.database(small)
    mysql_schema.migrate(connect)
    store = MySQLStore(connect)
    store._loader._files_allowed = files
    before = state("a", "b")
    store.write(PROJECT, NOTHING, before)
    version = store.version()
    with store.lock([PROJECT]), pytest.raises(StoreError, match=r"disk or its tablespace is full .* Free space"):
        store.write(PROJECT, before, many(100_000))
    assert store.version() == version
    assert store.read([PROJECT]).facts.equals(before.facts)
    with store.lock([PROJECT]):
        store.write(PROJECT, before, state("c"))
    assert store.read([PROJECT]).facts["cycle_id"].to_pylist() == ["c"], "the server could not go on"
    store.close()


def test_full_disk_of_the_client_changes_nothing(store: MySQLStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state("a")
    store.write(PROJECT, NOTHING, before)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError, match=r"temporary file.* TMPDIR"):
            store.write(PROJECT, before, many(5_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(StoreError, match=r"temporary file.* TMPDIR"):
        store.write(PROJECT, before, many(5_000))
    monkeypatch.undo()
    assert store.read([PROJECT]).facts.equals(before.facts)


def _with_metadata(text: str) -> State:
    """Two deployments, the second with something large to say."""
    rows = [deployment("a", "2025-01-01"), deployment("b", "2025-01-02", metadata=json.dumps({"text": text}))]
    return State(table(rows), FEATURES.empty_table(), IMPORTS.empty_table())


def test_metadata_above_what_the_server_takes_at_once(victim: str) -> None:
    """By file it is loaded and read back as it is; by inserts it is refused in one sentence, and nothing changes."""
    connect = servers.database(victim)
    mysql_schema.migrate(connect)
    packet = servers.sql(victim, "SELECT @@max_allowed_packet")[0][0]
    servers.sql(victim, "SET GLOBAL max_allowed_packet = 1048576")
    try:
        store = MySQLStore(connect)
        huge = _with_metadata("x" * 3_000_000)
        store.write(PROJECT, NOTHING, huge)
        assert store.read([PROJECT]).facts.equals(huge.facts)
        store._loader._files_allowed = False
        fits = _with_metadata('"' * 250_000)  # each is four bytes of a statement: one escape is JSON's, one is SQL's
        store.write(PROJECT, huge, fits)
        for text in ("x" * 1_048_576, '"' * 270_000):
            with pytest.raises(StoreError, match=r"row shop / b has .* bytes.*nothing was written.*max_allowed_packet"):
                store.write(PROJECT, fits, _with_metadata(text))
        assert store.read([PROJECT]).facts.equals(fits.facts)
        store.close()
    finally:
        servers.sql(victim, f"SET GLOBAL max_allowed_packet = {packet}")


@pytest.mark.parametrize("files", [True, False], ids=["files", "inserts"])
def test_four_byte_unicode_comes_back_and_can_be_asked_for(store: MySQLStore, files: bool) -> None:
    """In names, titles and metadata, also outside of the characters that utf8mb3 knows."""
    store._loader._files_allowed = files
    rocket, project = "🚀" * 25 + "\U0002070e", "🛒 shop"
    facts = table(
        [deployment(rocket, "2025-01-01", project=project, metadata=json.dumps({"t": rocket}, ensure_ascii=False))]
    )
    names = {"project": project, "feature_id": rocket, "source": "git", "title": rocket * 5}
    features = pa.Table.from_pylist([names], FEATURES)
    store.write(project, NOTHING, State(facts, features, IMPORTS.empty_table()))
    read = store.read([project])
    assert read.facts.equals(facts)
    assert read.features.equals(features)
    assert store.projects() == (project,)
    assert store.query(queries.get("projects"), {"projects": [project]})["deployments"].to_pylist() == [1]


def test_server_restarted_between_two_questions_goes_unnoticed(mortal: MySQLStore, victim: str) -> None:
    mortal.write(PROJECT, NOTHING, state("a"))
    assert mortal.projects() == (PROJECT,)
    servers.crash(victim)
    servers.restart(victim)
    assert mortal.projects() == (PROJECT,)
    with mortal.lock([PROJECT]):
        mortal.write(PROJECT, state("a"), state("b"))
    assert mortal.read([PROJECT]).facts["cycle_id"].to_pylist() == ["b"]


def _kill_connections(kind: str, connect: mysql_engine.Connect) -> int:
    schema = connect.url.rpartition("/")[2]
    ids = servers.sql(kind, f"SELECT id FROM information_schema.processlist WHERE db = '{schema}'")
    servers.sql(kind, *(f"KILL {row[0]}" for row in ids))
    return len(ids)


def test_connection_that_the_server_drops_is_replaced(
    store: MySQLStore, kind: str, connect: mysql_engine.Connect
) -> None:
    assert store.projects() == ()
    assert _kill_connections(kind, connect) >= 1
    assert store.projects() == ()


def test_connection_lost_in_the_middle_of_a_question_is_asked_again(
    store: MySQLStore, kind: str, connect: mysql_engine.Connect
) -> None:
    """The question is under way when its connection is killed, once."""
    text = "-- name: slow\n-- Waits.\n-- column n integer\n-- grain: one\nSELECT SLEEP(1) AS n"
    answer: list[int] = []
    query = queries.parse(text, "slow.sql")
    thread = threading.Thread(target=lambda: answer.extend(store.query(query, {})["n"].to_pylist()))
    thread.start()
    busy = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '/* workbench:slow */%'"
    wait(lambda: servers.sql(kind, busy)[0][0] != "0")
    _kill_connections(kind, connect)
    thread.join(30)
    assert answer == [0]


def test_writer_that_lost_its_connection_lost_its_lock(
    store: MySQLStore, kind: str, connect: mysql_engine.Connect
) -> None:
    """It must not write over what somebody else may have written since."""
    store.write(PROJECT, NOTHING, state("a"))
    with store.lock([PROJECT]):
        _kill_connections(kind, connect)
        with pytest.raises(StoreError):
            store.write(PROJECT, state("a"), state("b"))
        with pytest.raises(StoreError, match="lock"):
            store.write(PROJECT, state("a"), state("b"))
    assert store.read([PROJECT]).facts["cycle_id"].to_pylist() == ["a"]
    with store.lock([PROJECT]):
        store.write(PROJECT, state("a"), state("b"))


def test_another_thread_writes_only_as_long_as_the_lock_is_held(
    store: MySQLStore, kind: str, connect: mysql_engine.Connect
) -> None:
    """Projects are written side by side on connections of their own, which the lock does not belong to."""
    store.write(PROJECT, NOTHING, state("a"))
    with ThreadPoolExecutor(1) as pool, store.lock([PROJECT]):
        pool.submit(store.write, PROJECT, state("a"), state("b")).result()
        _kill_connections(kind, connect)
        for _ in range(2):
            with pytest.raises(StoreError, match="lock"):
                pool.submit(store.write, PROJECT, state("b"), state("c")).result()
    assert store.read([PROJECT]).facts["cycle_id"].to_pylist() == ["b"]


def test_projects_are_written_side_by_side_and_each_as_a_whole(
    store: MySQLStore, kind: str, connect: mysql_engine.Connect, tmp_path: Path
) -> None:
    """One of many projects cannot be written: an import says so, and the next one brings the rest."""
    rows = [deployment(f"d{n}", "2025-01-01", project=f"p{n:02d}") for n in range(12)]
    text = "CREATE TRIGGER no BEFORE INSERT ON dora_metrics FOR EACH ROW " + (
        "IF NEW.project = 'p05' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF"
    )
    schema = connect.url.rpartition("/")[2]
    servers.sql(kind, text, schema=schema)
    with pytest.raises(StoreError, match="not this one"):
        load_rows(store, rows, tmp_path)
    assert "p05" not in store.projects()
    servers.sql(kind, "DROP TRIGGER no", schema=schema)
    load_rows(store, rows, tmp_path)
    assert store.projects() == tuple(f"p{n:02d}" for n in range(12))
    assert sorted(store.read(store.projects()).facts["cycle_id"].to_pylist()) == sorted(f"d{n}" for n in range(12))


def test_deadlock_is_tried_again(store: MySQLStore, kind: str, connect: mysql_engine.Connect) -> None:
    """Another program holds the last row, then wants the first: the server ends the lighter transaction, ours."""
    import MySQLdb
    from sqlalchemy import make_url

    first = state("a", "z", *(f"m{n:03}" for n in range(300)))
    store.write(PROJECT, NOTHING, first)
    there = make_url(connect.url)
    other = MySQLdb.connect(
        host=there.host, port=there.port, user=there.username, password=there.password, database=there.database
    )
    cursor = other.cursor()
    cursor.execute("UPDATE dora_metrics SET decision = 'review' WHERE cycle_id LIKE 'm%'")  # heavier than ours
    cursor.execute("UPDATE dora_metrics SET decision = 'review' WHERE cycle_id = 'z'")
    rows = first.facts.to_pylist()
    for row in rows:
        if row["cycle_id"] in ("a", "z"):
            row["decision"] = "rework"
    new = State(table(rows), first.features, first.imports)
    thread = threading.Thread(target=store.write, args=(PROJECT, first, new))
    thread.start()
    waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    wait(lambda: servers.sql(kind, waiting)[0][0] != "0")
    cursor.execute("UPDATE dora_metrics SET decision = 'review' WHERE cycle_id = 'a'")  # closes the circle
    time.sleep(0.2)
    other.rollback()
    other.close()
    thread.join(60)
    stored = {row["cycle_id"]: row["decision"] for row in store.read([PROJECT]).facts.to_pylist()}
    assert (stored["a"], stored["z"], stored["m000"]) == ("rework", "rework", "go")


@pytest.mark.parametrize("limit", [0.2, 0.0004])
def test_question_over_the_time_limit_is_stopped(connect: mysql_engine.Connect, limit: float) -> None:
    """Also over one below a millisecond, which must not be sent as 0: that is no limit."""
    store = MySQLStore(replace(connect, statement_limit=limit))
    heavy = "SELECT COUNT(*) AS n FROM " + ", ".join(f"information_schema.columns AS {name}" for name in "abc")
    query = queries.parse(f"-- name: heavy\n-- Takes long.\n-- column n integer\n-- grain: one\n{heavy}", "heavy.sql")
    with pytest.raises(StoreError, match=r"Query heavy .* longer than the limit .* WORKBENCH_STATEMENT_LIMIT_SECONDS"):
        store.query(query, {})
    assert limit < 0.1 or store.projects() == ()


def _shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize("way", ["url", "setting"])
def test_wrong_password(connect: mysql_engine.Connect, way: str) -> None:
    """Said in one sentence, without the password, whatever is printed of the error."""
    from sqlalchemy import make_url

    there = make_url(connect.url)
    user = f"{there.username}:{SECRET}" if way == "url" else there.username
    url = f"mysql://{user}@{there.host}:{there.port}/{there.database}"
    wrong = replace(connect, url=url, password=SECRET if way == "setting" else None)
    with pytest.raises(StoreError, match="user or password is wrong") as caught:
        MySQLStore(wrong).projects()
    assert SECRET not in _shown(caught.value) + repr(wrong)


def test_wrong_database(connect: mysql_engine.Connect) -> None:
    with pytest.raises(StoreError, match=r"no such database.*CREATE DATABASE"):
        MySQLStore(replace(connect, url=connect.url + "_not_there")).projects()


def test_nobody_listens(connect: mysql_engine.Connect) -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        MySQLStore(replace(connect, url=f"mysql://me:{SECRET}@127.0.0.1:1/x")).projects()
    assert SECRET not in _shown(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://h/db", f"mysql://me:{SECRET}@", f"mysql://me:{SECRET}@h", f"mysql://me:{SECRET}@h:x/db",
            f"mysql://me:{SECRET}@h/db?ssl=1", SECRET]
)  # fmt: skip
def test_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ConfigurationError, match="mysql://user@host:3306/database") as caught:
        MySQLStore(mysql_engine.Connect(url))
    assert SECRET not in _shown(caught.value)


def test_schema_of_another_time(store: MySQLStore, kind: str, connect: mysql_engine.Connect) -> None:
    """None, an older one, a newer one: said before a statement fails for a reason that nobody understands."""
    empty = servers.database(kind)
    for ask in (MySQLStore(empty).projects, lambda: MySQLStore(empty).write(PROJECT, NOTHING, state("a"))):
        with pytest.raises(StoreError, match=r"no tables of the workbench.*workbench migrate"):
            ask()
    schema = connect.url.rpartition("/")[2]
    servers.sql(kind, "UPDATE workbench_schema SET version_num = '0000'", schema=schema)
    with pytest.raises(StoreError, match=r"schema 0000.*workbench migrate"):
        store.projects()
    servers.sql(kind, "UPDATE workbench_schema SET version_num = '9999'", schema=schema)
    with pytest.raises(StoreError, match=r"newer.*Upgrade"):
        store.projects()


def test_reader_sees_the_old_rows_or_the_new_ones(store: MySQLStore, connect: mysql_engine.Connect) -> None:
    """While an import replaces everything, again and again."""
    states = [state(*(f"{letter}{n}" for n in range(40))) for letter in "ab"]
    store.write(PROJECT, NOTHING, states[0])
    stop, seen = threading.Event(), set()

    def look() -> None:
        reader = MySQLStore(connect)
        while not stop.is_set():
            cycles = reader.read([PROJECT]).facts["cycle_id"].to_pylist()
            seen.add((len(cycles), "".join(sorted({cycle[0] for cycle in cycles}))))
        reader.close()

    thread = threading.Thread(target=look)
    thread.start()
    for turn in range(20):
        store.write(PROJECT, states[turn % 2], states[(turn + 1) % 2])
    stop.set()
    thread.join(30)
    assert seen <= {(40, "a"), (40, "b")}
