"""Pages of an answer into Arrow tables, whole columns at a time.

A row is, for each column, 4 bytes of length (negative: null) and the value. Where every cell lies has to be found by
walking over all of them once; with numba (extra ``fast``) that walk is compiled, else it is plain Python. Everything
after it is numpy and Arrow in both cases.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from workbench.logs import loops
from workbench.logs.wire import DATE_ZERO

Array = np.ndarray[Any, np.dtype[Any]]

_NUMBERS: Final[dict[str, tuple[str, str, pa.DataType]]] = {
    "tinyint": (">i1", "i1", pa.int8()),
    "smallint": (">i2", "i2", pa.int16()),
    "int": (">i4", "i4", pa.int32()),
    "bigint": (">i8", "i8", pa.int64()),
    "counter": (">i8", "i8", pa.int64()),
    "float": (">f4", "f4", pa.float32()),
    "double": (">f8", "f8", pa.float64()),
    "timestamp": (">i8", "i8", pa.timestamp("ms")),
    "boolean": (">i1", "i1", pa.bool_()),
}


def walk_plain(data: Array, start: int, rows: int, columns: int) -> tuple[Array, Array]:
    """Where each cell begins and how long it is, by (column, row); -1 for null."""
    buffer, read, position = data.data, struct.Struct(">i").unpack_from, start
    found: list[int] = []
    for _ in range(rows * columns):
        (length,) = read(buffer, position)
        found.append(length)
        position += 4 + length if length > 0 else 4
    lengths = np.array(found, np.int64)
    ends = start + np.cumsum(np.maximum(lengths, 0) + 4)
    shape = (rows, columns)
    starts = ends - np.maximum(lengths, 0)
    return np.ascontiguousarray(starts.reshape(shape).T), np.ascontiguousarray(lengths.reshape(shape).T)


def copy_plain(data: Array, starts: Array, lengths: Array, _ends: Array) -> Array:
    """The bytes of one column, one after the other."""
    buffer = data.data
    stops = (starts + np.maximum(lengths, 0)).tolist()
    return np.frombuffer(b"".join([buffer[a:b] for a, b in zip(starts.tolist(), stops, strict=True)]), np.uint8)


def _together(data: Array, starts: Array, lengths: Array, ends: Array) -> Array:
    loop = loops.compiled()
    return (loop.copy if loop else copy_plain)(data, starts, lengths, ends)


def _validity(lengths: Array) -> tuple[pa.Buffer | None, int]:
    """Arrow's bitmap of cells that are not null, and how many are."""
    valid = lengths >= 0
    nulls = int(len(valid) - np.count_nonzero(valid))
    return (pa.py_buffer(np.packbits(valid, bitorder="little")) if nulls else None), nulls


def _fixed(data: Array, starts: Array, lengths: Array, width: int) -> Array:
    """Cells of one width as rows of bytes; null cells are zeros."""
    known = lengths == width
    if known.all():
        return _together(data, starts, lengths, np.arange(len(starts) + 1) * width).reshape(-1, width)
    begins = np.where(known, starts, 0)
    block = data[np.minimum(begins[:, None] + np.arange(width), len(data) - 1)]
    block[~known] = 0
    return np.ascontiguousarray(block)


def _number(kind: str, data: Array, starts: Array, lengths: Array) -> pa.Array:
    wire, native, arrow = _NUMBERS[kind]
    width = int(wire[2])
    values = _fixed(data, starts, lengths, width).view(wire).reshape(-1).astype(native)
    lengths = np.where(lengths == 0, -1, lengths)  # an empty value of a number is how old clients wrote null
    bitmap, nulls = _validity(lengths)
    if kind == "boolean":
        return pa.array(values.astype(bool), mask=lengths < 0)
    return pa.Array.from_buffers(arrow, len(values), [bitmap, pa.py_buffer(values)], nulls)


def _column(kind: str, data: Array, starts: Array, lengths: Array) -> pa.Array:
    """One column of a page."""
    if kind in _NUMBERS:
        return _number(kind, data, starts, lengths)
    bitmap, nulls = _validity(lengths)
    if kind == "date":
        days = _fixed(data, starts, lengths, 4).view(">u4").reshape(-1).astype(np.int64) - DATE_ZERO
        values = pa.py_buffer(days.astype(np.int32))
        return pa.Array.from_buffers(pa.date32(), len(days), [bitmap, values], nulls)
    if kind in {"uuid", "timeuuid"}:
        block = pa.py_buffer(_fixed(data, starts, lengths, 16))
        return pa.Array.from_buffers(pa.binary(16), len(starts), [bitmap, block], nulls)
    ends = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(np.maximum(lengths, 0), out=ends[1:])
    values = pa.py_buffer(_together(data, starts, lengths, ends))
    text = pa.string() if kind in {"varchar", "text", "ascii"} else pa.binary()
    return pa.Array.from_buffers(text, len(starts), [bitmap, pa.py_buffer(ends.astype(np.int32)), values], nulls)


def decode(page: Any) -> pa.Table:
    """One page (workbench.logs.driver.Page) as a table; types without a counterpart stay bytes."""
    data = np.frombuffer(page.data, np.uint8)
    loop = loops.compiled()
    starts, lengths = (loop.walk if loop else walk_plain)(data, page.start, page.rows, len(page.names))
    kinds = enumerate(page.types)
    return pa.Table.from_arrays([_column(k, data, starts[i], lengths[i]) for i, k in kinds], names=list(page.names))


def pages(session: Any, statement: Any, parameters: Sequence[Any] | None = None, **options: Any) -> Iterator[pa.Table]:
    """The answer page by page; the next one is on its way while this one is decoded."""
    future = session.execute_async(statement, parameters, **options)
    while True:
        page = future.result().current_rows[0]
        more = future.has_more_pages
        if more:
            future.start_fetching_next_page()
        yield decode(page)
        if not more:
            return


def answer(session: Any, statement: Any, parameters: Sequence[Any] | None = None, **options: Any) -> pa.Table:
    """The whole answer as one table."""
    return pa.concat_tables(pages(session, statement, parameters, **({"execution_profile": "read"} | options)))
