"""Arrow columns into rows as the CQL protocol (version 4) wants them, whole columns at a time.

One row of a BATCH of a prepared statement is: kind 1, the statement's id (2 bytes of length, then the id), the number
of values (2 bytes), and each value as 4 bytes of length and its bytes; length -2 means *unset*, which leaves no
tombstone where null would. Numbers are big-endian. The rows of a table are built side by side in one buffer, so that a
batch of any size is a slice of it: by compiled loops that put rows in their order and write them in one go, or, without
numba, by Arrow, which copies everything once more.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.logs import loops

Array = np.ndarray[Any, np.dtype[Any]]

UNSET: Final = -2
UNLOGGED: Final = 1
"""Batch type of the protocol: no batch log, which one partition does not need."""
_WITH_TIMESTAMP: Final = 0x20
DATE_ZERO: Final = 1 << 31
"""CQL counts days from -5877641-06-23, so that 1970-01-01 is 2^31."""

_BLOCK: Final = 2048
"""Rows that are written together."""

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
    """Rows ready to send: row ``i`` is ``data[offsets[i]:offsets[i + 1]]``; ``memory`` can be used again after them."""

    data: memoryview
    offsets: Array
    memory: Array | None = None

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

    def body(self, consistency: int) -> tuple[bytes, memoryview, bytes]:
        """The body of a BATCH message of protocol version 4, in parts that need not be joined to be counted."""
        head = struct.pack(">BH", UNLOGGED, self.count)
        return head, self.data, struct.pack(">HBq", consistency, _WITH_TIMESTAMP, self.timestamp)


def number(array: pa.Array) -> Array:
    """The values of a column of numbers, days or milliseconds as CQL writes them; nulls are anything."""
    kind = str(array.type)
    order, width = _NUMBERS[kind]
    plain = {1: pa.int8(), 2: pa.int16(), 4: pa.int32(), 8: pa.int64()}[width]
    values = array.cast(plain) if kind in {"date32[day]", "timestamp[ms]"} else array
    native = values.fill_null(0).to_numpy(zero_copy_only=False)
    wide = native.astype(np.int64) + DATE_ZERO if kind == "date32[day]" else native
    return np.asarray(wide, dtype=order)


def _as_bytes(array: pa.Array) -> pa.Array:
    """A column of numbers as values of fixed width, big-endian; others as they are."""
    if str(array.type) not in _NUMBERS:
        return array
    values = number(array)
    kind = pa.binary(values.itemsize)
    blocks = pa.Array.from_buffers(kind, len(array), [None, pa.py_buffer(values)])
    return blocks if array.null_count == 0 else pc.if_else(array.is_valid(), blocks, pa.scalar(None, kind))


@dataclass(frozen=True, slots=True)
class _Cells:
    """A column's bytes: the value of row ``i`` begins at ``starts[i]`` of ``data``; its length may be unset."""

    lengths: Array
    starts: Array
    data: Array


def _cells(array: pa.Array) -> _Cells:
    """Where the values of a column lie; they are not copied."""
    rows = len(array)
    if pa.types.is_fixed_size_binary(array.type):
        width = array.type.byte_width
        lengths, starts = np.full(rows, width, np.int32), (array.offset + np.arange(rows, dtype=np.int64)) * width
    else:
        offsets = np.frombuffer(array.buffers()[1] or bytes(4), np.int32)[array.offset : array.offset + rows + 1]
        lengths, starts = np.diff(offsets), offsets[:-1].astype(np.int64)
    if array.null_count:
        lengths = np.where(array.is_valid().to_numpy(zero_copy_only=False), lengths, np.int32(UNSET))
    return _Cells(lengths, starts, np.frombuffer(array.buffers()[-1] or b"", np.uint8))


