"""The server's own view, on servers that watch themselves and on one that does not."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import make_url

from tests import servers
from tests.cli.conftest import Command
from tests.facts import PROJECT, deployment, table
from workbench import connect as open_workbench
from workbench.metrics import mysql_schema, queries
from workbench.metrics.mysql import MySQLStore
from workbench.metrics.mysql_doctor import examine
from workbench.metrics.mysql_engine import Connect
from workbench.metrics.mysql_monitor import monitor
from workbench.metrics.protocol import State
from workbench.profiling.server import HEADING, ServerView
from workbench.rows import FACTS, FEATURES, IMPORTS

SLOW_LOG_AS_IT_WAS = (
    "SET GLOBAL slow_query_log = OFF",
    "SET GLOBAL long_query_time = 10",
    "SET GLOBAL log_output = 'FILE'",
    "TRUNCATE mysql.slow_log",
)


def view_of(connect: Connect, **options: Any) -> ServerView:
    """What ``bench.monitor()`` gives."""
    return ServerView(monitor(connect, **options))


@pytest.fixture(params=["mysql", "mariadb-watched"])
def watched(request: pytest.FixtureRequest) -> str:
    """A server with performance_schema."""
    name: str = request.param
    servers.url(name)
    return name


@pytest.fixture
def there(watched: str) -> Connect:
    """A database with two deployments, whose coverage was asked for three times."""
    made = servers.database(watched)
    mysql_schema.migrate(made)
    store = MySQLStore(made)
    nothing = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
    facts = table(deployment(cycle, "2025-01-01") for cycle in "ab")
    store.write(PROJECT, nothing, State(facts, FEATURES.empty_table(), IMPORTS.empty_table()))
    for _ in range(3):
        store.query(queries.get("coverage"), {"projects": [PROJECT]})
    store.close()
    return made


@pytest.fixture
def slow_log(watched: str) -> Iterator[None]:
    """The slow query log as a table, and off again at the end; one test at a time, for a server has only one."""
    with (servers.USERS.parent / f"slow-log-{watched}").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        servers.sql(watched, *SLOW_LOG_AS_IT_WAS, "SET GLOBAL log_output = 'TABLE'")
        yield
        servers.sql(watched, *SLOW_LOG_AS_IT_WAS)


@pytest.fixture
def reader(watched: str, there: Connect) -> Iterator[Connect]:
    """A user that may only read this database."""
    url = make_url(there.url)
    name = f"mon_{str(url.database)[-12:]}"
    servers.sql(
        watched,
        f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY 'Pass-1-word'",
        f"GRANT SELECT ON {url.database}.* TO '{name}'@'127.0.0.1'",
    )
    yield Connect(f"mysql://{name}:Pass-1-word@{url.host}:{url.port}/{url.database}")
    servers.sql(watched, f"DROP USER '{name}'@'127.0.0.1'")


def test_statements_are_counted_and_named(watched: str, there: Connect) -> None:
    view = view_of(there, limit=200)
    frame = view.statements
    asked = frame[frame["statement"].str.contains("imported_at") & frame["statement"].str.startswith("SELECT")]
    asked = asked[asked["runs"] == 3]
    assert len(asked) == 1, frame[["statement", "runs"]]
    one = asked.iloc[0]
    assert one["name"] == ("coverage" if watched == "mysql" else "")
    assert one["seconds"] == pytest.approx(3 * one["mean_seconds"])
    assert 0 < one["mean_seconds"] < 60, "picoseconds are not seconds"
    assert list(frame["seconds"]) == sorted(frame["seconds"], reverse=True)
    assert len(view_of(there, limit=2).statements) == 2


def test_used_index_is_no_longer_unused(watched: str, there: Connect) -> None:
    schema = str(make_url(there.url).database)
    before = set(view_of(there).unused_indexes["index"])
    assert {"dora_metrics_created", "dora_metrics_phase"} <= before
    assert "dora_metrics_fact" not in before, "a unique index serves writes"
    ask = "SELECT COUNT(*) FROM dora_metrics FORCE INDEX (dora_metrics_created) WHERE created_at > '2024-01-01'"
    assert servers.sql(watched, ask, schema=schema) == [("2",)]
    assert before - set(view_of(there).unused_indexes["index"]) == {"dora_metrics_created"}


def test_tables_have_sizes(watched: str, there: Connect) -> None:
    servers.sql(watched, "ANALYZE TABLE dora_metrics", schema=str(make_url(there.url).database))
    frame = view_of(there).tables
    sizes = {one["table"]: one for one in frame.to_dict("records")}
    assert set(sizes) == set(mysql_schema.TABLES)
    assert sizes["dora_metrics"]["rows"] == 2
    assert sizes["dora_metrics"]["index_bytes"] >= 5 * 16_384, "five secondary indexes of a page each"


def test_slow_log_is_switched_on_and_holds_our_names(watched: str, there: Connect, slow_log: None) -> None:
    assert not view_of(there).facts.slow_log.on
    log = view_of(there, slow_log=0.0).facts.slow_log
    assert (log.on, log.seconds, log.output, log.wanted) == (True, 0.0, "TABLE", "")
    store = MySQLStore(there)
    store.query(queries.get("coverage"), {"projects": [PROJECT]})
    store.close()
    schema = make_url(there.url).database
    ours = f"SELECT COUNT(*) FROM mysql.slow_log WHERE db = '{schema}' AND sql_text LIKE '%workbench:coverage%'"
    assert servers.sql(watched, ours) != [("0",)]


def test_slowest_entries_are_shown_without_values(watched: str, there: Connect, slow_log: None) -> None:
    """Those of this database, the slowest first, in the table, in JSON and on the page."""
    schema = str(make_url(there.url).database)
    servers.sql(watched, "SET GLOBAL slow_query_log = ON", "SET GLOBAL long_query_time = 0")
    store = MySQLStore(there)
    store.query(queries.get("coverage"), {"projects": [PROJECT]})
    store.close()
    servers.sql(watched, "SELECT SLEEP(0.31), 'hidden-word' AS `x`", schema=schema)
    servers.sql(watched, "SELECT SLEEP(0.6), 'elsewhere'")
    servers.sql(watched, "SET GLOBAL slow_query_log = OFF")
    view = view_of(there, limit=1000)
    frame = view.slowest
    assert frame["statement"][0] == "SELECT SLEEP(?), ? AS `x`"
    assert 0.3 < frame["seconds"][0] < 0.6, "seconds with their fraction, of this database"
    assert list(frame["seconds"]) == sorted(frame["seconds"], reverse=True)
    assert "coverage" in set(frame["name"])
    age = datetime.now(UTC) - frame["ended"][0]
    assert abs(age) < timedelta(minutes=10), "the time is UTC"
    shown = f"{view.as_json()}{view._repr_html_()}"
    assert "SELECT SLEEP(?)" in shown
    assert "hidden-word" not in shown
    assert len(view_of(there, limit=2).slowest) == 2


def test_entries_that_cannot_be_read_say_what_to_set(
    watched: str, there: Connect, reader: Connect, slow_log: None
) -> None:
    servers.sql(watched, "SET GLOBAL slow_query_log = ON")
    refused = view_of(reader).facts
    assert refused.slowest is None
    assert any("GRANT SELECT ON mysql.slow_log" in note for note in refused.notes)
    servers.sql(watched, f"GRANT SELECT ON mysql.slow_log TO '{make_url(reader.url).username}'@'127.0.0.1'")
    assert view_of(reader).facts.slowest == ()
    servers.sql(watched, "SET GLOBAL log_output = 'FILE'")
    facts = view_of(there).facts
    assert facts.slowest is None
    [note] = [note for note in facts.notes if "slow query log" in note]
    servers.sql(watched, note.partition("runs: ")[2])
    assert view_of(there).facts.slowest is not None


def test_without_privileges_there_is_sql_for_a_dba(watched: str, reader: Connect, slow_log: None) -> None:
    view = view_of(reader, slow_log=0.75)
    assert not view.facts.slow_log.on, "a reader cannot switch it on"
    assert len(view.tables) == len(mysql_schema.TABLES)
    assert view.facts.digests is None
    assert any("may not read performance_schema" in note for note in view.facts.notes)
    unused = {finding.name: finding for finding in examine(reader)}["MySQL unused indexes"]
    assert "may not read" in unused.detail
    servers.sql(watched, *filter(str.strip, view.facts.slow_log.wanted.split(";")))
    try:
        log = view_of(reader).facts.slow_log
        assert (log.on, log.seconds) == (True, 0.75)
    finally:
        if watched == "mysql":
            servers.sql(watched, "RESET PERSIST slow_query_log", "RESET PERSIST long_query_time")


def test_server_that_does_not_watch_itself_says_so(
    workbench: Command, monkeypatch: pytest.MonkeyPatch, connect: Connect, kind: str
) -> None:
    """MariaDB's default; MySQL watches by default."""
    monkeypatch.setenv("WORKBENCH_METRICS_URL", connect.url)
    answer = workbench("monitor", "mysql", "--json").json
    if kind != "mariadb":
        assert answer["notes"] == []
        return
    assert answer["digests"] is None
    assert answer["unused"] is None
    assert "performance_schema = ON" in answer["notes"][0]


def test_command_and_notebook(workbench: Command, monkeypatch: pytest.MonkeyPatch, there: Connect) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", there.url)
    done = workbench("monitor", "mysql", "--limit", 5)
    assert done.code == 0
    assert "Slow query log: o" in done.out
    assert "dora_metrics_created" in done.out
    view = open_workbench().monitor()
    html = view._repr_html_()
    assert "dora_metrics_created" in html
    assert "<script" not in html
    section = open_workbench().server().markup
    assert f">{HEADING}</h2>" in section
    password = str(make_url(there.url).password)
    assert password not in done.out + html + repr(view)


@pytest.mark.parametrize("arguments", [("--slow-log", "-1"), ("--slow-log", "nan"), ("--limit", "0")])
def test_wrong_use_of_monitor(
    workbench: Command, monkeypatch: pytest.MonkeyPatch, connect: Connect, arguments: tuple[str, str]
) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", connect.url)
    done = workbench("monitor", "mysql", *arguments)
    assert done.code == 2
    assert arguments[0] in done.err
