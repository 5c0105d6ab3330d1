"""A place to work out tables in: one database in memory for the process, as to start one costs more than an import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import duckdb


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own, whose TEMP tables and registered names nobody else sees and which end with it."""
    cursor = _database().cursor()
    try:
        yield cursor
    finally:
        cursor.close()
