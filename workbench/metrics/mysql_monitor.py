"""The server's own view: its slow query log, what its statements cost, indexes nobody used, sizes of tables.

Everything is about one database. What the server does not tell is None, and ``notes`` say why and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ParameterError
from workbench.metrics import mysql_engine, mysql_schema, mysql_slow_log
from workbench.metrics.mysql_server import REFUSED, Server, look, rows, unused_indexes
from workbench.metrics.mysql_slow_log import SlowLog, SlowQuery, query_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PICOSECONDS: Final = 10**12
_TEXT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Digest:
    """All runs of one statement, whatever its values, since the server's start or the last reset; times in seconds."""

    name: str
    """The file of queries/ that it comes from, '' if the server does not keep a sample or it is none of ours."""
    statement: str
    runs: int
    seconds: float
    mean_seconds: float
    rows_examined: int
    rows_sent: int
    without_index: int
    """Runs that read something from end to end; their own temporary tables count, too."""


@dataclass(frozen=True, slots=True)
class UnusedIndex:
    """An index that nothing used since the server's start."""

    table: str
    index: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the number of rows is the server's estimate, sizes are in bytes."""

    table: str
    rows: int
    data_bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself and of one database."""

    server: str
    location: str
    uptime_seconds: int
    slow_log: SlowLog
    slowest: tuple[SlowQuery, ...] | None
    digests: tuple[Digest, ...] | None
    unused: tuple[UnusedIndex, ...] | None
    sizes: tuple[Table, ...]
    notes: tuple[str, ...]


def monitor(connect: mysql_engine.Connect, *, slow_log: float | None = None, limit: int = 20) -> ServerFacts:
    """Ask the server for its view.

    Args:
        connect: how to reach it.
        slow_log: first switch the slow query log on, for statements that take longer than this many seconds.
        limit: how many statements to list.

    Raises:
        ParameterError: slow_log or limit make no sense.
        StoreError: the server cannot be reached.
    """
    if slow_log is not None and not 0 <= slow_log <= 31_536_000:
        raise ParameterError("The slow query log needs a time from 0 s to a year.", "Write --slow-log 1.")
    if limit < 1:
        raise ParameterError("At least one statement has to be listed.", "Write --limit 20.")
    engine = mysql_engine.engine(connect, writes=False)
    try:
        where = mysql_engine.place(engine.url)
        with mysql_engine.plainly("A look at the server", where), engine.connect() as connection:
            return _look(connection, where, slow_log, limit)
    finally:
        engine.dispose()


def _look(connection: Connection, where: str, seconds: float | None, limit: int) -> ServerFacts:
    server = look(connection)
    wanted = "" if seconds is None else mysql_slow_log.switch_on(connection, server, seconds)
    digests, unused = _digests(connection, server, limit), unused_indexes(connection, server)
    log = mysql_slow_log.state(connection, wanted)
    slowest, why = mysql_slow_log.slowest(connection, log, limit)
    notes = [f"Entries of the slow query log: {why}"] if why else []
    if digests is None or unused is None:
        notes.append(_why(server))
    elif server.mariadb:
        notes.append("MariaDB keeps no sample of a statement, so statements are without the names of their files.")
    return ServerFacts(
        server=f"{server.name} {server.version}",
        location=where,
        uptime_seconds=server.uptime,
        slow_log=log,
        slowest=slowest,
        digests=digests,
        unused=None if unused is None else tuple(UnusedIndex(*pair) for pair in unused),
        sizes=_tables(connection, server),
        notes=tuple(notes),
    )


def _why(server: Server) -> str:
    if server.watches:
        remedy = "ask a DBA for: GRANT SELECT ON performance_schema.* TO this user."
        return f"Statements and unused indexes: this user may not read performance_schema; {remedy}"
    remedy = "add performance_schema = ON to the server's configuration and restart it."
    return f"Statements and unused indexes: performance_schema is off (on MariaDB that is usual); {remedy}"


def _digests(connection: Connection, server: Server, limit: int) -> tuple[Digest, ...] | None:
    from sqlalchemy.exc import DBAPIError

    if not server.watches:
        return None
    sample = "''" if server.mariadb else "query_sample_text"
    try:
        found = rows(
            connection,
            f"SELECT {sample} AS sample, digest_text AS statement, count_star AS runs, sum_timer_wait AS total, "  # noqa: S608
            "sum_rows_examined AS examined, sum_rows_sent AS sent, sum_no_index_used AS without_index "
            "FROM performance_schema.events_statements_summary_by_digest "
            "WHERE schema_name = DATABASE() AND digest_text IS NOT NULL ORDER BY sum_timer_wait DESC LIMIT %s",
            (limit,),
        )
    except DBAPIError as error:
        if mysql_engine.number(error) not in REFUSED:
            raise
        return None
    return tuple(_digest(row) for row in found)


def _digest(row: Any) -> Digest:
    runs, seconds = int(row["runs"]), int(row["total"]) / _PICOSECONDS
    return Digest(
        name=query_name(row["sample"]),
        statement=row["statement"][:_TEXT],
        runs=runs,
        seconds=seconds,
        mean_seconds=seconds / runs,
        rows_examined=int(row["examined"]),
        rows_sent=int(row["sent"]),
        without_index=int(row["without_index"]),
    )


def _tables(connection: Connection, server: Server) -> tuple[Table, ...]:
    if not server.mariadb:  # else MySQL gives figures that are up to a day old
        connection.exec_driver_sql("SET SESSION information_schema_stats_expiry = 0")
    marks = ", ".join(["%s"] * len(mysql_schema.TABLES))
    found = rows(
        connection,
        "SELECT table_name AS t, table_rows AS n, data_length AS data, index_length AS indexes "  # noqa: S608
        f"FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN ({marks}) "
        "ORDER BY data_length + index_length DESC, table_name",
        mysql_schema.TABLES,
    )
    return tuple(Table(row["t"], *(int(row[name] or 0) for name in ("n", "data", "indexes"))) for row in found)
