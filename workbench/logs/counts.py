"""infrastructure_log_stats: counts by host, day, hour, severity and source.

Each chunk of a load writes what it brought, over itself if it is repeated. That is exact as long as one load brought
all lines of a day. Where several did (a file that grew and was loaded again), they may have brought the same lines, so
the lines themselves are counted, and that count takes the place of the loads': its load is ``''``, and its ``chunk``
says when it was made. What is in the table is exact if it is of one load, or of one recount; else lines are counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.logs import driver
from workbench.logs.pages import answer
from workbench.logs.prepare import Target, partition_key, time_left
from workbench.logs.reader import Asked, Reader
from workbench.logs.schema import STATS_ROWS
from workbench.logs.wire import WireBatch, encode

RECOUNT: Final = ""
"""The load whose counts are a recount."""
STATS: Final = pa.schema(
    [("hour", pa.int8()), ("severity", pa.string()), ("source", pa.string()), ("rows", pa.int64())]
)
TOTALS: Final = pa.schema([("hostname", pa.string()), ("log_date", pa.date32()), ("rows", pa.int64())])
HOSTS: Final = pa.schema(
    [("hostname", pa.string()), ("first_day", pa.date32()), ("last_day", pa.date32()), ("rows", pa.int64())]
)
_KEYS: Final = ["hour", "severity", "source"]
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one keyspace."""

    reader: Reader

    def stats(self, host: str, day: date, profile: str = driver.READ) -> pa.Table:
        """Counts of one host and day: columns hour, severity, source, rows."""
        if self.reader.shape.stats:
            found = self._read(host, day, profile)
            if _exact(found):
                return _summed(found)
        return self.recount(host, day)

    def _read(self, host: str, day: date, profile: str) -> pa.Table:
        asked = self.reader.prepare("read_counts")
        return answer(self.reader.session, asked, (host, day), execution_profile=profile)

    def recount(self, host: str, day: date) -> pa.Table:
        """The same from the lines themselves, read at QUORUM."""
        wanted = ("log_timestamp", "severity", "source")
        found = [STATS.empty_table()]
        for table in self.reader.stream(host, day, Asked(), wanted, driver.VERIFY):
            hours = table.append_column("hour", pc.hour(table["log_timestamp"]).cast(pa.int8()))
            counts = hours.group_by(_KEYS).aggregate([([], "count_all")])
            found.append(counts.select([*_KEYS, "count_all"]).rename_columns(STATS.names).cast(STATS))
        return _summed(pa.concat_tables(found))

    def settle(self, target: Target, host: str, day: date, *, recount: bool = False) -> None:
        """Where several loads brought lines of a day, let a recount take the place of their counts.

        ``recount``: also where one did, because it brought a line twice.
        """
        began = time.time_ns() // 1000
        found = self._read(host, day, driver.VERIFY)
        if _exact(found) and not (recount and found["load"].unique().to_pylist() != [RECOUNT]):
            return
        self._write(target, host, day, self.recount(host, day), began)
        for load in found["load"].unique().to_pylist():
            self.reader.session.execute(
                self.reader.prepare("delete_load"), (began, host, day, load), execution_profile=driver.VERIFY
            )

    def _write(self, target: Target, host: str, day: date, counts: pa.Table, began: int) -> None:
        """Write a recount, younger than what it stands for."""
        n, days, ttl = counts.num_rows, (day - _EPOCH).days, target.shape.ttl
        left = int(time_left(np.int64(days), ttl, began // 1_000_000)) if ttl else 0
        if not n or left < 0:
            return
        constant = {
            "hostname": pa.scalar(host),
            "log_date": pa.scalar(day),
            "load": pa.scalar(RECOUNT),
            "chunk": pa.scalar(began // 1_000_000 % 2**31, pa.int32()),
        }
        columns = [
            pa.repeat(constant[name], n) if name in constant else counts[name].combine_chunks()
            for name in STATS_ROWS.names
        ]
        wire = encode(target.insert_counts, [*columns, pa.repeat(pa.scalar(left, pa.int32()), n)])
        for start, stop in wire.cut(0, n, target.batch_rows, target.batch_bytes):
            rows = WireBatch(wire.slice(start, stop), stop - start, began + 1)
            batch = driver.RowsBatch(rows, self.reader.address.keyspace, partition_key(host, days, None))
            self.reader.session.execute(batch, execution_profile=driver.VERIFY)

    def hosts(self, profile: str = driver.READ) -> pa.Table:
        """Every host with its first and last day and its rows (null where nobody counted)."""
        days = self._totals(profile).group_by("hostname")
        grouped = days.aggregate([("log_date", "min"), ("log_date", "max"), ("rows", "sum")])
        hosts = grouped.select(["hostname", "log_date_min", "log_date_max", "rows_sum"]).rename_columns(HOSTS.names)
        return hosts.cast(HOSTS).sort_by("hostname").combine_chunks()

    def _totals(self, profile: str) -> pa.Table:
        """Rows by host and day."""
        reader = self.reader
        if reader.shape.stats:
            found = answer(reader.session, reader.prepare("read_totals"), timeout=120, execution_profile=profile)
            return _of_loads(found, lambda host, day: self.stats(host, day, profile))
        asked = reader.prepare("read_partitions", key=", ".join(reader.shape.partition))
        found = answer(reader.session, asked, timeout=120, execution_profile=profile)
        days = found.group_by(["hostname", "log_date"]).aggregate([])
        return days.append_column("rows", pa.nulls(days.num_rows, pa.int64()))


def _exact(counts: pa.Table) -> bool:
    """Whether these counts of a day count no line twice: all of one load, or of one recount."""
    loads = counts["load"].unique().to_pylist()
    return len(loads) < 2 and (loads != [RECOUNT] or len(counts["chunk"].unique()) == 1)


def _summed(counts: pa.Table) -> pa.Table:
    """Counts of all chunks together, in order."""
    sums = counts.group_by(_KEYS).aggregate([("rows", "sum")]).select([*_KEYS, "rows_sum"]).rename_columns(STATS.names)
    return sums.cast(STATS).sort_by([(key, "ascending") for key in _KEYS]).combine_chunks()


def _of_loads(loads: pa.Table, stats: Callable[[str, date], pa.Table]) -> pa.Table:
    """Rows by host and day from those by load; where these are not exact, the day's lines are counted."""
    inexact = pc.and_(pc.equal(loads["load"], RECOUNT), pc.not_equal(loads["first"], loads["last"]))
    loads = loads.append_column("doubts", inexact.cast(pa.int64()))
    days = loads.group_by(["hostname", "log_date"]).aggregate([("lines", "sum"), ("doubts", "sum"), ([], "count_all")])
    exact = pc.and_(pc.equal(days["count_all"], 1), pc.equal(days["doubts_sum"], 0))
    sure = days.filter(exact).select(["hostname", "log_date", "lines_sum"]).rename_columns(TOTALS.names).cast(TOTALS)
    others: list[dict[str, Any]] = days.filter(pc.invert(exact)).select(["hostname", "log_date"]).to_pylist()
    for day in others:
        day["rows"] = pc.sum(stats(day["hostname"], day["log_date"])["rows"]).as_py()
    return pa.concat_tables([sure, pa.Table.from_pylist(others, TOTALS)])
