"""The store on real servers: what is written comes back to the last character, and only what differs is touched."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import servers
from tests.facts import PROJECT, deployment, incident, shipped, table
from workbench.errors import StoreError
from workbench.metrics import mysql_engine, queries
from workbench.metrics.mysql import MySQLStore
from workbench.metrics.protocol import State
from workbench.rows import FACTS, FEATURES, IMPORTS

NOTHING = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
NASTY = (
    "NULL", "\\N", "\\", "a\tb", "a\nb", "a\r\nb", "\r", '"', '""', "'", "'; DROP TABLE imports; --", "a ", " a", "A",
    "a",
    "ä", "a\u0308", "😀", "%s", "%(x)s", ":name", "\u2028", "\x00", "\x1a", "{}", ",", "-- x", "/* x */", "\ufeff",
)  # fmt: skip


def state(rows: list[dict[str, Any]], features: list[dict[str, Any]] | None = None) -> State:
    """Rows as a state without imports."""
    names = pa.Table.from_pylist(features or [], FEATURES)
    return State(table(rows), names, IMPORTS.empty_table())


def by_key(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows in an order of their own."""
    return sorted(rows.to_pylist(), key=lambda row: tuple(str(row[name]) for name in row))


def test_every_text_comes_back_as_it_was(store: MySQLStore) -> None:
    names = [
        {"project": PROJECT, "feature_id": text, "source": "git", "title": text, "author": text, "url": ""}
        for text in NASTY
    ]
    new = state([deployment(f"{n}", "2025-01-01", fixed_by=text) for n, text in enumerate(NASTY)], names)
    store.write(PROJECT, NOTHING, new)
    back = store.read([PROJECT])
    assert by_key(back.features) == by_key(new.features)
    assert by_key(back.facts) == by_key(new.facts)


def test_names_that_look_alike_stay_apart(store: MySQLStore) -> None:
    """Case, padding and composed characters must not merge two projects."""
    for text in NASTY:
        store.write(text, NOTHING, state([deployment("d", "2025-01-01", project=text)]))
    assert store.projects() == tuple(sorted(NASTY))
    for text in NASTY:
        assert store.read([text]).facts["project"].to_pylist() == [text]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENT = st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1))
