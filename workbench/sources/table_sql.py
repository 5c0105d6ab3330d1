"""SQL over Arrow tables in memory, where the vectorised engine is both shorter and faster than the same by hand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def query(sql: str, parameters: Mapping[str, Any] | None = None, **tables: pa.Table) -> pa.Table:
    """The answer of a SELECT over ``tables``, in the order of the rows; times without an offset mean UTC."""
    with _engine().cursor() as cursor:  # sees no other cursor's tables
        cursor.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            cursor.register(name, table)
        return cursor.sql(sql, params=dict(parameters or {})).to_arrow_table()


@cache
def _engine() -> DuckDBPyConnection:
    """Opened once: starting it takes longer than most questions."""
    import duckdb

    return duckdb.connect(config={"autoinstall_known_extensions": "false", "python_enable_replacements": "false"})
