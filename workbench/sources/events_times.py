"""Times as files write them, to naive UTC: ISO 8601 text, or Parquet timestamps.

A time is a date and a time of day, ``2024-01-02T03:04:05.678+02:00``: between them ``T`` or a space; seconds and up to
9 digits of a fraction are optional (cut to microseconds); then ``Z``, ``±hh:mm``, ``±hhmm`` or ``±hh``. Without an
offset it is a local time of the stated zone. Where clocks go back it is the first of the two; where they go forward and
the time does not exist, it is refused. Numbers are refused too: seconds and milliseconds since 1970 look alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.rows import TIME
from workbench.sources.table_sql import query

_SHAPE: Final = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)? ?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?"
_MINUTES: Final = len("2024-01-02T03:04")
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2262

UNREADABLE: Final = "is not an ISO 8601 date and time"
NO_OFFSET: Final = "has no offset (state a zone: --zone)"
OUT_OF_RANGE: Final = f"is outside of the years {_FIRST_YEAR} to {_LAST_YEAR}"

_UTC: Final = """
    TRY_CAST(CASE WHEN {fits} AND {offset} THEN replace(replace({written}, ' +', '+'), ' -', '-') END AS TIMESTAMPTZ)
        AT TIME ZONE 'UTC'
"""
_LOCAL: Final = "TRY_CAST(CASE WHEN {fits} AND NOT {offset} THEN {written} END AS TIMESTAMP)"


def parse(columns: Mapping[str, Any], zone: str | None) -> dict[str, tuple[Any, Any]]:
    """Of each column the times in naive UTC, and why each that was given but is null is refused (``is …``)."""
    texts = {name: column for name, column in columns.items() if not pa.types.is_timestamp(column.type)}
    read = _of_texts(texts) | {name: _of_timestamps(column) for name, column in columns.items() if name not in texts}
    return {name: _judged(pc.is_valid(columns[name]), utc, local, zone) for name, (utc, local) in read.items()}


def _judged(given: Any, utc: Any, local: Any, zone: str | None) -> tuple[Any, Any]:
    outside = pc.or_(_outside(utc), _outside(local))
    local = pc.if_else(outside, None, local)
    bad_local = NO_OFFSET
    if zone is not None and local.null_count < len(local):
        utc = pc.coalesce(utc, _localised(local, zone))
        bad_local = f"does not exist in {zone} (clocks went forward)"
        outside = pc.or_(outside, _outside(utc))
    refused = pc.and_(given, pc.is_null(utc))
    reason = pc.if_else(refused, pc.if_else(pc.is_valid(local), bad_local, UNREADABLE), None)
    return pc.if_else(outside, None, utc), pc.if_else(outside, OUT_OF_RANGE, reason)


def _outside(times: Any) -> Any:
    year = pc.year(times)
    return pc.or_(pc.less(year, _FIRST_YEAR), pc.greater(year, _LAST_YEAR)).fill_null(False)


def _of_texts(columns: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Of each column those with an offset, in UTC, and those without, as they are."""
    if not columns:
        return {}
    picks = []
    for number in range(len(columns)):
        written = f"trim(c{number})"
        parts = {
            "written": written,
            "fits": f"regexp_full_match({written}, '{_SHAPE}')",
            "offset": f"regexp_matches(substr({written}, {_MINUTES + 1}), '[Z+-]')",
        }
        picks += [f"{_UTC.format(**parts)} AS utc{number}", f"{_LOCAL.format(**parts)} AS local{number}"]
    written = pa.table({f"c{number}": column for number, column in enumerate(columns.values())})
    read = query(f"SELECT {', '.join(picks)} FROM file", file=written)  # noqa: S608 - made of constants
    return {
        name: (read[f"utc{number}"].cast(TIME), read[f"local{number}"].cast(TIME))
        for number, name in enumerate(columns)
    }


def _of_timestamps(column: Any) -> tuple[Any, Any]:
    """Those with a zone are UTC; what does not fit into microseconds is out of range anyway."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    ticks = column.cast(pa.int64())
    most = min(9999 * 366 * 86_400 * per_second, 2**63 - 1)
    inside = pc.and_(pc.greater_equal(ticks, -most), pc.less_equal(ticks, most))
    ticks = pc.if_else(inside, ticks, most if per_second < 10**9 else 0)
    times = ticks.cast(pa.timestamp(column.type.unit)).cast(TIME, safe=False)
    nothing = pa.chunked_array([pa.nulls(len(times), TIME)])
    return (nothing, times) if column.type.tz is None else (times, nothing)


def _localised(local: Any, zone: str) -> Any:
    """Local times of a zone as UTC; null where the local time does not exist."""
    import pandas as pd

    from workbench.model import zone as zone_named

    moments = pd.DatetimeIndex(local.to_numpy().astype("datetime64[us]"))
    first_of_two = np.ones(len(moments), dtype=np.bool_)
    aware = moments.tz_localize(zone_named(zone), ambiguous=first_of_two, nonexistent="NaT")
    return pa.chunked_array([pa.array(aware.tz_convert("UTC").tz_localize(None), type=TIME, from_pandas=True)])
