"""The Cassandra log store on a real server: what was loaded is what is read, however it was loaded."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests import log_sample
from tests.cassandra_server import of, script
from tests.integration.cassandra.conftest import Open
from workbench.errors import ParameterError, StoreError
from workbench.log_rows import LOG_ROWS
from workbench.logs.cassandra import CassandraLogStore

N = 1500


@pytest.fixture(params=[1, 4], ids=["whole days", "days in four parts"])
def loaded(
    request: pytest.FixtureRequest, open_store: Open, host: str, first_day: date
) -> tuple[Any, list[dict[str, Any]]]:
    """A store with three days of one host, and the rows."""
    rows = log_sample.rows(host, first_day, N)
    store = open_store(parts=request.param)
    report = store.load(log_sample.batches(log_sample.table(rows), host))
    assert (report.loaded, report.skipped, report.rejected, report.expired) == (N, 0, 0, 0)
    return store, rows


def same(found: pa.Table, wanted: list[dict[str, Any]], parts: int = 1) -> None:
    """Row by row, every column; the bucket is the store's own affair."""
    expected = log_sample.newest_first(log_sample.table(wanted))
    assert found.schema == LOG_ROWS
    assert found.drop_columns(["bucket"]).to_pylist() == expected.drop_columns(["bucket"]).to_pylist()


def test_a_day_comes_back_newest_first(loaded: tuple[Any, list[dict[str, Any]]], host: str, first_day: date) -> None:
    store, rows = loaded
    for offset in range(3):
        day = first_day + timedelta(days=offset)
        same(store.partition(host, day), [row for row in rows if row["log_date"] == day])
    assert store.partition(host, first_day - timedelta(days=1)).num_rows == 0
    assert store.partition(host, first_day - timedelta(days=1)).schema == LOG_ROWS


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12)


Filter = Callable[[dict[str, Any]], bool]


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"newest": 7}, lambda _: True),
        ({"severity": "error"}, lambda row: row["severity"] == "error"),
        (
            {"severity": "emergency", "source": "cron"},
            lambda row: (row["severity"], row["source"]) == ("emergency", "cron"),
        ),
        ({"source": "sshd", "newest": 20}, lambda row: row["source"] == "sshd"),
        ({"source": "no such"}, lambda _: False),
    ],
)
def test_filters_within_a_day(
    loaded: tuple[Any, list[dict[str, Any]]], host: str, first_day: date, asked: dict[str, Any], fits: Filter
) -> None:
    store, rows = loaded
    wanted = [row for row in rows if row["log_date"] == first_day and fits(row)]
    wanted = log_sample.newest_first(log_sample.table(wanted)).slice(0, asked.get("newest", N)).to_pylist()
    same(store.partition(host, first_day, **asked), wanted)


def test_a_span_has_its_start_and_not_its_end(
    loaded: tuple[Any, list[dict[str, Any]]], host: str, first_day: date
) -> None:
    store, rows = loaded
    today = [row for row in rows if row["log_date"] == first_day]
    since, until = today[100]["log_timestamp"], today[300]["log_timestamp"]
    wanted = [row for row in today if since <= row["log_timestamp"] < until]
    same(store.partition(host, first_day, since=since, until=until), wanted)
    between = timedelta(microseconds=1)
    wanted = [row for row in today if since < row["log_timestamp"] <= until]
    same(store.partition(host, first_day, since=since + between, until=until + between), wanted)


def test_counts_are_those_of_the_rows(loaded: tuple[Any, list[dict[str, Any]]], host: str, first_day: date) -> None:
    store, rows = loaded
    for offset in range(3):
        day = first_day + timedelta(days=offset)
        assert log_sample.as_counts(store.stats(host, day)) == log_sample.counted(
            [r for r in rows if r["log_date"] == day]
        )
        assert store.verify(host, day)
    mine = [row for row in store.hosts().to_pylist() if row["hostname"] == host]
    days = {row["log_date"] for row in rows}
    assert mine == [{"hostname": host, "first_day": min(days), "last_day": max(days), "rows": N}]


def test_a_stream_has_the_lines_of_a_day_in_whatever_parts_it_is(
    loaded: tuple[Any, list[dict[str, Any]]], host: str, first_day: date
) -> None:
    store, rows = loaded
    found = pa.concat_tables(store.stream(host, first_day, severity="error", columns=("log_id", "message")))
    day = [row for row in rows if row["log_date"] == first_day and row["severity"] == "error"]
    wanted = log_sample.newest_first(log_sample.table(day))
    assert found.column_names == ["log_id", "message"]
    assert found.to_pylist() == wanted.select(["log_id", "message"]).to_pylist()


