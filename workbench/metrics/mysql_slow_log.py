"""The server's slow query log: its state, how it is switched on, and its slowest entries without anybody's values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from workbench.metrics import mysql_engine
from workbench.metrics.mysql_server import REFUSED, Server, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

_READ: Final = 4_000
"""Bytes of an entry's statement that are read: an import's may have megabytes."""
_NAME: Final = re.compile(r"/\* workbench:([\w.-]+) \*/")
_COMMENT: Final = r"/\*.*?(?:\*/|\Z)|--(?=\s|\Z)[^\n]*|\#[^\n]*"
_IDENTIFIER: Final = r"`(?:[^`]|``)*(?:`|\Z)"
_TEXT: Final = r"""(?:\b[nxb])?'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z)"""
_NUMBER: Final = r"\b0x[0-9a-f]+\b|\b0b[01]+\b|(?<![\w$@])(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_PART: Final = re.compile(f"({_COMMENT})|({_IDENTIFIER})|{_TEXT}|{_NUMBER}", re.IGNORECASE | re.DOTALL)
_LIST: Final = re.compile(r"\?(?:\s*,\s*\?)+")


@dataclass(frozen=True, slots=True)
class SlowLog:
    """State of the slow query log; ``wanted`` is the SQL for a DBA where this user may not switch it on."""

    on: bool
    seconds: float
    """Statements that take longer are logged (of sessions that begin after a change)."""
    output: str
    """FILE, TABLE (mysql.slow_log), both, or NONE."""
    file: str
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """One run of a statement that the log holds."""

    name: str
    """The file of queries/ that it comes from, '' if it is none of ours."""
    statement: str
    """Its text with ? for every value, without comments: values of other users are none of the reader's business."""
    ended: datetime
    seconds: float
    rows_examined: int
    rows_sent: int


def state(connection: Connection, wanted: str = "") -> SlowLog:
    """Whether the log is on, from what time on, and where it goes."""
    found = rows(
        connection,
        "SELECT @@GLOBAL.slow_query_log AS state, @@GLOBAL.long_query_time AS seconds, @@GLOBAL.log_output AS place, "
        "@@GLOBAL.slow_query_log_file AS file",
    )[0]
    return SlowLog(found["state"] == "1", float(found["seconds"]), found["place"], found["file"], wanted)


def switch_on(connection: Connection, server: Server, seconds: float) -> str:
    """Switch the slow query log on; where this user may not, the SQL for somebody who may."""
    from sqlalchemy.exc import DBAPIError

    values = {"long_query_time": f"{seconds:.6f}", "slow_query_log": "ON"}
    try:
        for name, value in values.items():
            connection.exec_driver_sql(f"SET GLOBAL {name} = {value}")
    except DBAPIError as error:
        if mysql_engine.number(error) not in REFUSED:
            raise
        kind = "GLOBAL" if server.mariadb else "PERSIST"
        return " ".join(f"SET {kind} {name} = {value};" for name, value in values.items())
    return ""


def slowest(connection: Connection, log: SlowLog, limit: int) -> tuple[tuple[SlowQuery, ...] | None, str]:
    """The entries of this database that took longest; None where they cannot be read, and then what to do."""
    from sqlalchemy.exc import DBAPIError

    if "TABLE" not in log.output:
        if not log.on:
            return None, ""
        return None, f"they go to {log.output}; to read them here, a DBA runs: SET GLOBAL log_output = 'TABLE,FILE';"
    try:
        found = rows(
            connection,
            # MariaDB's TIME_TO_SEC has a fraction, MySQL's has none
            "SELECT start_time AS ended, FLOOR(TIME_TO_SEC(query_time)) + MICROSECOND(query_time) / 1e6 AS seconds, "  # noqa: S608
            f"rows_examined AS examined, rows_sent AS sent, LEFT(sql_text, {_READ}) AS statement "
            "FROM mysql.slow_log WHERE db = DATABASE() ORDER BY query_time DESC, start_time DESC LIMIT %s",
            (limit,),
        )
    except DBAPIError as error:
        number = mysql_engine.number(error)
        if number in REFUSED:
            return None, "this user may not read them; ask a DBA for: GRANT SELECT ON mysql.slow_log TO this user."
        if number in mysql_engine.TOO_LONG:
            return None, "there are too many to be searched in time; a DBA empties them: TRUNCATE TABLE mysql.slow_log;"
        raise
    return tuple(_entry(**row) for row in found), ""


def _entry(ended: str, seconds: str, examined: str, sent: str, statement: str) -> SlowQuery:
    return SlowQuery(
        name=query_name(statement),
        statement=without_values(statement),
        ended=datetime.fromisoformat(ended).replace(tzinfo=UTC),
        seconds=float(seconds),
        rows_examined=int(examined),
        rows_sent=int(sent),
    )


def query_name(statement: str) -> str:
    """The file of queries/ that a statement comes from, as its comment says; '' if there is none."""
    found = _NAME.match(statement)
    return found[1] if found else ""


def without_values(statement: str) -> str:
    """A statement, perhaps cut off, with ? for each value, without comments, on one line.

    What a backslash means in a text depends on the session that sent it. So of a statement that has one, only what
    comes before its first text is given.
    """
    if "\\" in statement:
        statement = re.split("['\"]", statement, maxsplit=1)[0] + "…"
    masked = _PART.sub(lambda part: " " if part[1] else part[2] or "?", statement)
    return _LIST.sub("?, …", " ".join(masked.split()))
