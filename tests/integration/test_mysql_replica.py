"""A real replica of a real primary: who answers, what is seen when, and what happens when the replica is gone."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests import django_table, servers
from tests.cli.conftest import Command
from tests.facts import PROJECT, deployment, extract, load, table
from workbench import connect as open_bench
from workbench.errors import StoreError
from workbench.metrics import mysql_engine, queries
from workbench.metrics.cache import CachedStore
from workbench.metrics.mysql import MySQLStore
from workbench.metrics.protocol import State
from workbench.metrics.replica import ReplicatedStore
from workbench.metrics.result_cache import shared
from workbench.rows import FACTS, FEATURES, IMPORTS

NOTHING = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
STOP, START = "STOP REPLICA SQL_THREAD", "START REPLICA SQL_THREAD"
SECONDS = 60
COUNT = queries.get("projects")
BEHIND = r"Read from the replica {}, \d+ s behind\."
"""A replica that still applies what other tests have written is behind by as much."""
SLOW = "SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c"


@pytest.fixture
def replica(kind: str) -> Iterator[str]:
    """The name of a running replica of that server; it follows again at the end, whatever a test has done.

    One test at a time, for they stop and end it.
    """
    name = f"{kind}-replica"
    with (servers.USERS.parent / name).open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        servers.url.cache_clear()  # another process may have ended it
        servers.url(name)
        yield name
        servers.restart(name)
        servers.sql(name, *(["STOP REPLICA"] if kind == "mariadb" else []), "START REPLICA")


@pytest.fixture
def pair(kind: str, replica: str, connect: mysql_engine.Connect) -> Iterator[ReplicatedStore]:
    """A store over both, whose replica has caught up."""
    made = ReplicatedStore(MySQLStore(connect), MySQLStore(beside(replica, connect)), wait_seconds=SECONDS)
    made._mark()
    deadline = time.monotonic() + SECONDS
    while not made._is_current() and time.monotonic() < deadline:  # at first the replica has not even the database
        made._alone_until = 0.0
    made._wait_seconds, made._warned = 0.2, False
    yield made
    made.close()


def beside(replica: str, connect: mysql_engine.Connect) -> mysql_engine.Connect:
    """The same database on the replica."""
    return mysql_engine.Connect(url=f"{servers.url(replica)}/{connect.url.rpartition('/')[2]}")


def add(store: ReplicatedStore | MySQLStore, *cycles: str) -> None:
    """Deployments are all that the project has from now on."""
    old = store.read([PROJECT])
    new = State(
        table([deployment(cycle, "2025-01-01") for cycle in cycles]), FEATURES.empty_table(), IMPORTS.empty_table()
    )
    store.write(PROJECT, old, new)


def seen(store: ReplicatedStore | CachedStore) -> int:
    """How many deployments a question finds."""
    counts = store.query(COUNT, {"projects": [PROJECT]})["deployments"].to_pylist()
    return counts[0] if counts else 0


def server_id(store: MySQLStore) -> str:
    with store.reader.connect() as connection:
        return str(int(connection.exec_driver_sql("SELECT @@server_id").scalar_one()))


def answered_by(store: ReplicatedStore) -> str:
    """The id of the server that the next question goes to."""
    return store._read(server_id)


def test_reads_go_to_the_replica_and_writes_to_the_primary(pair: ReplicatedStore, kind: str, replica: str) -> None:
    ids = {name: servers.sql(name, "SELECT @@server_id")[0][0] for name in (kind, replica)}
    assert len(set(ids.values())) == 2
    assert answered_by(pair) == ids[replica]
    add(pair, "a")
    assert pair.primary.query(COUNT, {"projects": [PROJECT]}).num_rows == 1
    about = pair.describe()["location"]
    for name in (kind, replica):
        assert str(make_url(servers.url(name)).port) in about


def test_what_was_written_is_seen_at_once(pair: ReplicatedStore) -> None:
    for number in range(1, 30):
        add(pair, *(f"d{n}" for n in range(number)))
        assert seen(pair) == number


def test_reads_stay_on_the_primary_until_the_replica_has_caught_up(
    pair: ReplicatedStore, kind: str, replica: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.metrics.replica._LATE_SECONDS", 0.0)
    ids = {name: servers.sql(name, "SELECT @@server_id")[0][0] for name in (kind, replica)}
    servers.sql(replica, STOP)
    add(pair, "a", "b")
    assert (answered_by(pair), seen(pair)) == (ids[kind], 2)
    assert pair.replica.query(COUNT, {"projects": [PROJECT]}).num_rows == 0, "the replica was to be behind"
    servers.sql(replica, START)
    pair._wait_seconds = SECONDS
    assert (answered_by(pair), seen(pair)) == (ids[replica], 2)


def test_a_late_replica_is_left_alone_for_a_while(pair: ReplicatedStore, replica: str) -> None:
    """Only the first question after a write waits for it."""
    servers.sql(replica, STOP)
    add(pair, "a")
    assert seen(pair) == 1
    pair._wait_seconds = SECONDS  # whoever waited now would run into the limit of this test's patience
    before = time.monotonic()
    assert seen(pair) == 1
    assert time.monotonic() - before < SECONDS / 2


def test_a_replica_that_is_behind_gives_old_answers_only_under_their_old_version(
    pair: ReplicatedStore, kind: str, replica: str, connect: mysql_engine.Connect
) -> None:
    """Another process writes; the version that this one reads is never newer than the answer it is kept under."""
    cached = CachedStore(pair, shared("memory", 300, 10**6))
    writer = MySQLStore(connect)
    add(writer, "a")
    pair._mark()
    pair._wait_seconds = SECONDS
    assert seen(cached) == 1
    servers.sql(replica, STOP)
    add(writer, "a", "b")
    assert seen(cached) == 1, "the replica answers as of its own version"
    pair._alone_until = time.monotonic() + SECONDS  # as after an outage: the primary's version is read
    newest = pair.version()
    assert newest == writer.version()
    pair._alone_until, pair._wait_seconds = 0.0, 0.2  # and the replica is back, but still behind
    assert seen(cached) == 2, "an old answer was given for the primary's version"
    writer.close()


def test_without_the_replica_the_primary_answers_with_one_warning(
    pair: ReplicatedStore, replica: str, caplog: pytest.LogCaptureFixture
) -> None:
    add(pair, "a")
    assert seen(pair) == 1
    pair._retry_seconds = 0.0
    servers.crash(replica)
    with caplog.at_level(logging.WARNING):
        assert [seen(pair) for _ in range(3)] == [1, 1, 1]
        assert pair.version() == pair.primary.version()
    assert len(caplog.records) == 1, caplog.text
    assert "the primary answers" in caplog.text
    reading = pair.reading()
    assert (reading.server, reading.location, reading.behind_seconds) == ("primary", pair.primary.place, None)
    assert pair.replica.place in reading.why
    assert "cannot be reached" in reading.text
    servers.restart(replica)
    pair._wait_seconds = SECONDS
    assert answered_by(pair) == server_id(pair.replica)
    assert pair.reading().server == "replica"


def test_a_question_that_is_refused_is_not_asked_again(pair: ReplicatedStore, caplog: pytest.LogCaptureFixture) -> None:
    """A time limit is no outage: the primary must not be burdened with the same question."""
    pair.replica._connect = mysql_engine.Connect(pair.replica._connect.url, statement_limit=0.2)
    pair.replica.__dict__.pop("reader").dispose()
    asked: list[MySQLStore] = []

    def ask(store: MySQLStore) -> object:
        asked.append(store)
        return store._read("A slow question", lambda connection: connection.exec_driver_sql(SLOW).fetchall())

    with pytest.raises(StoreError, match="took longer"):
        pair._read(ask)
    assert asked == [pair.replica]


def test_lag_is_none_when_nothing_is_applied_and_a_number_when_it_follows(
    pair: ReplicatedStore, replica: str, tmp_path: Path
) -> None:
    deadline = time.monotonic() + SECONDS
    while pair.replica.lag() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert re.fullmatch(BEHIND.format(pair.replica.place), pair.reading().text)
    servers.sql(replica, STOP)
    assert pair.reading().text.endswith("it is not known how far that is behind.")
    assert pair.primary.lag() is None, "the primary follows nobody"
    assert open_bench(data=tmp_path, metrics_url=pair.primary._connect.url).metrics.reading() is None


def test_the_reading_says_that_the_replica_lacks_what_was_written(pair: ReplicatedStore, replica: str) -> None:
    servers.sql(replica, STOP)
    add(pair, "a")
    text = pair.reading().text
    assert text.startswith(
        f"Read from the primary {pair.primary.place}: the replica {pair.replica.place} has not caught"
    )


def test_settings_open_both_servers(
    pair: ReplicatedStore, connect: mysql_engine.Connect, replica: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WORKBENCH_METRICS")]:
        monkeypatch.delenv(name)
    bench = open_bench(
        data=tmp_path, metrics_url=connect.url, metrics_replica_url=beside(replica, connect).url, cache_seconds=0
    )
    load(bench.metrics, [extract("deployments", [deployment("a", "2025-01-01")])], tmp_path)
    assert list(bench.projects()["deployments"]) == [1]
    bench.metrics._store._wait_seconds = SECONDS  # type: ignore[attr-defined]
    dora = bench.dora(start="2024-12-30", end="2025-01-06")
    assert re.search(BEHIND.format(MySQLStore(beside(replica, connect)).place), dora.show("quality").markup)
    assert dora.as_json()["quality"]["reading"]["behind_seconds"] >= 0
    assert "read from" in bench.metrics.describe()["location"]


def test_report_and_terminal_say_which_server_was_read(
    pair: ReplicatedStore,
    connect: mysql_engine.Connect,
    replica: str,
    workbench: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The replica, and when that is gone, the primary and why."""
    monkeypatch.setenv("WORKBENCH_METRICS_URL", connect.url)
    monkeypatch.setenv("WORKBENCH_METRICS_REPLICA_URL", beside(replica, connect).url)
    assert workbench("import", "sample").code == 0
    pair._mark()
    pair._wait_seconds = SECONDS
    assert pair.reading().server == "replica", "it did not catch up"
    done = workbench("report", "dora", "--project", "checkout", "--json")
    assert done.code == 0, done.err
    page = Path(done.json["html"]).read_text(encoding="utf-8")
    assert re.search(BEHIND.format(pair.replica.place), page)
    figures = json.loads(Path(done.json["figures"]).read_text(encoding="utf-8"))
    assert figures["quality"]["reading"]["behind_seconds"] >= 0
    servers.crash(replica)
    shown = workbench("dora", "--project", "checkout")
    assert shown.code == 0
    assert f"Read from the primary {pair.primary.place}: the replica is not used" in shown.out
    for url in (connect.url, beside(replica, connect).url):
        assert str(make_url(url).password) not in page + shown.out + shown.err


def test_a_django_table_on_a_replica_says_how_old_it_may_be(kind: str, replica: str, tmp_path: Path) -> None:
    table = django_table.create(kind, django_table.made_rows(40))
    there = beside(replica, table)
    url = {"metrics_url": table.url, "metrics_replica_url": there.url, "legacy_project": PROJECT}
    deadline = time.monotonic() + SECONDS
    name = table.url.rpartition("/")[2]
    count = f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{name}'"
    while servers.sql(replica, count) == [("0",)] and time.monotonic() < deadline:
        time.sleep(0.05)
    reading = open_bench(data=tmp_path, cache_seconds=0, **url).metrics.reading()
    assert reading is not None
    assert re.fullmatch(BEHIND.format(mysql_engine.place(make_url(there.url))), reading.text)
    del url["metrics_replica_url"]
    assert open_bench(data=tmp_path, cache_seconds=0, **url).metrics.reading() is None