def test_loading_again_changes_nothing(open_store: Open, host: str, first_day: date) -> None:
    rows = log_sample.rows(host, first_day, N)
    source = log_sample.batches(log_sample.table(rows), host)
    store = open_store()
    store.load(source)
    again = store.load(source)
    assert (again.loaded, again.skipped) == (0, N), "the checkpoint has every chunk"
    fresh = open_store()
    for options in ({}, {"resume": False}):
        report = fresh.load(source, **options)
        assert (report.loaded, report.skipped) == (N, 0)
    today = [row for row in rows if row["log_date"] == first_day]
    same(store.partition(host, first_day), today)
    assert log_sample.as_counts(store.stats(host, first_day)) == log_sample.counted(today)


def test_a_file_that_grew_and_is_loaded_again_is_counted_once(open_store: Open, host: str, first_day: date) -> None:
    rows = log_sample.rows(host, first_day, N)
    store = open_store()
    for part in (400, 900, N):
        table = log_sample.table(rows[:part])
        store.load(log_sample.batches(table, f"{host} {part}"))
        for day in {row["log_date"] for row in rows[:part]}:
            today = [row for row in rows[:part] if row["log_date"] == day]
            same(store.partition(host, day), today)
            assert log_sample.as_counts(store.stats(host, day)) == log_sample.counted(today)
    mine = [row for row in store.hosts().to_pylist() if row["hostname"] == host]
    assert [row["rows"] for row in mine] == [N]


def test_a_later_import_of_the_same_line_replaces_it(open_store: Open, host: str, first_day: date) -> None:
    row = log_sample.rows(host, first_day, 1)[0]
    store = open_store()
    store.load(log_sample.batches(log_sample.table([row | {"severity": "warning"}]), f"{host} a"))
    session = store.session
    loader_clock = pytest.MonkeyPatch()
    with loader_clock.context() as patch:
        import time

        now = time.time()
        patch.setattr("workbench.logs.loader.time.time", lambda: now + 60)
        store.load(log_sample.batches(log_sample.table([row | {"severity": "alert"}]), f"{host} b"))
    assert session is store.session
    assert store.partition(host, row["log_date"])["severity"].to_pylist() == ["alert"]


def test_rows_of_past_days_have_their_days_write_time_and_the_rest_of_their_life(
    open_store: Open, host: str, first_day: date
) -> None:
    rows = log_sample.rows(host, first_day - timedelta(days=50), 300)
    store = open_store()
    store.load(log_sample.batches(log_sample.table(rows), host))
    from workbench.logs.pages import answer

    asked = (
        "SELECT log_date, writetime(severity) AS w, ttl(severity) AS t"
        f" FROM {store.address.keyspace}.infrastructure_logs WHERE hostname = %s ALLOW FILTERING"
    )
    found = answer(store.session, asked, (host,))
    assert found.num_rows == 300
    written = found["w"].cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
    assert pc.all(pc.equal(written, found["log_date"])).as_py(), "time windows of compaction go by write time"
    ends = {
        (row["log_date"] + timedelta(days=91) - datetime.now().astimezone().date()).days * 86_400 - row["t"]
        for row in found.to_pylist()
    }
    assert all(-86_400 <= end <= 86_400 for end in ends)
    assert len({round(end / 60) for end in ends}) <= 2, "every day ends at the same moment after it"


def test_sstables_of_a_backfill_lie_in_the_windows_of_their_days(
    open_store: Open, url: str, host: str, first_day: date
) -> None:
    address = of(url, f"wb_sst_{host[-8:]}")
    store = open_store(address=address)
    store.migrate(replication="datacenter1:1")
    for offset in range(2):
        day = first_day - timedelta(days=30 - offset)
        rows = log_sample.rows(host, day, 200, days=1)
        store.load(log_sample.batches(log_sample.table(rows), f"{host} {offset}"))
        script("nodetool", "1", "flush", store.address.keyspace)
    files = json.loads(script("files", "1", store.address.keyspace, "infrastructure_logs"))
    assert len(files) == 2
    found = set()
    for file in files:
        said = script("sstables", "1", file)
        low, high = (int(re.search(rf"{word} timestamp:.*\((\d+)\)", said)[1]) for word in ("Minimum", "Maximum"))  # type: ignore[index]
        days = {datetime.fromtimestamp(at / 1e6, tz=UTC).date() for at in (low, high)}
        assert len(days) == 1, "one window"
        found |= days
    assert found == {first_day - timedelta(days=30), first_day - timedelta(days=29)}


