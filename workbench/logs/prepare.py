"""A batch of log rows made ready for Cassandra: checked, grouped by partition, encoded, cut into pieces, counted."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import ParameterError
from workbench.log_rows import LOG_ROWS
from workbench.logs.protocol import LogBatch
from workbench.logs.schema import DAY, LAST_DAY, STATS_ROWS, Shape
from workbench.logs.wire import DATE_ZERO, WireRows, encode, key_part

MOST_KEY_BYTES: Final = 65_535
MOST_ROW_BYTES: Final = 15 << 20
"""A frame of the protocol and a mutation of the server end at 16 MiB."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
LAST_EXPIRY: Final = (LAST_DAY.toordinal() - _EPOCH_DAY) * DAY
"""Second, since 1970, after which no row is kept; servers, whose clocks may be ahead, refuse a batch a day later."""
_FIRST_LOAD: Final = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
_TICK: Final = 64
"""Microseconds of a row's day that stand for one second of the load's time."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows that cannot be written, and why."""

    rows: pa.Table
    reason: str


@dataclass(slots=True)
class Piece:
    """A batch to send: rows ``start`` to before ``stop`` of one partition. ``timestamp`` is in microseconds."""

    wire: WireRows
    start: int
    stop: int
    partition: bytes
    timestamp: int
    chunk: Chunk
    counts: bool = False
    attempts: int = 0

    @property
    def bytes(self) -> int:
        """Size on the wire, without the frame."""
        return self.wire.size(self.start, self.stop)


@dataclass(slots=True)
class Chunk:
    """One LogBatch on its way; ``wire`` has its rows.

    ``order`` says which of ``rows`` comes when on the wire; ``bad`` are places on the wire that the server refused.
    """

    batch: LogBatch
    rows: pa.Table
    order: Any
    pieces: list[Piece]
    rejected: list[Rejected]
    expired: int
    partitions: set[bytes]
    counts: pa.Table
    pending: int = 0
    counted: bool = False
    bad: list[int] = field(default_factory=list)
    wire: WireRows | None = None

    def part(self, start: int, stop: int) -> pa.Table:
        """The rows that stand there on the wire."""
        return self.rows.take(pa.array(self.order[start:stop]))

    def good(self) -> pa.Table:
        """The rows that were not refused."""
        keep = np.ones(self.rows.num_rows, bool)
        keep[self.order[self.bad]] = False
        return self.rows.filter(pa.array(keep))


@dataclass(frozen=True, slots=True)
class Target:
    """What rows are made ready for: the table, its prepared INSERT statements, and the limits of a batch."""

    shape: Shape
    insert_row: bytes
    insert_counts: bytes
    batch_rows: int
    batch_bytes: int


