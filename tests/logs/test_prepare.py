"""Log rows made ready: what is refused, how rows are grouped, how long they live, how they are counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from workbench.errors import ParameterError
from workbench.log_rows import LOG_ROWS
from workbench.logs.prepare import Chunk, Target, count_pieces, day_timestamp, prepare
from workbench.logs.protocol import LogBatch
from workbench.logs.schema import DAY, Shape

NOW = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
TODAY = date(2026, 11, 20)


def row(host: str = "a", at: datetime = datetime(2026, 11, 19, 1), **other: Any) -> dict[str, Any]:
    values = {
        "hostname": host, "log_date": at.date(), "bucket": 0, "log_timestamp": at, "log_id": bytes(16),
        "severity": "info", "source": "sshd", "message": "m",
    }  # fmt: skip
    return values | other


def table(*rows: dict[str, Any]) -> pa.Table:
    nullable = pa.schema([pa.field(f.name, f.type) for f in LOG_ROWS])
    return pa.Table.from_pylist(list(rows), nullable)


def made(rows: pa.Table, parts: int = 1, ttl: int = 90 * DAY, most: int = 1000) -> Chunk:
    names = tuple(name for name in LOG_ROWS.names if parts or name != "bucket")
    shape = Shape(names, (), parts, ttl, "t", True)
    target = Target(shape, b"r" * 16, b"c" * 16, most, 1 << 20)
    return prepare(LogBatch(rows, "syslog", "digest", 4), target, "digest", NOW)


def test_rows_at_fault_are_rejected_each_with_its_reason() -> None:
    chunk = made(
        table(
            row(),
            row(host=""),
            row(host="h" * 70_000),
            row(severity=None),
            row(log_date=date(2026, 11, 18)),
            row(host="", severity=None),
        )
    )
    reasons = [(rejected.reason, rejected.rows.num_rows) for rejected in chunk.rejected]
    assert reasons == [
        ("severity is missing", 2),
        ("hostname is empty", 1),
        ("hostname is longer than 65535 bytes", 1),
        ("log_date is not the day of log_timestamp", 1),
    ]
    assert chunk.rows.num_rows == 1


def test_columns_that_are_needed_must_be_there_and_fit() -> None:
    with pytest.raises(ParameterError, match="severity"):
        made(table(row()).drop_columns(["severity"]))
    wrong = table(row()).drop_columns(["log_timestamp"]).append_column("log_timestamp", pa.array(["noon"]))
    with pytest.raises(ParameterError, match="log_timestamp"):
        made(wrong)


def test_optional_columns_may_be_missing() -> None:
    assert made(table(row()).drop_columns(["bucket", "tags", "extra", "user_name"])).rows.num_rows == 1


def test_days_go_oldest_first_and_partitions_take_turns() -> None:
    newer = [row(host, datetime(2026, 11, 19, 1, 0, n)) for n in range(3) for host in ("b", "a")]
    older = [row(host, datetime(2026, 11, 18, 1, 0, n)) for n in range(3) for host in ("b", "a")]
    chunk = made(table(*newer, *older), most=2)
    sent = [
        (r["log_date"].day, r["hostname"], p.stop - p.start)
        for p in chunk.pieces
        for r in chunk.part(p.start, p.start + 1).to_pylist()
    ]
    assert sent == [
        (18, "b", 2), (18, "a", 2), (18, "b", 1), (18, "a", 1),
        (19, "b", 2), (19, "a", 2), (19, "b", 1), (19, "a", 1),
    ]  # fmt: skip
    assert len(chunk.partitions) == 4


def test_no_piece_mixes_partitions_or_loses_a_row() -> None:
    rows = [
        row(f"h{n % 7}", datetime(2026, 11, 15 + n % 3, n % 24, n % 60), log_id=bytes([n]) * 16) for n in range(200)
    ]
    chunk = made(table(*rows), parts=4, most=5)
    seen = set()
    for piece in chunk.pieces:
        part = chunk.part(piece.start, piece.stop)
        keys = {(r["hostname"], r["log_date"], r["log_timestamp"].hour // 6) for r in part.to_pylist()}
        assert len(keys) == 1, "a batch of two partitions would be refused for its size"
        assert all(r["bucket"] == r["log_timestamp"].hour // 6 for r in part.to_pylist())
        seen |= {r["log_id"] for r in part.to_pylist()}
    assert seen == {bytes([n]) * 16 for n in range(200)}


def test_write_time_lies_in_the_rows_own_day_and_a_later_load_wins() -> None:
    day = (date(2026, 8, 1) - date(1970, 1, 1)).days
    start = day * DAY * 1_000_000
    first, later = day_timestamp(day, NOW), day_timestamp(day, NOW + 1)
    assert start <= first < later < start + DAY * 1_000_000
    assert start <= day_timestamp(day, NOW + 40 * 365 * DAY) < start + DAY * 1_000_000
    assert day_timestamp(day, 0) == start, "a clock before 2020 is wrong, but does no harm"


def lifetimes(chunk: Chunk) -> list[int]:
    """The time to live that ends each row on the wire."""
    rows = range(chunk.pieces[0].start, chunk.pieces[-1].stop)
    wire = chunk.pieces[0].wire
    return [int.from_bytes(bytes(wire.slice(n, n + 1))[-4:], "big") for n in rows]


def test_rows_of_past_days_live_the_rest_of_their_time() -> None:
    chunk = made(table(row(at=datetime(2026, 11, 10, 5)), row(at=datetime(2026, 11, 20, 5))))
    day_over = datetime(2026, 11, 11, tzinfo=UTC) + timedelta(days=90)
    assert lifetimes(chunk) == [int(day_over.timestamp()) - NOW, 90 * DAY]


def test_rows_older_than_the_table_keeps_are_counted_and_not_written() -> None:
    chunk = made(table(row(at=datetime(2026, 8, 21, 11)), row(at=datetime(2026, 8, 22, 13)), row()))
    assert chunk.expired == 1, "2026-08-21 ended 90 days and 12 hours before noon of 2026-11-20"
    assert chunk.rows.num_rows == 2
    assert sum(chunk.counts["rows"].to_pylist()) == 2


def test_no_row_is_kept_beyond_what_the_server_can_count() -> None:
    chunk = made(table(row(at=datetime(2026, 11, 20, 5))), ttl=7300 * DAY)
    last = datetime(2038, 1, 18, tzinfo=UTC)
    assert lifetimes(chunk) == [int(last.timestamp()) - NOW], "a longer life makes the server refuse the batch"


def test_without_a_time_to_live_nothing_expires() -> None:
    chunk = made(table(row(at=datetime(1999, 1, 1))), ttl=0)
    assert (chunk.expired, lifetimes(chunk)) == (0, [0])


def test_counts_are_by_hour_severity_and_source() -> None:
    at = datetime(2026, 11, 19, 3, 30)
    chunk = made(
        table(row(at=at), row(at=at), row(at=at, severity="error"), row("b", at), row(at=at + timedelta(hours=1)))
    )
    counts = [tuple(r[n] for n in ("hostname", "hour", "severity", "source", "rows")) for r in chunk.counts.to_pylist()]
    assert sorted(counts) == [
        ("a", 3, "error", "sshd", 1),
        ("a", 3, "info", "sshd", 2),
        ("a", 4, "info", "sshd", 1),
        ("b", 3, "info", "sshd", 1),
    ]
    assert {(r["load"], r["chunk"]) for r in chunk.counts.to_pylist()} == {("digest", 4)}
    shape = Shape(tuple(LOG_ROWS.names), (), 1, 90 * DAY, "t", True)
    pieces = count_pieces(chunk, Target(shape, b"", b"c" * 16, 1000, 1 << 20), NOW, 5)
    assert [piece.stop - piece.start for piece in pieces] == [3, 1], "one batch for each host and day"
    assert all(piece.counts and piece.timestamp == 5 for piece in pieces)


def test_a_line_larger_than_the_protocol_allows_is_rejected_before_it_is_sent() -> None:
    chunk = made(table(row(message="x" * (16 << 20)), row()))
    assert [rejected.rows.num_rows for rejected in chunk.rejected] == [1]
    assert sum(piece.stop - piece.start for piece in chunk.pieces) == 1


def test_a_batch_without_rows_has_nothing_to_send() -> None:
    chunk = made(table())
    assert (chunk.pieces, chunk.rejected, chunk.expired) == ([], [], 0)