def test_a_load_of_mixed_days_reaches_the_disk_day_by_day_the_oldest_first(
    open_store: Open, url: str, host: str, first_day: date
) -> None:
    """Flushed in the middle of it, the load has left SSTables whose times follow each other, each of its own days."""
    store = open_store(address=of(url, f"wb_mix_{host[-8:]}"), batch_rows=50)
    store.migrate(replication="datacenter1:1")
    oldest = first_day - timedelta(days=40)
    rows = log_sample.rows(host, oldest, 1800)
    random.Random(1).shuffle(rows)
    flushed: list[int] = []

    def flush(done: int, _total: int | None) -> None:
        if done >= 600 * (len(flushed) + 1):
            script("nodetool", "1", "flush", store.address.keyspace)
            flushed.append(done)

    source = log_sample.batches(log_sample.table(rows), host, size=len(rows))
    assert store.load(source, rows_per_second=2000, progress=flush).loaded == 1800
    script("nodetool", "1", "flush", store.address.keyspace)
    spans: list[tuple[date, date, int]] = []
    for file in json.loads(script("files", "1", store.address.keyspace, "infrastructure_logs")):
        said = script("sstables", "1", file)
        times = [int(re.search(rf"{word} timestamp:.*\((\d+)\)", said)[1]) for word in ("Minimum", "Maximum")]  # type: ignore[index]
        longest = int(re.search(r"TTL max: (\d+)", said)[1])  # type: ignore[index]
        first, last = (datetime.fromtimestamp(at / 1e6, tz=UTC).date() for at in times)
        spans.append((first, last, longest))
    spans.sort()
    assert len(spans) >= 3
    assert (spans[0][0], spans[-1][1]) == (oldest, oldest + timedelta(days=2))
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), "no SSTable goes back to an older day"
    today = datetime.now(UTC).date()
    for _, last, longest in spans:
        assert longest <= (last + timedelta(days=91) - today).days * 86_400, "a line lives what is left of its time"


def test_lines_older_than_the_table_keeps_are_counted(open_store: Open, host: str, first_day: date) -> None:
    old = log_sample.rows(host, first_day - timedelta(days=100), 50, days=1)
    young = log_sample.rows(host, first_day, 60, days=1)
    store = open_store()
    report = store.load(log_sample.batches(log_sample.table(old + young), host))
    assert (report.loaded, report.expired) == (60, 50)
    assert store.partition(host, old[0]["log_date"]).num_rows == 0
    assert store.stats(host, old[0]["log_date"]).num_rows == 0


def test_a_row_that_the_server_refuses_goes_to_the_reject_file_alone(
    open_store: Open, url: str, host: str, first_day: date
) -> None:
    address = of(url, f"wb_bad_{host[-8:]}")
    store = open_store(address=address)
    store.migrate(replication="datacenter1:1")
    store.session.execute(
        f"CREATE INDEX ON {store.address.keyspace}.infrastructure_logs (user_name)",
        timeout=60,
        execution_profile="write",
    )
    rows = log_sample.rows(host, first_day, 400, days=1)
    for number in (3, 250):
        rows[number]["user_name"] = "u" * 70_000  # more than an index of that kind can hold
    report = store.load(log_sample.batches(log_sample.table(rows), host))
    assert (report.loaded, report.rejected) == (398, 2)
    good = [row for number, row in enumerate(rows) if number not in (3, 250)]
    same(store.partition(host, first_day), good)
    assert log_sample.as_counts(store.stats(host, first_day)) == log_sample.counted(good)
    entries = [json.loads(line) for line in report.reject_file.read_text().splitlines()]
    assert {entry["row"]["log_id"] for entry in entries} == {rows[n]["log_id"].hex() for n in (3, 250)}
    assert all("refused" in entry["reason"] and entry["origin"] == "sample" for entry in entries)