def day_timestamp(days: int, now: int) -> int:
    """Write time, in microseconds, of a row of that day (since 1970) loaded at ``now`` (seconds since 1970).

    It lies inside the row's own day, because time windows of compaction go by write time; and a later load has a later
    one, so that a better parser's rows replace those of an earlier import.
    """
    return days * DAY * 1_000_000 + max(0, min(now - _FIRST_LOAD, DAY * 1_000_000 // _TICK - 1)) * _TICK


def conform(rows: pa.Table) -> pa.Table:
    """The columns of LOG_ROWS with their types; optional ones may be missing.

    Raises:
        ParameterError: a needed column is missing or a type does not fit.
    """
    names = set(rows.column_names)
    if lacking := [f.name for f in LOG_ROWS if not f.nullable and f.name not in names and f.name != "bucket"]:
        raise ParameterError(
            f"Log rows lack the columns {', '.join(lacking)}.", "Give all of LOG_ROWS that is not optional."
        )
    columns = []
    for wanted in LOG_ROWS:
        if wanted.name in names:
            column = rows[wanted.name].combine_chunks()
        else:
            column = pa.array(np.zeros(rows.num_rows, np.int16)) if wanted.name == "bucket" else pa.nulls(rows.num_rows)
        try:
            columns.append(column if column.type == wanted.type else column.cast(wanted.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ParameterError(f"Column {wanted.name} of log rows cannot be {wanted.type}: {error}.") from None
    return pa.table(columns, names=LOG_ROWS.names)


def _faults(rows: pa.Table) -> list[tuple[Any, str]]:
    """Masks of rows that no table can take, each with its reason."""
    faults: list[tuple[Any, str]] = []
    needed = [f.name for f in LOG_ROWS if not f.nullable]
    faults += [(rows[name].is_null(), f"{name} is missing") for name in needed if rows[name].null_count]
    length = pc.binary_length(rows["hostname"])
    faults.append((pc.equal(length, 0), "hostname is empty"))
    faults.append((pc.greater(length, MOST_KEY_BYTES), f"hostname is longer than {MOST_KEY_BYTES} bytes"))
    day = pc.floor_temporal(rows["log_timestamp"], unit="day").cast(pa.date32())
    faults.append((pc.not_equal(day, rows["log_date"]), "log_date is not the day of log_timestamp"))
    return [(mask, reason) for mask, reason in faults if pc.any(mask).as_py()]


def _without_faults(rows: pa.Table) -> tuple[pa.Table, list[Rejected]]:
    faults = _faults(rows)
    rejected: list[Rejected] = []
    keep = np.ones(rows.num_rows, bool)
    for mask, reason in faults:
        bad = mask.fill_null(False).to_numpy() & keep
        if bad.any():
            rejected.append(Rejected(rows.filter(pa.array(bad)), reason))
            keep &= ~bad
    return (rows.filter(pa.array(keep)) if rejected else rows), rejected


def _days(rows: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Days since 1970."""
    days: np.ndarray[Any, np.dtype[np.int64]] = (
        rows["log_date"].combine_chunks().cast(pa.int32()).to_numpy().astype(np.int64)
    )
    return days


def time_left(days: Any, ttl: int, now: int) -> Any:
    """Seconds that rows of these days are still kept: a day ends ``ttl`` after its last moment, none earlier.

    Nothing is kept beyond ``LAST_EXPIRY``, as the server would refuse the whole batch.
    """
    return np.minimum(np.minimum((days + 1) * DAY + ttl - now, ttl), LAST_EXPIRY - now)


def _buckets(rows: pa.Table, parts: int) -> pa.Table:
    """Which part of its day each row belongs to: by the hour."""
    if parts <= 1:
        return rows
    hours = pc.hour(rows["log_timestamp"]).to_numpy()
    place = rows.schema.get_field_index("bucket")
    return rows.set_column(place, "bucket", pa.array((hours * parts // 24).astype(np.int16)))


def _grouped(rows: pa.Table, days: Any, parts: int) -> tuple[Any, Any]:
    """The order day, host, part, and where each partition begins in it (and the end).

    Within a partition the last row comes first: lines are loaded in order of time, and tables keep the newest first.
    """
    hosts = rows["hostname"].combine_chunks().dictionary_encode()
    codes = hosts.indices.to_numpy().astype(np.int64)
    buckets = rows["bucket"].to_numpy().astype(np.int64) if parts else 0
    key = (((days - days.min()) * len(hosts.dictionary) + codes) * max(parts, 1) + buckets)[::-1]
    order = np.argsort(key, kind="stable")
    key = key[order]
    edges = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1], [True])))
    return len(key) - 1 - order, edges


def partition_key(host: str, days: int, bucket: int | None) -> bytes:
    """Routing key of a partition; ``bucket`` is None where the key has none, ``days`` since 1970."""
    parts = [host.encode(), struct.pack(">I", days + DATE_ZERO)]
    parts += [] if bucket is None else [struct.pack(">h", bucket)]
    return b"".join(key_part(part) for part in parts)


def _pieces(chunk: Chunk, wire: WireRows, target: Target, days: Any, edges: Any, now: int) -> list[Piece]:
    """Batches of all partitions, oldest day first, and within a day turn by turn, so that no partition has to wait."""
    found: list[tuple[int, int, int, Piece]] = []
    hosts, buckets = chunk.rows["hostname"], chunk.rows["bucket"]
    for place, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        row = int(chunk.order[first])
        day = int(days[row])
        key = partition_key(hosts[row].as_py(), day, buckets[row].as_py() if target.shape.parts else None)
        chunk.partitions.add(key)
        stamp = day_timestamp(day, now)
        for turn, (start, stop) in enumerate(wire.cut(first, last, target.batch_rows, target.batch_bytes)):
            found.append((day, turn, place, Piece(wire, start, stop, key, stamp, chunk)))
    found.sort(key=lambda entry: entry[:3])
    return [piece for *_, piece in found]


def count(rows: pa.Table, load: str, chunk: int) -> pa.Table:
    """Rows of infrastructure_log_stats for these lines, by day and host."""
    keys = ["log_date", "hostname", "hour", "severity", "source"]
    timed = rows.select(["log_date", "hostname", "severity", "source"])
    timed = timed.append_column("hour", pc.hour(rows["log_timestamp"]).cast(pa.int8()))
    counts = timed.group_by(keys).aggregate([([], "count_all")]).sort_by([(key, "ascending") for key in keys])
    n = counts.num_rows
    columns = {key: counts[key] for key in keys} | {"rows": counts["count_all"]}
    columns |= {"load": pa.repeat(load, n), "chunk": pa.repeat(pa.scalar(chunk, pa.int32()), n)}
    return pa.table({name: columns[name] for name in STATS_ROWS.names}).cast(STATS_ROWS).combine_chunks()


def count_pieces(chunk: Chunk, target: Target, now: int, microseconds: int) -> list[Piece]:
    """Batches of a chunk's counts, one host and day each."""
    counts = chunk.counts
    if not counts.num_rows:
        return []
    days = _days(counts)
    order, edges = _grouped(counts, days, 0)
    left = time_left(days, target.shape.ttl, now) if target.shape.ttl else np.zeros(len(days))
    columns = [counts[name].combine_chunks() for name in STATS_ROWS.names]
    wire = encode(target.insert_counts, [*columns, pa.array(left.astype(np.int32))], order)
    pieces = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        row = int(order[first])
        key = partition_key(counts["hostname"][row].as_py(), int(days[row]), None)
        cuts = wire.cut(first, last, target.batch_rows, target.batch_bytes)
        pieces += [Piece(wire, start, stop, key, microseconds, chunk, counts=True) for start, stop in cuts]
    return pieces


def prepare(batch: LogBatch, target: Target, load: str, now: int, spare: list[Any] | None = None) -> Chunk:
    """Everything about one batch that needs no server. ``now`` is in seconds since 1970; ``spare`` is old memory.

    Raises:
        ParameterError: the rows' columns are not those of LOG_ROWS.
    """
    shape = target.shape
    rows, rejected = _without_faults(conform(batch.rows))
    left = time_left(_days(rows), shape.ttl, now) if shape.ttl else np.zeros(rows.num_rows, np.int64)
    gone = left <= 0 if shape.ttl else np.zeros(rows.num_rows, bool)
    if gone.any():
        rows, left = rows.filter(pa.array(~gone)), left[~gone]
    rows = _buckets(rows, shape.parts)
    chunk = Chunk(batch, rows, np.empty(0), [], rejected, int(gone.sum()), set(), count(rows, load, batch.chunk))
    if not rows.num_rows:
        return chunk
    days = _days(rows)
    chunk.order, edges = _grouped(rows, days, shape.parts)
    columns = [rows[name].combine_chunks() for name in shape.columns]
    chunk.wire = encode(target.insert_row, [*columns, pa.array(left.astype(np.int32))], chunk.order, spare)
    chunk.pieces = _pieces(chunk, chunk.wire, target, days, edges, now)
    return _without_giants(chunk)


def _without_giants(chunk: Chunk) -> Chunk:
    """Rows too large for the protocol stand alone in their piece; they are not sent."""
    giants = [piece for piece in chunk.pieces if piece.stop - piece.start == 1 and piece.bytes > MOST_ROW_BYTES]
    for piece in giants:
        chunk.pieces.remove(piece)
        chunk.rejected.append(
            Rejected(
                chunk.part(piece.start, piece.stop), f"the line takes {piece.bytes} bytes, more than {MOST_ROW_BYTES}"
            )
        )
        chunk.bad.extend(range(piece.start, piece.stop))
    return chunk
