"""From what a reader found, by columns, to LOG_ROWS."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.log_rows import ASSUMED, LOG_ROWS
from workbench.sources.log_bytes import Numbers
from workbench.sources.log_times import DAY
from workbench.sources.table_sql import query


def log_rows(moments: Numbers, columns: Mapping[str, Any]) -> pa.Table:
    """LOG_ROWS from columns by name; ``moments`` are milliseconds UTC. What is not given is null.

    ``extra`` counts as assumed severity where it is not given.
    """
    count = len(moments)
    days = np.floor_divide(moments, DAY).astype(np.int32)
    given = {
        "log_date": pa.array(days).cast(pa.date32()),
        "bucket": pa.array(np.zeros(count, dtype=np.int16)),
        "log_timestamp": pa.array(moments).cast(pa.timestamp("ms")),
        "ingested_at": pa.repeat(pa.scalar(datetime.now(UTC).replace(tzinfo=None), pa.timestamp("ms")), count),
        **columns,
    }
    return pa.table({field.name: _column(given.get(field.name), field, count) for field in LOG_ROWS}, schema=LOG_ROWS)


def _column(values: Any, field: Any, count: int) -> Any:
    if values is None:
        return pa.nulls(count, field.type)
    if isinstance(values, str):
        return pa.repeat(pa.scalar(values, field.type), count)
    return values if values.type == field.type else values.cast(field.type)


def extras(assumed: Any, numbers: Mapping[str, Any], texts: Mapping[str, Any]) -> Any:
    """``extra`` as JSON: numbers (as text), texts, and that the severity is assumed where it is; else null."""
    nothing = pa.scalar(None, pa.string())
    parts = [pc.if_else(assumed, f",{ASSUMED[1:-1]}", "")]
    for name, values in {**numbers, **texts}.items():
        if values.null_count < len(values):
            told = values if name in numbers else _quoted(values)
            parts.append(pc.fill_null(pc.binary_join_element_wise(f',"{name}":', told, ""), ""))
    if len(parts) == 1:
        return pc.if_else(assumed, ASSUMED, nothing)
    joined = pc.binary_join_element_wise(*parts, "")
    inner = pc.binary_replace_slice(joined, 0, 1, "")
    return pc.if_else(pc.equal(joined, ""), nothing, pc.binary_join_element_wise("{", inner, "}", ""))


def _quoted(values: Any) -> Any:
    """Texts as JSON strings; null stays null."""
    there = pc.is_valid(values)
    told = query(
        "SELECT CAST(to_json(text) AS VARCHAR) AS text FROM file", file=pa.table({"text": values.filter(there)})
    )
    return pc.replace_with_mask(values, there, told["text"].combine_chunks().cast(pa.string()))