def test_a_batch_too_large_for_the_server_is_cut_until_it_fits(open_store: Open, host: str, first_day: date) -> None:
    rows = log_sample.rows(host, first_day, 40, days=1)
    for row in rows:
        row["message"] = "m" * (1 << 20)
    store = open_store(batch_bytes=1 << 30)
    report = store.load(log_sample.batches(log_sample.table(rows), host))
    assert (report.loaded, report.rejected) == (40, 0), "40 MiB in one batch; the server takes less than 16"
    same(store.partition(host, first_day), rows)


def test_a_dry_run_writes_nothing(open_store: Open, host: str, first_day: date) -> None:
    source = log_sample.batches(log_sample.table(log_sample.rows(host, first_day, N)), host)
    store = open_store()
    planned = store.load(source, dry_run=True)
    assert (planned.loaded, planned.partitions) == (N, 3)
    assert planned.bytes > N * 100
    assert store.partition(host, first_day).num_rows == 0
    assert store.load(source).skipped == 0


def test_progress_and_a_rate_limit_do_not_lose_rows(open_store: Open, host: str, first_day: date) -> None:
    said: list[int] = []
    store = open_store(batch_rows=100)
    source = log_sample.batches(log_sample.table(log_sample.rows(host, first_day, N)), host)
    report = store.load(source, rows_per_second=20_000, progress=lambda done, _total: said.append(done))
    assert report.loaded == N
    assert said == sorted(said)
    assert said[-1] == N


