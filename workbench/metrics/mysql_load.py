"""Writing to MySQL and MariaDB: what differs between two states, and the fastest way to bring it to the server.

Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from workbench.errors import StoreError
from workbench.metrics import mysql_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BATCH: Final = 2_000
_ESCAPED: Final = "\0\n\r\\'\"\x1a"
_ROOM: Final = 2_000
"""Bytes of an insert of one row beside its texts, at most."""
_STAGING: Final = "workbench_staging"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """A table of the database and the columns that tell its rows apart."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]

    @property
    def columns(self) -> str:
        """Its columns, for a statement."""
        return ", ".join(self.schema.names)


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows to add, rows whose key stays, and keys to remove.

    Of ``changed`` there are the key and the columns that differ in any row: a column in which nothing changes is not
    sent, so that what another program has written there meanwhile stays.
    """

    added: pa.Table
    changed: pa.Table
    removed: pa.Table


def difference(target: Target, old: pa.Table, new: pa.Table) -> Difference:
    """What turns ``old`` into ``new``, sorted by key so that writers meet rows in the same order."""
    from workbench.metrics.scratch import scratch

    nothing = new.slice(0, 0)
    if old.equals(new):
        return Difference(nothing, nothing, nothing.select(target.key))
    if not old.num_rows:
        return Difference(new, nothing, nothing.select(target.key))
    key = ", ".join(target.key)
    differs = {name: f"n.{name} IS DISTINCT FROM o.{name}" for name in target.schema.names if name not in target.key}
    absent = f"o.{target.key[0]} IS NULL"
    with scratch() as connection:
        connection.register("old", old)
        connection.register("new", new)
        connection.execute(
            f"""
            CREATE TEMP TABLE fresh AS SELECT n.*, {absent} AS unknown
            FROM new AS n LEFT JOIN old AS o USING ({key}) WHERE {absent} OR {" OR ".join(differs.values())}
            """  # noqa: S608 - own names
        )
        found = connection.execute(
            f"SELECT {', '.join(f'bool_or({test})' for test in differs.values())} "  # noqa: S608
            f"FROM fresh AS n JOIN old AS o USING ({key}) WHERE NOT n.unknown"
        ).fetchall()[0]
        columns = ", ".join([*target.key, *(name for name, changed in zip(differs, found, strict=True) if changed)])
        texts = (
            f"SELECT {target.columns} FROM fresh WHERE unknown ORDER BY {key}",  # noqa: S608
            f"SELECT {columns} FROM fresh WHERE NOT unknown ORDER BY {key}",  # noqa: S608
            f"SELECT {key} FROM old ANTI JOIN new USING ({key}) ORDER BY {key}",  # noqa: S608
        )
        return Difference(*(connection.sql(text).to_arrow_table() for text in texts))


class Loader:
    """Sends rows by LOAD DATA LOCAL; where the server forbids that, by inserts of many rows, which it says once."""

    def __init__(self) -> None:
        self._files_allowed = True

    def apply(self, connection: Connection, target: Target, change: Difference) -> None:
        """Make the table what the new state says.

        Raises:
            StoreError: rows are not as the old state said, so somebody else wrote; the caller has to roll back.
        """
        if change.removed.num_rows:
            self._touch(connection, target, change.removed, "DELETE m FROM {source}")
        if change.changed.num_rows:
            columns = [name for name in change.changed.schema.names if name not in target.key]
            values = ", ".join(f"m.{name} = s.{name}" for name in columns)
            self._touch(connection, target, change.changed, "UPDATE {source} SET " + values)  # noqa: S608 - own names
        if change.added.num_rows:
            self.insert(connection, target.name, change.added)

    def _touch(self, connection: Connection, target: Target, rows: pa.Table, statement: str) -> None:
        """Run a statement over the stored rows whose keys are in ``rows``: they go to the server first."""
        names = ", ".join(rows.schema.names)
        connection.exec_driver_sql(f"DROP TEMPORARY TABLE IF EXISTS {_STAGING}")
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {_STAGING} AS SELECT {names} FROM {target.name} LIMIT 0")  # noqa: S608
        self.insert(connection, _STAGING, rows)
        match = " AND ".join(f"m.{name} = s.{name}" for name in target.key)
        # the small table first, whatever the optimiser thinks of two tables without statistics
        source = f"{_STAGING} AS s STRAIGHT_JOIN {target.name} AS m ON {match}"
        touched = connection.exec_driver_sql(statement.format(source=source)).rowcount
        connection.exec_driver_sql(f"DROP TEMPORARY TABLE {_STAGING}")
        _expect(touched, rows.num_rows, target.name)

    def insert(self, connection: Connection, table: str, rows: pa.Table) -> None:
        """Add rows to a table."""
        from sqlalchemy.exc import DBAPIError

        if self._files_allowed:
            try:
                return _load_file(connection, table, rows)
            except DBAPIError as error:
                if mysql_engine.number(error) not in mysql_engine.NO_LOCAL_INFILE:
                    raise
            self._files_allowed = False
            _log.warning(
                "The server does not allow LOAD DATA LOCAL (local_infile), so rows are inserted, which is slower."
            )
        return _insert(connection, table, rows)


def _load_file(connection: Connection, table: str, rows: pa.Table) -> None:
    with _file(rows) as path:
        result = connection.exec_driver_sql(
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {table} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY '\\t' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' "
            f"({', '.join(rows.schema.names)})",
            (str(path),),
        )
        # a client's file is loaded leniently: what strict mode would refuse is only a warning here
        warnings = connection.exec_driver_sql("SHOW WARNINGS").fetchall()
    if warnings:
        raise StoreError(
            f"The server would not take a row as it is: {warnings[0][2]} (warning {warnings[0][1]}).",
            "Correct that value in its source; nothing was written.",
        )
    _expect(result.rowcount, rows.num_rows, table)


@contextmanager
def _file(rows: pa.Table) -> Iterator[Path]:
    """A file with these rows, in a folder that only its owner may look into; gone afterwards."""
    import duckdb

    with ExitStack() as stack:
        try:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workbench-"))) / "rows"
            _write_file(rows, path)
        except (OSError, duckdb.Error) as error:
            raise StoreError(
                f"The rows cannot be written to a temporary file: {str(error).splitlines()[0]}.",
                "Free some space, or let TMPDIR name another folder; nothing was written to the server.",
            ) from None
        yield path


def _write_file(rows: pa.Table, path: Path) -> None:
    """Tab-separated, every text in quotes (doubled inside), NULL a bare word."""
    from workbench.metrics.scratch import scratch

    texts = ", ".join(field.name for field in rows.schema if pa.types.is_string(field.type))
    with scratch() as connection:
        connection.register("given", rows)
        connection.execute(
            f"COPY given TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT csv, HEADER false, DELIMITER '\t', "
            f"QUOTE '\"', ESCAPE '\"', NULLSTR 'NULL', FORCE_QUOTE ({texts}))"
        )


def _insert(connection: Connection, table: str, rows: pa.Table) -> None:
    _refuse_larger(connection, rows)
    marks = ", ".join(["%s"] * rows.num_columns)
    statement = f"INSERT INTO {table} ({', '.join(rows.schema.names)}) VALUES ({marks})"  # noqa: S608 - own names
    for values in _batches(rows):
        connection.exec_driver_sql(statement, values)


def _refuse_larger(connection: Connection, rows: pa.Table) -> None:
    """Say so before the server ends the connection because of a row: it takes no statement above max_allowed_packet."""
    import pyarrow.compute as pc

    limit = int(connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar() or 0)
    texts = [name for name in rows.schema.names if pa.types.is_string(rows.schema.field(name).type)]
    sizes = reduce(pc.add, (pc.fill_null(pc.binary_length(rows[name]), 0) for name in texts))
    for row in rows.filter(pc.greater(sizes, limit // 3)).to_pylist():  # seldom one; escaped, a text may double
        size = _ROOM + sum(len(row[name].encode()) + sum(map(row[name].count, _ESCAPED)) for name in texts if row[name])
        if size > limit:
            named = " / ".join(str(row[name]) for name in rows.schema.names[:3] if row[name])
            raise StoreError(
                f"The row {named} has {size:,} bytes, and the server takes {limit:,} at once; nothing was written.",
                "Raise max_allowed_packet or allow local_infile on the server, or shorten that row.",
            )


def _batches(rows: pa.Table) -> Iterator[list[tuple[Any, ...]]]:
    for batch in rows.to_batches(max_chunksize=_BATCH):
        yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _expect(touched: int, wanted: int, table: str) -> None:
    if touched != wanted:
        raise StoreError(
            f"Of {wanted} rows of {table}, {touched} were as expected: another program changed them meanwhile.",
            "Run the import again; nothing was written.",
        )


def retrying(action: Callable[[], None], attempts: int = 4) -> None:
    """Run a whole transaction again when the server chose it to end a deadlock."""
    import random
    import time

    from sqlalchemy.exc import DBAPIError

    for attempt in range(1, attempts + 1):
        try:
            return action()
        except DBAPIError as error:
            if mysql_engine.number(error) not in mysql_engine.DEADLOCK or attempt == attempts:
                raise
            time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - only to part two writers
    return None


def column_table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows of text, as the driver gives them, as typed columns."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(column, pa.string()).cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
