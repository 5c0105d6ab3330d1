"""Arrow columns into rows as the CQL protocol (version 4) wants them, whole columns at a time.

One row of a BATCH of a prepared statement is: kind 1, the statement's id (2 bytes of length, then the id), the number
of values (2 bytes), and each value as 4 bytes of length and its bytes; length -2 means *unset*, which leaves no
tombstone where null would. Numbers are big-endian. The rows of a table are built side by side in one buffer, so that a
batch of any size is a slice of it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

UNSET: Final = -2
UNLOGGED: Final = 1
"""Batch type of the protocol: no batch log, which one partition does not need."""
_WITH_TIMESTAMP: Final = 0x20
_DATE_ZERO: Final = 1 << 31
"""CQL counts days from -5877641-06-23, so that 1970-01-01 is 2^31."""

_NUMBERS: Final[dict[str, tuple[str, int]]] = {
    "int8": (">i1", 1),
    "int16": (">i2", 2),
    "int32": (">i4", 4),
    "int64": (">i8", 8),
    "timestamp[ms]": (">i8", 8),
    "date32[day]": (">u4", 4),
}


@dataclass(frozen=True, slots=True)
class WireRows:
    """Rows ready to send: row ``i`` is ``data[offsets[i]:offsets[i + 1]]``."""

    data: memoryview
    offsets: np.ndarray[Any, np.dtype[np.int64]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def size(self, start: int, stop: int) -> int:
        """Bytes of the rows from ``start`` to before ``stop``."""
        return int(self.offsets[stop] - self.offsets[start])

    def slice(self, start: int, stop: int) -> memoryview:
        """Those rows, without a copy."""
        return self.data[self.offsets[start] : self.offsets[stop]]

    def cut(self, start: int, stop: int, most_rows: int, most_bytes: int) -> list[tuple[int, int]]:
        """Cut a range into batches of at most so many rows and bytes; a single larger row stays whole."""
        cuts: list[tuple[int, int]] = []
        while start < stop:
            by_bytes = int(np.searchsorted(self.offsets, self.offsets[start] + most_bytes, side="right")) - 1
            end = max(start + 1, min(stop, start + most_rows, by_bytes))
            cuts.append((start, end))
            start = end
        return cuts


@dataclass(frozen=True, slots=True)
class WireBatch:
    """What stands in a driver's BatchMessage instead of a list of statements. ``timestamp`` is in microseconds."""

    data: memoryview
    count: int
    timestamp: int

    def __len__(self) -> int:
        return self.count

    def body(self, consistency: int) -> bytes:
        """The body of a BATCH message of protocol version 4."""
        head = struct.pack(">BH", UNLOGGED, self.count)
        tail = struct.pack(">HBq", consistency, _WITH_TIMESTAMP, self.timestamp)
        return b"".join((head, self.data, tail))


def number(array: pa.Array) -> np.ndarray[Any, Any]:
    """The values of a column of numbers, days or milliseconds as CQL writes them; nulls are anything."""
    kind = str(array.type)
    order, width = _NUMBERS[kind]
    plain = {1: pa.int8(), 2: pa.int16(), 4: pa.int32(), 8: pa.int64()}[width]
    values = array.cast(plain) if kind in {"date32[day]", "timestamp[ms]"} else array
    native = values.fill_null(0).to_numpy(zero_copy_only=False)
    wide = native.astype(np.int64) + _DATE_ZERO if kind == "date32[day]" else native
    return np.asarray(wide, dtype=order)


class _Parts:
    """Collects a row's parts: runs of fixed width are one array, texts stand between them."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.run: list[np.ndarray[Any, np.dtype[np.uint8]]] = []
        self.parts: list[Any] = []

    def constant(self, value: bytes) -> None:
        self.run.append(np.broadcast_to(np.frombuffer(value, np.uint8), (self.rows, len(value))))

    def fixed(self, values: np.ndarray[Any, Any]) -> None:
        self.run.append(np.ascontiguousarray(values).view(np.uint8).reshape(self.rows, values.itemsize))

    def variable(self, values: pa.Array) -> None:
        self.flush()
        self.parts.append(values)

    def flush(self) -> None:
        if self.run:
            block = np.concatenate(self.run, axis=1)
            column = pa.Array.from_buffers(pa.binary(block.shape[1]), self.rows, [None, pa.py_buffer(block)])
            self.parts.append(column.cast(pa.large_binary()))
            self.run = []


def _lengths(array: pa.Array, length: Any) -> np.ndarray[Any, Any]:
    """4 bytes a row: the length, or unset where there is no value."""
    if array.null_count == 0 and isinstance(length, int):
        return np.full(len(array), length, ">i4")
    known = pa.array(length) if isinstance(length, np.ndarray) else length
    filled = pc.if_else(array.is_valid(), known, UNSET)
    return np.asarray(filled.to_numpy(zero_copy_only=False), ">i4")


def _add(parts: _Parts, array: pa.Array) -> None:
    """One column: its lengths, then its values."""
    if str(array.type) in _NUMBERS:
        values = number(array)
        if array.null_count == 0:
            parts.constant(struct.pack(">i", values.itemsize))
            parts.fixed(values)
            return
        parts.fixed(_lengths(array, values.itemsize))
        blocks = pa.Array.from_buffers(pa.binary(values.itemsize), len(array), [None, pa.py_buffer(values)])
        parts.variable(pc.if_else(array.is_valid(), blocks.cast(pa.large_binary()), pa.scalar(b"", pa.large_binary())))
        return
    if pa.types.is_fixed_size_binary(array.type):
        length: Any = array.type.byte_width
    else:
        length = pc.binary_length(array)
        length = length.fill_null(UNSET) if array.null_count else length
    parts.fixed(_lengths(array, length))
    values = array.cast(pa.large_binary())
    parts.variable(values.fill_null(b"") if array.null_count else values)


def encode(statement_id: bytes, columns: Sequence[pa.Array]) -> WireRows:
    """Rows of a prepared statement with these columns, in the order of its markers.

    Types are those of ``LOG_ROWS`` (and int8, int64); a null becomes unset.
    """
    rows = len(columns[0])
    parts = _Parts(rows)
    parts.constant(struct.pack(">BH", 1, len(statement_id)) + statement_id + struct.pack(">H", len(columns)))
    for column in columns:
        _add(parts, column)
    parts.flush()
    joined = pc.binary_join_element_wise(*parts.parts, pa.scalar(b"", pa.large_binary()))
    _, offsets, data = joined.buffers()
    ends = np.frombuffer(offsets, np.int64)[joined.offset : joined.offset + rows + 1]
    return WireRows(memoryview(data if data is not None else b""), ends)


def key_part(value: bytes, *, alone: bool = False) -> bytes:
    """One component of a routing key; of several, each carries its length and a closing 0."""
    return value if alone else struct.pack(">H", len(value)) + value + b"\0"
