"""Rows on their way into files of the embedded log store: sorted, cut by host and day, each once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.log_rows import LOG_ROWS

_KEY: Final = ["log_timestamp", "log_id"]


def by_day(rows: pa.Table) -> Iterator[tuple[str, date, pa.Table]]:
    """The rows of each host and day, newest first, each once."""
    coded = rows["hostname"].combine_chunks().dictionary_encode()
    hosts, days = coded.indices.to_numpy(), rows["log_date"].cast(pa.int32()).to_numpy()
    order = _newest_first(rows, days, hosts)
    hosts, days = hosts[order], days[order]
    ordered = rows.take(pa.array(order)).combine_chunks()
    cuts = np.flatnonzero((hosts[1:] != hosts[:-1]) | (days[1:] != days[:-1])) + 1
    for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(hosts)], strict=True):
        part = ordered.slice(start, end - start)
        yield part["hostname"][0].as_py(), part["log_date"][0].as_py(), _each_once(part)


def new_rows(rows: pa.Table, files: Sequence[Path]) -> pa.Table:
    """Those rows that no file has; only the part of the files of the same time is looked at."""
    if not files or not rows.num_rows:
        return rows
    span = [("log_timestamp", ">=", rows["log_timestamp"][-1]), ("log_timestamp", "<=", rows["log_timestamp"][0])]
    known = [pq.read_table(path, columns=_KEY, filters=span, partitioning=None) for path in files]
    stored = _keys(pa.concat_tables(known))
    return rows.filter(pc.invert(pc.is_in(_keys(rows), stored))) if len(stored) else rows


def merged(files: Sequence[Path]) -> pa.Table:
    """All rows of some files of one day, newest first."""
    rows = pa.concat_tables([pq.read_table(path, partitioning=None).cast(LOG_ROWS) for path in files])
    return _each_once(rows.take(pa.array(_newest_first(rows))).combine_chunks())


def _newest_first(rows: pa.Table, *before: Any) -> Any:
    """The order by these columns (the last first), then newest first, ties by id from the highest."""
    words = np.frombuffer(_octets(rows["log_id"]), dtype=">u8").reshape(-1, 2).astype(np.uint64)
    moments = rows["log_timestamp"].cast(pa.int64()).to_numpy()
    return np.lexsort((~words[:, 1], ~words[:, 0], -moments, *before))


def _each_once(rows: pa.Table) -> pa.Table:
    """Without a row that follows itself."""
    keys = np.frombuffer(_keys(rows).buffers()[1], dtype="<u8").reshape(-1, 3)
    again = (keys[1:] == keys[:-1]).all(axis=1)
    return rows.filter(pa.array(np.append(True, ~again))) if again.any() else rows


def _octets(ids: Any) -> Any:
    whole = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    return memoryview(whole.buffers()[1] or b"")[16 * whole.offset : 16 * (whole.offset + len(whole))]


def _keys(rows: pa.Table) -> Any:
    """What makes a row of a host and day one row, as 24 bytes: its time and its id."""
    keys = np.empty((rows.num_rows, 24), dtype=np.uint8)
    keys[:, :8] = rows["log_timestamp"].cast(pa.int64()).to_numpy().astype("<i8").view(np.uint8).reshape(-1, 8)
    keys[:, 8:] = np.frombuffer(_octets(rows["log_id"]), dtype=np.uint8).reshape(-1, 16)
    return pa.Array.from_buffers(pa.binary(24), rows.num_rows, [None, pa.py_buffer(keys)])
