"""What a MySQL or MariaDB server says about itself: rows as text, its version, and what it saw of our indexes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from workbench.metrics import mysql_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = Mapping[str, str]

REFUSED: Final = frozenset({1044, 1142, 1143, 1227, 1370})
"""Numbers that say: this user may not."""
OLDEST: Final[Mapping[bool, tuple[int, int]]] = {False: (8, 4), True: (10, 11)}
"""Versions from which on MySQL (False) and MariaDB (True) are supported."""


class Finding(NamedTuple):
    """What was looked at, how it is, and what to run about it."""

    name: str
    state: Literal["ok", "note", "problem"]
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """Kind, version, whether it watches itself (performance_schema), and seconds since its start."""

    version: str
    mariadb: bool
    watches: bool
    uptime: int

    @property
    def name(self) -> str:
        """MySQL or MariaDB."""
        return "MariaDB" if self.mariadb else "MySQL"

    @property
    def supported(self) -> bool:
        """Whether the workbench is tested with it."""
        found = re.match(r"(\d+)\.(\d+)", self.version)
        return bool(found) and tuple(map(int, found.groups())) >= OLDEST[self.mariadb]  # type: ignore[union-attr]


def rows(connection: Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """The answer of a statement (the driver's text) with lower-case column names; NULL is ''."""
    result = connection.exec_driver_sql(sql, tuple(values) or None)
    names = [name.lower() for name in result.keys()]  # noqa: SIM118 - a result is no mapping
    return [dict(zip(names, map(_text, row), strict=True)) for row in result.cursor.fetchall()]


def look(connection: Connection) -> Server:
    """Who answers."""
    found = rows(connection, "SELECT VERSION() AS version, @@performance_schema AS watches")[0]
    uptime = rows(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'")[0]["value"]
    version = found["version"]
    return Server(version, "mariadb" in version.lower(), found["watches"] == "1", int(uptime))


def unused_indexes(connection: Connection, server: Server) -> list[tuple[str, str]] | None:
    """(table, index) of this database that were not used since the server's start or the table's first use.

    None if the server does not say: performance_schema is off, or the user may not read it. Unique indexes are left
    out, for they serve when rows are written.
    """
    from sqlalchemy.exc import DBAPIError

    if not server.watches:
        return None
    try:
        found = rows(
            connection,
            "SELECT w.object_name AS t, w.index_name AS i "
            "FROM performance_schema.table_io_waits_summary_by_index_usage AS w "
            "JOIN information_schema.statistics AS s ON s.table_schema = w.object_schema "
            "AND s.table_name = w.object_name AND s.index_name = w.index_name AND s.seq_in_index = 1 "
            "WHERE w.object_schema = DATABASE() AND s.non_unique = 1 AND w.count_star = 0 ORDER BY 1, 2",
        )
    except DBAPIError as error:
        if mysql_engine.number(error) not in REFUSED:
            raise
        return None
    return [(row["t"], row["i"]) for row in found]


def _text(cell: Any) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else "" if cell is None else str(cell)
