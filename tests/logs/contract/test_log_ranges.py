"""bench.logs.stream: lines of several hosts and days, of every store, in one order and in bounded memory."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from tests.log_examples import DAY, MIDNIGHT, batches, newest_first, row
from workbench.errors import ParameterError, StoreError
from workbench.log_rows import LOG_ROWS

HOSTS = ("db-1", "web-1", "web-2")


@pytest.fixture
def rows(log_store):
    """Three hosts, four days, a line every two hours."""
    made = [
        row(MIDNIGHT + timedelta(days=day, hours=hour), f"{host} {day} {hour}", host=host,
            severity="error" if hour % 4 else "info")
        for host in HOSTS for day in range(4) for hour in range(0, 24, 2)
    ]  # fmt: skip
    log_store.load(batches(made))
    return made


def expected(rows, fits=lambda _: True):
    """The newest day first, its hosts by name, the newest line first."""
    kept = [one for one in rows if fits(one)]

    def part(one):
        return (-one["log_date"].toordinal(), one["hostname"])

    return [
        line
        for each in sorted({part(one) for one in kept})
        for line in newest_first([one for one in kept if part(one) == each])
    ]


def test_everything_comes_in_its_order(logs, rows):
    found = logs.stream().read_all()
    assert found.schema == LOG_ROWS
    assert found.to_pylist() == expected(rows)


def test_a_week_of_a_host_and_an_hour_of_all_hosts(logs, rows):
    week = logs.stream("web-1", "2026-02-26", "2026-03-05").read_all()
    assert week.to_pylist() == expected(rows, lambda one: one["hostname"] == "web-1")
    hour = logs.stream(since="2026-03-02T04:00:00", until="2026-03-02T05:00:00").read_all()
    assert [(one["hostname"], one["log_timestamp"]) for one in hour.to_pylist()] == [
        (host, datetime(2026, 3, 2, 4)) for host in HOSTS
    ]


DAY_2 = [date(2026, 3, 2), "2026-03-02", datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02T01:00+01:00"]


@pytest.mark.parametrize("since", DAY_2)
def test_bounds_are_days_times_or_their_text(logs, rows, since):
    found = logs.stream(HOSTS[:2], since, MIDNIGHT + timedelta(days=2, hours=2), severity="info").read_all()
    assert found.to_pylist() == expected(
        rows,
        lambda one: (
            one["hostname"] != "web-2"
            and datetime(2026, 3, 2) <= one["log_timestamp"] < datetime(2026, 3, 3, 2)
            and one["severity"] == "info"
        ),
    )


def test_only_the_columns_that_are_wanted(logs, rows):
    found = logs.stream("db-1", columns=("message", "hostname")).read_all()
    assert found.column_names == ["hostname", "message"], "in the order of the rows"
    assert found["message"].to_pylist() == [one["message"] for one in expected(rows) if one["hostname"] == "db-1"]


def test_long_days_come_in_many_batches_and_few_are_held(logs, log_store, monkeypatch):
    many = [row(number / 2, f"{number}") for number in range(12_000)]
    log_store.load(batches(many))
    monkeypatch.setattr("workbench.logs.embedded.SORTED_ROWS", 5000)
    sizes = [batch.num_rows for batch in logs.stream("web-1")]
    assert sum(sizes) == 12_000
    assert max(sizes) <= 5000
    assert logs.stream("web-1").read_all().to_pylist() == newest_first(many)


def test_a_reader_that_is_given_up_leaves_no_thread(logs, rows):
    reader = logs.stream(concurrent=2)
    reader.read_next_batch()
    reader.close()
    del reader
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("workbench-range")]


def test_a_stream_can_be_loaded_into_a_store(logs, rows, tmp_path):
    from workbench import connect

    copy = connect(data=str(tmp_path / "copy")).logs
    summary = copy.load(logs.stream("web-2"))
    assert summary.loaded == 48
    ids = [one["log_id"] for one in copy.stream("web-2").read_all().to_pylist()]
    assert ids == [one["log_id"] for one in expected(rows) if one["hostname"] == "web-2"]


def test_ranges_that_make_no_sense(logs, log_store):
    with pytest.raises(StoreError, match="import logs"):
        logs.stream()
    log_store.load(batches([row(1)]))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"host": "nobody"}, "nobody"),
        ({"host": []}, "No host"),
        ({"since": "soon"}, "no time"),
        ({"since": DAY, "until": DAY}, "No time lies"),
        ({"severity": "loud"}, "loud"),
        ({"columns": ["colour"]}, "colour"),
        ({"concurrent": 0}, "at once"),
    ]
    for asked, said in wrong:
        with pytest.raises(ParameterError, match=said):
            logs.stream(**asked)
    assert logs.stream(since="2027-01-01").read_all().equals(LOG_ROWS.empty_table())


def test_a_failure_while_reading_reaches_who_reads(logs, rows, monkeypatch):
    def broken(*_args, **_options):
        yield pa.Table.from_pylist([row(1)], LOG_ROWS)
        raise StoreError("The disk is gone.", "Bring it back.")

    monkeypatch.setattr(logs.store, "stream", broken)
    with pytest.raises(StoreError, match="The disk is gone"):
        logs.stream().read_all()