def _memory(size: int, spare: list[Array]) -> Array:
    """Room for so many bytes, used before if possible: touching new memory costs more than writing rows."""
    while spare:
        if len(found := spare.pop()) >= size:
            return found
    return np.empty(size * 9 // 8, np.uint8)


def written(
    loop: loops.Loops, prefix: bytes, columns: Sequence[pa.Array], order: Array, spare: list[Array]
) -> WireRows:
    """Rows written one column after the other, a few thousand rows at a time, so that they stay in the cache."""
    cells = [_cells(column) for column in columns]
    sizes = np.full(len(order), len(prefix) + 4 * len(columns), np.int64)
    for column in cells:
        sizes += np.maximum(column.lengths, 0)
    offsets = np.zeros(len(order) + 1, np.int64)
    np.cumsum(sizes[order], out=offsets[1:])
    memory, position = _memory(int(offsets[-1]), spare), offsets[:-1].copy()
    head = np.frombuffer(prefix, np.uint8)
    for start in range(0, len(order), _BLOCK):
        some, here = order[start : start + _BLOCK], position[start : start + _BLOCK]
        loop.begin(memory, here, head)
        for column in cells:
            loop.place(memory, here, some, column.lengths, column.starts, column.data)
    return WireRows(memory.data, offsets, memory)


class _Parts:
    """Collects a row's parts: runs of fixed width are one array, texts stand between them."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.run: list[Array] = []
        self.parts: list[Any] = []

    def constant(self, value: bytes) -> None:
        self.run.append(np.broadcast_to(np.frombuffer(value, np.uint8), (self.rows, len(value))))

    def fixed(self, values: Array) -> None:
        self.run.append(values.view(np.uint8).reshape(self.rows, -1))

    def variable(self, values: pa.Array) -> None:
        self.flush()
        self.parts.append(values)

    def flush(self) -> None:
        if self.run:
            block = np.concatenate(self.run, axis=1)
            column = pa.Array.from_buffers(pa.binary(block.shape[1]), self.rows, [None, pa.py_buffer(block)])
            self.parts.append(column.cast(pa.large_binary()))
            self.run = []

    def add(self, array: pa.Array) -> None:
        """One column: its lengths, then its values."""
        if pa.types.is_fixed_size_binary(array.type) and array.null_count == 0:
            width = array.type.byte_width
            self.constant(struct.pack(">i", width))
            self.fixed(np.frombuffer(array.buffers()[1], np.uint8)[array.offset * width :][: self.rows * width])
            return
        self.fixed(_cells(array).lengths.astype(">i4"))
        values = array.cast(pa.large_binary())
        self.variable(values.fill_null(b"") if array.null_count else values)


def joined(prefix: bytes, columns: Sequence[pa.Array], order: Array) -> WireRows:
    """The same by Arrow alone."""
    rows = len(order)
    parts = _Parts(rows)
    parts.constant(prefix)
    for column in pa.table(list(columns), names=[str(n) for n in range(len(columns))]).take(pa.array(order)):
        parts.add(column.combine_chunks())
    parts.flush()
    whole = pc.binary_join_element_wise(*parts.parts, pa.scalar(b"", pa.large_binary()))
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + rows + 1]
    return WireRows(memoryview(data), ends)


def encode(
    statement_id: bytes, columns: Sequence[pa.Array], order: Array | None = None, spare: list[Array] | None = None
) -> WireRows:
    """Rows of a prepared statement with these columns, in the order of its markers.

    Types are those of ``LOG_ROWS`` (and int8, int64); a null becomes unset. ``order`` says which row comes when;
    without it they stay as they are. Memory is taken out of ``spare`` if any of it is large enough.
    """
    if not len(columns[0]):
        return WireRows(memoryview(b""), np.zeros(1, np.int64))
    prefix = struct.pack(">BH", 1, len(statement_id)) + statement_id + struct.pack(">H", len(columns))
    order = np.arange(len(columns[0])) if order is None else order
    cells = [_as_bytes(column) for column in columns]
    loop = loops.compiled()
    return joined(prefix, cells, order) if loop is None else written(loop, prefix, cells, order, spare or [])


def key_part(value: bytes, *, alone: bool = False) -> bytes:
    """One component of a routing key; of several, each carries its length and a closing 0."""
    return value if alone else struct.pack(">H", len(value)) + value + b"\0"
