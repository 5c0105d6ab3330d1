"""SQL over Arrow tables in memory, where the vectorised engine is both shorter and faster than the same by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa


def query(sql: str, parameters: Mapping[str, Any] | None = None, **tables: pa.Table) -> pa.Table:
    """The answer of a SELECT over ``tables``, in the order of the rows; times without an offset mean UTC."""
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": "false", "python_enable_replacements": "false"}) as sea:
        sea.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            sea.register(name, table)
        return sea.sql(sql, params=dict(parameters or {})).to_arrow_table()
