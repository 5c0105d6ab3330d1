"""Rows built by columns are byte for byte what the driver itself would send."""

from __future__ import annotations

import zlib
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.logs import loops
from workbench.logs.wire import WireBatch, encode

pytest.importorskip("cassandra", reason="cassandra-driver is not installed (extra cassandra)")

from cassandra import ConsistencyLevel
from cassandra.cqltypes import (
    ByteType,
    DateType,
    Int32Type,
    LongType,
    ShortType,
    SimpleDateType,
    UTF8Type,
    UUIDType,
)
from cassandra.protocol import BatchMessage, _ProtocolHandler
from cassandra.query import UNSET_VALUE, BatchType

from workbench.logs.driver import ColumnarHandler

STATEMENT = bytes(range(16))
TYPES: dict[str, tuple[pa.DataType, Any]] = {
    "text": (pa.string(), UTF8Type),
    "date": (pa.date32(), SimpleDateType),
    "smallint": (pa.int16(), ShortType),
    "timestamp": (pa.timestamp("ms"), DateType),
    "uuid": (pa.binary(16), UUIDType),
    "int": (pa.int32(), Int32Type),
    "tinyint": (pa.int8(), ByteType),
    "bigint": (pa.int64(), LongType),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=40),
    "date": st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "timestamp": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
    ),
    "uuid": st.binary(min_size=16, max_size=16),
    "int": st.integers(-(2**31), 2**31 - 1),
    "tinyint": st.integers(-(2**7), 2**7 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
}


@pytest.fixture(params=["compiled", "Arrow alone"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "Arrow alone":
        monkeypatch.setattr(loops, "compiled", lambda: None)
    elif loops.compiled() is None:
        pytest.skip("numba is not installed (extra fast)")
    return str(request.param)


def by_driver(kinds: list[str], rows: list[tuple[Any, ...]], timestamp: int, **special: Any) -> bytes:
    """The frame that the driver sends for a batch of bound statements; null is sent as unset."""

    def serialize(kind: str, value: Any) -> Any:
        if value is None:
            return UNSET_VALUE
        return TYPES[kind][1].serialize(UUID(bytes=value) if kind == "uuid" else value, 4)

    queries = [(True, STATEMENT, [serialize(k, v) for k, v in zip(kinds, row, strict=True)]) for row in rows]
    return frame(_ProtocolHandler, queries, timestamp, **special)


def frame(
    handler: Any, queries: Any, timestamp: int | None, tracing: bool = False, payload: Any = None, packed: bool = False
) -> bytes:
    message = BatchMessage(BatchType.UNLOGGED, queries, ConsistencyLevel.ONE, timestamp=timestamp)
    message.tracing = tracing
    message.custom_payload = payload
    return bytes(handler.encode_message(message, 7, 4, zlib.compress if packed else None, False))


def by_columns(kinds: list[str], rows: list[tuple[Any, ...]], timestamp: int, **special: Any) -> bytes:
    columns = [pa.array([row[i] for row in rows], TYPES[kind][0]) for i, kind in enumerate(kinds)]
    wire = encode(STATEMENT, columns)
    return frame(ColumnarHandler, WireBatch(wire.slice(0, len(wire)), len(wire), timestamp), None, **special)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[tuple[Any, ...]]]:
    kinds = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=8))
    row = st.tuples(*(st.none() | VALUES[kind] for kind in kinds))
    return kinds, draw(st.lists(row, min_size=1, max_size=12))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the way is the same for all examples
@given(table=tables())
def test_frame_is_the_drivers_own(way: str, table: tuple[list[str], list[tuple[Any, ...]]]) -> None:
    kinds, rows = table
    assert by_columns(kinds, rows, 1_700_000_000_000_000) == by_driver(kinds, rows, 1_700_000_000_000_000), way


def test_one_row_spelled_out(way: str) -> None:
    wire = encode(
        b"\xab" * 16, [pa.array(["é"]), pa.array([None], pa.int32()), pa.array([""]), pa.array([258], pa.int16())]
    )
    expected = bytes.fromhex("01 0010" + "ab" * 16 + "0004" + "00000002c3a9" + "fffffffe" + "00000000" + "000000020102")
    assert bytes(wire.slice(0, 1)) == expected, way


@pytest.mark.parametrize("special", [{"tracing": True}, {"payload": {"k": b"v"}}, {"packed": True}])
def test_what_else_a_frame_can_carry_is_the_drivers_own_too(special: dict[str, Any]) -> None:
    kinds, rows = ["text", "int"], [("a", 1), (None, None)]
    assert by_columns(kinds, rows, 5, **special) == by_driver(kinds, rows, 5, **special)


def columns() -> list[pa.Array]:
    ids = pa.array([bytes([n]) * 16 for n in range(5)], pa.binary(16))
    return [pa.array(["a", "bb", None, "dddd", ""]), ids, pa.array([1, 2, None, 4, 5], pa.int32())]


def test_slices_of_a_sliced_column_start_where_they_should(way: str) -> None:
    whole = encode(STATEMENT, columns())
    part = encode(STATEMENT, [column.slice(1, 3) for column in columns()])
    assert bytes(part.slice(0, 3)) == bytes(whole.slice(1, 4)), way


def test_rows_are_written_in_the_order_asked_for(way: str) -> None:
    plain, turned = encode(STATEMENT, columns()), encode(STATEMENT, columns(), np.array([3, 0, 4, 2, 1]))
    rows = [bytes(plain.slice(n, n + 1)) for n in range(5)]
    assert [bytes(turned.slice(n, n + 1)) for n in range(5)] == [rows[n] for n in (3, 0, 4, 2, 1)], way


def test_more_rows_than_are_written_at_once(way: str) -> None:
    numbers = pa.array(range(5000), pa.int32())
    wire = encode(STATEMENT, [numbers], np.arange(5000)[::-1])
    assert [int.from_bytes(wire.slice(n, n + 1)[-4:], "big") for n in range(5000)] == list(range(5000))[::-1], way


def test_cuts_respect_rows_and_bytes_and_leave_nothing_out() -> None:
    wire = encode(STATEMENT, [pa.array(["x" * n for n in (10, 10, 10, 500, 10, 10)])])
    small = wire.size(0, 1)
    assert wire.cut(0, 6, 2, 10**6) == [(0, 2), (2, 4), (4, 6)]
    assert wire.cut(0, 6, 10, small * 2) == [(0, 2), (2, 3), (3, 4), (4, 6)], "a row over the limit stands alone"
    assert wire.cut(2, 2, 10, 100) == []


def test_more_rows_than_an_offset_of_32_bits_could_count_are_not_needed_for_an_empty_batch(way: str) -> None:
    wire = encode(STATEMENT, [pa.array([], pa.string()), pa.array([], pa.int32())])
    assert len(wire) == 0, way
    assert bytes(wire.slice(0, 0)) == b""
