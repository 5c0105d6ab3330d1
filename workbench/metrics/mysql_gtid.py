"""How far a server is, by global transaction ids, and how far a replica is behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import Connection

_POSITION: Final = {False: "SELECT @@GLOBAL.gtid_executed", True: "SELECT @@GLOBAL.gtid_binlog_pos"}
_WAIT: Final = {  # both give 0 once it is there; by MariaDB's -1 and MySQL's 1 the time is up
    False: "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)",
    True: "SELECT MASTER_GTID_WAIT(%s, %s)",
}
_BEHIND: Final = {False: "Seconds_Behind_Source", True: "Seconds_Behind_Master"}
_MAY_NOT: Final = 1227


def position(connection: Connection) -> str:
    """What a primary has committed so far; '' if it keeps no transaction ids."""
    found = connection.exec_driver_sql(_POSITION[_is_mariadb(connection)]).scalar()
    return _text(found).replace("\n", "")


def reaches(connection: Connection, wanted: str, seconds: float) -> bool:
    """Whether a replica has applied all of that, or does within so many seconds."""
    return int(_text(connection.exec_driver_sql(_WAIT[_is_mariadb(connection)], (wanted, seconds)).scalar())) == 0


def lag(connection: Connection) -> float | None:
    """Seconds a replica is behind, as it says itself; None where it does not know, follows nobody, or may not say."""
    from sqlalchemy.exc import DBAPIError

    from workbench.metrics import mysql_engine

    try:
        result = connection.exec_driver_sql("SHOW REPLICA STATUS")
    except DBAPIError as error:
        if mysql_engine.number(error) != _MAY_NOT:
            raise
        return None
    names, rows = list(result.keys()), result.cursor.fetchall()
    values = [row[names.index(_BEHIND[_is_mariadb(connection)])] for row in rows]  # one a channel
    return max(float(_text(value)) for value in values) if values and None not in values else None


def _is_mariadb(connection: Connection) -> bool:
    return bool(connection.dialect.is_mariadb)  # type: ignore[attr-defined]


def _text(cell: object) -> str:
    return cell.decode() if isinstance(cell, bytes) else "" if cell is None else str(cell)