def test_a_clock_that_is_an_hour_off_does_no_harm(
    open_store: Open, host: str, first_day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    rows = log_sample.rows(host, first_day, N)
    now, now_ns = time.time, time.time_ns
    for offset in (3600, -3600, 0):
        monkeypatch.setattr("workbench.logs.loader.time.time", lambda offset=offset: now() + offset)
        monkeypatch.setattr("workbench.logs.loader.time.time_ns", lambda offset=offset: now_ns() + offset * 10**9)
        store = open_store()
        store.load(log_sample.batches(log_sample.table(rows[: N - 100 if offset else N]), f"{host} {offset}"))
    monkeypatch.undo()
    for day in {row["log_date"] for row in rows}:
        today = [row for row in rows if row["log_date"] == day]
        same(store.partition(host, day), today)
        assert log_sample.as_counts(store.stats(host, day)) == log_sample.counted(today)


def test_a_table_of_somebody_else_without_buckets_is_used_as_it_is(
    open_store: Open, url: str, host: str, first_day: date
) -> None:
    store = open_store(address=of(url, f"wb_old_{host[-8:]}"))
    store.migrate(replication="datacenter1:1")
    keyspace = store.address.keyspace
    run = lambda text: store.session.execute(text, timeout=60, execution_profile="write")  # noqa: E731
    run(f"DROP TABLE {keyspace}.infrastructure_logs")
    run(f"DROP TABLE {keyspace}.infrastructure_log_stats")
    run(
        f"CREATE TABLE {keyspace}.infrastructure_logs (hostname text, log_date date, log_timestamp timestamp,"
        " log_id uuid, severity text, source text, message text, process_id int,"
        " PRIMARY KEY ((hostname, log_date), log_timestamp, log_id))"
        " WITH CLUSTERING ORDER BY (log_timestamp DESC, log_id ASC)"
    )
    store.close()
    store = open_store(address=of(url, f"wb_old_{host[-8:]}"))
    rows = log_sample.rows(host, first_day, 600)
    assert store.load(log_sample.batches(log_sample.table(rows), host)).loaded == 600
    kept = ("hostname", "log_date", "bucket", "log_timestamp", "log_id", "severity", "source", "message", "process_id")
    wanted = [{n: (v if n in kept else None) for n, v in row.items()} for row in rows]
    same(store.partition(host, first_day), [row for row in wanted if row["log_date"] == first_day])
    today = [row for row in rows if row["log_date"] == first_day]
    assert log_sample.as_counts(store.stats(host, first_day)) == log_sample.counted(today)
    assert store.hosts().to_pylist()[0]["rows"] is None, "without a table of counts, nobody counted"


def test_set_up_says_what_it_needs(open_store: Open, url: str, host: str) -> None:
    store = open_store(address=of(url, f"wb_new_{host[-8:]}"))
    with pytest.raises(ParameterError, match="replication"):
        store.migrate()
    with pytest.raises(StoreError, match="migrate"):
        store.hosts()
    made = store.migrate(replication="datacenter1:1", parts=2, window=3, days=30)
    assert "'NetworkTopologyStrategy'" in made[0]
    assert store.migrate(parts=2) == [], "nothing is missing now"
    with pytest.raises(StoreError, match="2 parts"):
        store.migrate(parts=3)
    assert (store.reader.shape.parts, store.reader.shape.ttl) == (2, 30 * 86_400)


def test_a_missing_table_is_said_with_its_remedy(open_store: Open, url: str, host: str) -> None:
    store = open_store(address=of(url, f"wb_gone_{host[-8:]}"))
    store.migrate(replication="datacenter1:1")
    assert store.hosts().num_rows == 0
    store.session.execute(
        f"DROP TABLE {store.address.keyspace}.infrastructure_logs", timeout=60, execution_profile="write"
    )
    rows = log_sample.rows(host, date(2026, 1, 1), 10)
    with pytest.raises(StoreError, match="migrate"):
        store.load(log_sample.batches(log_sample.table(rows), host), patience=3)


def test_wrong_credentials_are_said_without_them(open_store: Open, url: str) -> None:
    store = open_store(address=of(url, "logging").replace("cassandra:cassandra@", "cassandra:hunter2@"))
    with pytest.raises(StoreError, match="password") as caught:
        store.describe()
    assert "hunter2" not in str(caught.value)


def test_no_node_at_all(open_store: Open) -> None:
    with pytest.raises(StoreError, match="No node answers"):
        open_store(address="cassandra://127.0.0.1:1/logging").hosts()


def test_it_describes_itself_without_secrets(open_store: Open) -> None:
    said = open_store(parts=1).describe()
    assert said["store"] == "cassandra"
    assert said["version"][0] in "45"
    assert ":cassandra@" not in said["location"]


def test_monitor_shows_each_table_on_each_node(loaded: tuple[CassandraLogStore, Any], tmp_path: Path) -> None:
    frame = loaded[0].monitor()
    assert set(frame["table_name"]) == {"infrastructure_logs", "infrastructure_log_stats"}
    assert (frame["writes"] > 0).all()
    assert frame.loc[frame["scans"] == 0, "scan_p50_ms"].isna().all(), "no scans, no percentile"


def test_examination_names_what_is_wrong_and_what_to_do(open_store: Open, url: str, host: str) -> None:
    store = open_store(address=of(url, f"wb_exam_{host[-8:]}"))
    missing = {finding.name: finding for finding in store.examine()}
    assert missing["nodes"].state == missing["schema"].state == "ok"
    assert (missing["tables"].state, "migrate" in missing["tables"].remedy) == ("problem", True)
    store.migrate(replication="simple:1")
    found = {finding.name: finding for finding in store.examine()}
    assert (found["compaction"].state, "90 of them" in found["compaction"].detail) == ("note", True)
    assert found["replication"].state == "note", "SimpleStrategy knows no data centres"
    assert found["time to live"] == ("time to live", "ok", "lines are kept 90 days", "")
    assert found["compression"].detail == "LZ4Compressor"
    assert "GiB" in found["heap"].detail
    table = f"{store.address.keyspace}.infrastructure_logs"
    store.session.execute(
        f"ALTER TABLE {table} WITH default_time_to_live = 0 AND compression = {{'enabled': false}}"
        " AND compaction = {'class': 'SizeTieredCompactionStrategy'}",
        timeout=60,
        execution_profile="write",
    )
    changed = {finding.name: finding for finding in store.examine()}
    assert [changed[name].state for name in ("time to live", "compression", "compaction")] == ["note"] * 3
    assert "default_time_to_live = 7776000" in changed["time to live"].remedy


def test_rows_to_be_kept_for_longer_than_the_server_counts_are_taken_all_the_same(
    url: str, tmp_path: Path, host: str, first_day: date
) -> None:
    rows = log_sample.table(log_sample.rows(host, first_day, 300))
    with CassandraLogStore(of(url, f"wb_{uuid.uuid4().hex[:12]}"), tmp_path) as store:
        store.migrate(replication="datacenter1:1")
        try:
            table = f"{store.address.keyspace}.infrastructure_logs"
            store.session.execute(f"ALTER TABLE {table} WITH default_time_to_live = {7300 * 86_400}", timeout=60)
            store.close()  # to see the table as it is now
            report = store.load(log_sample.batches(rows, host))
            assert (report.loaded, report.rejected) == (300, 0)
            assert sum(store.partition(host, first_day + timedelta(days=n)).num_rows for n in range(3)) == 300
        finally:
            store.session.execute(f"DROP KEYSPACE {store.address.keyspace}", timeout=60)
