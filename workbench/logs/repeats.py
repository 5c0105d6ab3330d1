"""Days of which one load brought a row twice: what counts them by what came would count that row twice.

A journal that was exported twice into one pipe, or a table with ids of its own, can hold the same row again, far from
the first. Of each row 8 bytes are kept until the load is over: 46 bits of its id and 18 of its host and day. Two that
agree by chance cost a recount of a day, never a wrong number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from workbench.log_rows import LogBatch

Day = tuple[str, date]
_CODE_BITS: Final = 18
_CODES: Final = np.uint64(2**_CODE_BITS - 1)
_SHARES: Final = 16
"""The rows are looked at in so many shares, so that sorting needs little memory of its own."""


class Repeats:
    """Watches the batches of one load as they pass."""

    def __init__(self) -> None:
        self._marks: list[Any] = []
        self._codes: dict[Day, int] = {}

    def watch(self, batches: Iterable[LogBatch]) -> Iterator[LogBatch]:
        """The same batches."""
        for batch in batches:
            if batch.rows.num_rows:
                self._marks.append(self._marked(batch.rows))
            yield batch

    def days(self) -> set[Day]:
        """Hosts and days with a row that came twice."""
        found: set[int] = set()
        for share in range(_SHARES):
            rows = [marks[marks >> np.uint64(60) == share] for marks in self._marks]
            ordered = np.sort(np.concatenate(rows)) if rows else np.zeros(0, np.uint64)
            again = ordered[1:][ordered[1:] == ordered[:-1]]
            found |= set(np.unique(again & _CODES).tolist())
        return {day for day, code in self._codes.items() if code & int(_CODES) in found}

    def _marked(self, rows: pa.Table) -> Any:
        """A number for each row that is the same for the same row; its upper bits are of the id."""
        columns = rows.select(["hostname", "log_date", "log_id"]).combine_chunks()
        ids = columns["log_id"].chunk(0)
        words = np.frombuffer(ids.buffers()[1], "<u8", 2 * len(ids), 16 * ids.offset).reshape(-1, 2)
        mixed = (words[:, 0] ^ words[:, 1]) * np.uint64(0x9E3779B97F4A7C15)  # ids made of times differ in few bits
        return (mixed & ~_CODES) | (self._day_codes(columns) & _CODES)

    def _day_codes(self, columns: pa.Table) -> Any:
        hosts = columns["hostname"].chunk(0).dictionary_encode()
        days = columns["log_date"].chunk(0).cast(pa.int32()).dictionary_encode()
        place = hosts.indices.to_numpy().astype(np.int64) * len(days.dictionary) + days.indices.to_numpy()
        known, where = np.unique(place, return_inverse=True)
        names, dates = hosts.dictionary.to_pylist(), days.dictionary.cast(pa.date32()).to_pylist()
        keys = [(names[one // len(dates)], dates[one % len(dates)]) for one in known.tolist()]
        codes = [self._codes.setdefault(key, len(self._codes)) for key in keys]
        return np.array(codes, np.uint64)[where]