SECONDS = st.none() | st.decimals(Decimal("-9999999999.99"), Decimal("9999999999.99"), places=2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    first=st.dictionaries(TEXT, st.tuples(MOMENT, SECONDS, st.none() | TEXT), max_size=12),
    second=st.dictionaries(TEXT, st.tuples(MOMENT, SECONDS, st.none() | TEXT), max_size=12),
)
def test_any_state_replaces_any_other(store: MySQLStore, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Times to the microsecond, decimals to the cent, nulls as nulls; whatever was there before."""
    old = NOTHING
    for rows in (first, second, {**first, **second}, {}):
        new = state([shipped(name, "d", at, seconds, fixed_by=text) for name, (at, seconds, text) in rows.items()])
        store.write(PROJECT, old, new)
        back = store.read([PROJECT])
        assert by_key(back.facts) == by_key(new.facts)
        old = new


def test_metadata_of_megabytes_comes_back(store: MySQLStore) -> None:
    huge = '{"note": "' + "é" * 1_500_000 + '"}'
    store.write(PROJECT, NOTHING, state([deployment("a", "2025-01-01", metadata=huge)]))
    assert store.read([PROJECT]).facts["metadata"].to_pylist() == [huge]


@pytest.mark.parametrize(
    ("column", "value"),
    [("metadata", "no JSON"), ("decision", "x" * 21), ("fixed_by", "é" * 101), ("link_rule", "x" * 11)],
)
@pytest.mark.parametrize("files", [True, False])
def test_a_value_that_does_not_fit_is_refused(store: MySQLStore, column: str, value: str, files: bool) -> None:
    """Never cut to fit, whichever way it is sent."""
    store._loader._files_allowed = files
    good, bad = deployment("a", "2025-01-01"), deployment("b", "2025-01-01") | {column: value}
    store.write(PROJECT, NOTHING, state([good]))
    with pytest.raises(StoreError):
        store.write(PROJECT, state([good]), state([good, bad]))
    assert store.read([PROJECT]).facts["cycle_id"].to_pylist() == ["a"]


def test_only_rows_that_differ_are_touched(store: MySQLStore, kind: str, connect: mysql_engine.Connect) -> None:
    """Unchanged rows keep their id: nothing deletes and inserts them again."""
    schema = connect.url.rpartition("/")[2]
    old = state([incident(f"i{n}", "2025-01-01", n) for n in range(100)])
    rows = old.facts.to_pylist()
    rows[7]["decision"] = "open"
    del rows[3]
    rows.append(incident("new", "2025-01-02"))
    store.write(PROJECT, NOTHING, old)
    ids = {row[0]: row[1] for row in servers.sql(kind, "SELECT feature_id, id FROM dora_metrics", schema=schema)}
    store.write(PROJECT, old, state(rows))
    after = {row[0]: row[1] for row in servers.sql(kind, "SELECT feature_id, id FROM dora_metrics", schema=schema)}
    assert {name: ids[name] for name in set(ids) - {"i3"}} == {name: after[name] for name in set(after) - {"new"}}
    assert by_key(store.read([PROJECT]).facts) == by_key(table(rows))


def test_rows_that_another_program_changed_are_not_overwritten(store: MySQLStore) -> None:
    """What was read is no longer true: the whole write is taken back."""
    old = state([deployment("a", "2025-01-01"), deployment("b", "2025-01-01")])
    store.write(PROJECT, NOTHING, old)
    store.write(PROJECT, old, state([deployment("b", "2025-01-01")]))
    with pytest.raises(StoreError, match="another program"):
        store.write(PROJECT, old, state([deployment("a", "2025-02-02"), deployment("c", "2025-01-01")]))
    with pytest.raises(StoreError):
        store.write(PROJECT, NOTHING, state([deployment("b", "2025-01-01"), deployment("c", "2025-01-01")]))
    assert store.read([PROJECT]).facts["cycle_id"].to_pylist() == ["b"]


def test_version_changes_with_every_write_and_only_then(store: MySQLStore) -> None:
    one = state([deployment("a", "2025-01-01")])
    seen = [store.version()]
    store.write(PROJECT, NOTHING, one)
    seen.append(store.version())
    store.write("other", NOTHING, state([deployment("a", "2025-01-01", project="other")]))
    seen.append(store.version())
    store.write(PROJECT, one, NOTHING)
    seen.append(store.version())
    assert len(set(seen)) == 4
    store.read([PROJECT])
    assert store.version() == seen[-1]
    assert store.projects() == ("other",)


def test_two_writers_of_one_project_take_turns(store: MySQLStore, connect: mysql_engine.Connect) -> None:
    """The second waits until the first has let go; of another project it need not wait."""
    other, order = MySQLStore(connect), []
    entered = threading.Event()

    def second() -> None:
        with other.lock(["elsewhere"]):
            entered.set()
        with other.lock(["b", "a"]):
            order.append("second")

    with store.lock(["a", "b"]):
        thread = threading.Thread(target=second)
        thread.start()
        assert entered.wait(20), "a lock of another project was waited for"
        thread.join(0.3)
        order.append("first")
    thread.join(20)
    other.close()
    assert order == ["first", "second"]


def test_reading_does_not_change_how_the_writing_connection_fetches(store: MySQLStore) -> None:
    """Rows that are streamed on the connection with the lock are streamed in that statement alone."""
    with store.lock([PROJECT]):
        store.read([PROJECT])
        held = store._holder()
        assert held is not None
        assert "stream_results" not in held.get_execution_options()


def test_a_question_cannot_write(store: MySQLStore) -> None:
    text = "-- name: evil\n-- Tries.\n-- column n integer\n-- grain: none\nDELETE FROM dora_metrics"
    store.write(PROJECT, NOTHING, state([deployment("a", "2025-01-01")]))
    with pytest.raises(StoreError, match="read-only"):
        store.query(queries.parse(text, "evil.sql"), {})
    assert store.read([PROJECT]).facts.num_rows == 1


def test_sessions_are_in_utc_and_statements_carry_their_name(store: MySQLStore, kind: str) -> None:
    text = "-- name: tell\n-- Tells.\n-- column zone text\n-- column info text\n-- grain: one\n" + (
        "SELECT @@session.time_zone AS zone, info FROM information_schema.processlist WHERE id = CONNECTION_ID()"
    )
    row = store.query(queries.parse(text, "tell.sql"), {}).to_pylist()[0]
    assert row["zone"] == "+00:00"
    assert row["info"].startswith("/* workbench:tell */")


def test_server_that_forbids_files_gets_inserts(victim: str, caplog: pytest.LogCaptureFixture) -> None:
    """Said once; the rows are the same."""
    from workbench.metrics import mysql_schema

    connect = servers.database(victim)
    mysql_schema.migrate(connect)
    servers.sql(victim, "SET GLOBAL local_infile = 0")
    store = MySQLStore(connect)
    new = state([deployment(f"{n}", "2025-01-01T00:00:00.000001", fixed_by=text) for n, text in enumerate(NASTY)])
    try:
        with caplog.at_level(logging.WARNING):
            store.write(PROJECT, NOTHING, new)
            store.write(PROJECT, new, state([deployment("x", "2025-01-01")]))
            store.write(PROJECT, state([deployment("x", "2025-01-01")]), new)
    finally:
        servers.sql(victim, "SET GLOBAL local_infile = 1")
    assert by_key(store.read([PROJECT]).facts) == by_key(new.facts)
    assert [record.message for record in caplog.records if "local_infile" in record.message] == [
        caplog.records[0].message
    ]


def test_encrypted_connection(store: MySQLStore, kind: str, connect: mysql_engine.Connect) -> None:
    """MySQL makes its own certificate, which nobody has to trust; this MariaDB has none, and says so."""
    safe = MySQLStore(replace(connect, tls="encrypt"))
    if kind != "mariadb":
        assert safe.projects() == ()
    else:
        with pytest.raises(StoreError, match="encrypt"):
            safe.projects()
    with pytest.raises(StoreError):
        MySQLStore(replace(connect, tls="verify")).projects()
