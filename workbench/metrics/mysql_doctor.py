"""What is wrong with a MySQL or MariaDB database and our way to it, and what to run about it.

Findings are plain values; nothing here raises for what it finds, and no finding holds a password.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from workbench.errors import WorkbenchError
from workbench.metrics import mysql, mysql_engine, mysql_indexes, mysql_privileges, mysql_schema
from workbench.metrics.mysql_server import OLDEST, REFUSED, Finding, Server, look, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BEHIND: Final = 60
"""Seconds by which a replica may be behind before that is worth a word."""


def examine(connect: mysql_engine.Connect, *, ours: bool = True) -> list[Finding]:
    """Look at the server, its schema, this user, our sessions and our pool.

    Args:
        ours: whether the tables are the workbench's own; those of another application are only read.
    """
    found: list[Finding] = []
    try:
        store = mysql.MySQLStore(connect)
        try:
            where = mysql_engine.place(mysql_engine.parse(connect))
            with mysql_engine.plainly("Connecting", where), store.reader.connect() as connection:
                for finding in _examine(connection, connect, where, ours):
                    found.append(finding)  # noqa: PERF402 - what was found before a failure stays
            if ours:
                with mysql_engine.plainly("A trial load", where):
                    found.append(_local_infile(store))
            found.append(_pool(store, connect))
        finally:
            store.close()
    except WorkbenchError as error:
        found.append(Finding("MySQL connection", "problem", error.what, error.remedy))
    return found


def replica(connect: mysql_engine.Connect) -> Finding:
    """How the read replica is; whatever is wrong with it, the primary answers in its place."""
    store = mysql.MySQLStore(connect)
    try:
        behind = store.lag()
    except WorkbenchError as error:
        return Finding("MySQL replica", "note", f"{error.what} The primary answers meanwhile.", error.remedy)
    finally:
        store.close()
    if behind is None:
        what = f"{store.place}: how far it is behind is not known; it stands still, or this user may not ask."
        remedy = "SHOW REPLICA STATUS; -- on it. The privilege to ask is in docs/mysql.md"
        return Finding("MySQL replica", "note", what, remedy)
    what = f"{store.place}, {behind:g} s behind"
    if behind <= _BEHIND:
        return Finding("MySQL replica", "ok", what)
    return Finding("MySQL replica", "note", what, "SHOW REPLICA STATUS; -- on it says what it is busy with")


def _examine(connection: Connection, connect: mysql_engine.Connect, where: str, ours: bool) -> Iterator[Finding]:
    server = look(connection)
    who = rows(connection, "SELECT CURRENT_USER() AS user")[0]["user"]
    cipher = rows(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0]["value"]
    yield Finding("MySQL connection", "ok", f"{where} as {who}, {f'TLS {cipher}' if cipher else 'not encrypted'}")
    yield _version(server)
    if ours:
        yield _schema(connection)
    yield mysql_privileges.examine(connection, server, who)
    yield from _session(connection, server)
    yield from _limits(connection, server, connect)
    if ours:
        yield from mysql_indexes.examine(connection, server)


def _version(server: Server) -> Finding:
    what = f"{server.name} {server.version}"
    if server.supported:
        return Finding("MySQL version", "ok", what)
    oldest = ".".join(map(str, OLDEST[server.mariadb]))
    return Finding("MySQL version", "problem", f"{what} is too old.", f"Upgrade the server to {oldest} or later.")


def _schema(connection: Connection) -> Finding:
    found = mysql_schema.current(connection)
    if found == mysql.REVISION:
        return Finding("MySQL schema", "ok", f"revision {found}")
    if found > mysql.REVISION:
        what = f"revision {found} is of a newer workbench; this one knows {mysql.REVISION}."
        return Finding("MySQL schema", "problem", what, "Upgrade dora-workbench.")
    what = f"revision {found}, and {mysql.REVISION} is needed." if found else "There are no tables of the workbench."
    return Finding("MySQL schema", "problem", what, "Run: workbench migrate (or --sql for a DBA).")


def _session(connection: Connection, server: Server) -> Iterator[Finding]:
    isolation = "tx_isolation" if server.mariadb else "transaction_isolation"
    read_only = "tx_read_only" if server.mariadb else "transaction_read_only"
    found = rows(
        connection,
        f"SELECT @@SESSION.time_zone AS zone, @@SESSION.sql_mode AS mode, @@SESSION.{isolation} AS isolation, "
        f"@@SESSION.{read_only} AS read_only, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) AS off",
    )[0]
    utc = found["off"] == "0"
    yield Finding(
        "MySQL time zone",
        "ok" if utc else "problem",
        f"sessions are in {found['zone']}, whatever the server's own zone is",
        "" if utc else "Report this: every session should be set to UTC.",
    )
    if found["isolation"] == "REPEATABLE-READ":
        yield Finding("MySQL isolation", "ok", f"{found['isolation']}, reads only: {_yes(found['read_only'])}")
    else:
        yield Finding(
            "MySQL isolation",
            "problem",
            f"{found['isolation']}: an import that runs meanwhile may be seen half.",
            f"SET GLOBAL {isolation} = 'REPEATABLE-READ'; -- and in the server's configuration",
        )
    strict = "STRICT_TRANS_TABLES" in found["mode"]
    yield Finding(
        "MySQL sql_mode",
        "ok" if strict else "problem",
        "strict" if strict else f"{found['mode'] or 'empty'}: values that do not fit are cut.",
        "" if strict else "Report this: every session should be strict.",
    )


def _limits(connection: Connection, server: Server, connect: mysql_engine.Connect) -> Iterator[Finding]:
    name, unit = ("max_statement_time", 1.0) if server.mariadb else ("max_execution_time", 1000.0)
    found = rows(
        connection,
        f"SELECT @@SESSION.{name} AS own, @@GLOBAL.wait_timeout AS idle, @@GLOBAL.max_connections AS most",
    )[0]
    limit = float(found["own"]) / unit
    late = limit >= connect.read_timeout
    yield Finding(
        "MySQL time limit",
        "note" if late else "ok",
        f"a question may take {limit:g} s, the network waits {connect.read_timeout} s",
        f"Set WORKBENCH_READ_TIMEOUT_SECONDS above {limit:g}: now the client gives up before the server does."
        if late
        else "",
    )
    if connect.pool_recycle >= int(found["idle"]):
        what = f"The server closes idle connections after {found['idle']} s, the pool replaces them later."
        remedy = f"Set WORKBENCH_POOL_RECYCLE_SECONDS below {found['idle']}."
        yield Finding("MySQL idle time", "note", what, remedy)
    if connect.pool_size + connect.pool_overflow > int(found["most"]):
        what = f"The pool may want {connect.pool_size + connect.pool_overflow} connections; the server has "
        remedy = "Lower WORKBENCH_POOL_SIZE or WORKBENCH_POOL_OVERFLOW, or raise max_connections."
        yield Finding("MySQL connections", "note", f"{what}{found['most']}.", remedy)


def _pool(store: mysql.MySQLStore, connect: mysql_engine.Connect) -> Finding:
    pool = store.reader.pool
    size, open_, used = (getattr(pool, name)() for name in ("size", "checkedin", "checkedout"))
    further = f"up to {size} stay open and {connect.pool_overflow} more are opened at need"
    detail = f"{open_ + used} open, {used} in use; {further}, each replaced after {connect.pool_recycle} s"
    return Finding("MySQL pool", "ok", detail)


def _local_infile(store: mysql.MySQLStore) -> Finding:
    """Load an empty file into a temporary table: only that tells what the server and the client's library allow."""
    from sqlalchemy.exc import DBAPIError

    with store.writer.connect() as connection, tempfile.NamedTemporaryFile(prefix="workbench-") as empty:
        server = rows(connection, "SELECT @@GLOBAL.local_infile AS allowed")[0]["allowed"] == "1"
        try:
            connection.exec_driver_sql("CREATE TEMPORARY TABLE workbench_trial (x INT)")
            connection.exec_driver_sql("LOAD DATA LOCAL INFILE %s INTO TABLE workbench_trial", (empty.name,))
        except DBAPIError as error:
            if mysql_engine.number(error) in REFUSED:
                return Finding("MySQL local_infile", "ok", "not tried: this user does not import")
            if mysql_engine.number(error) not in mysql_engine.NO_LOCAL_INFILE:
                raise
        else:
            return Finding("MySQL local_infile", "ok", "allowed by server and client")
        finally:
            connection.invalidate()  # the temporary table goes with its connection
    side = "The client's library" if server else "The server"
    remedy = "Build mysqlclient against a library that allows it." if server else "SET GLOBAL local_infile = 1;"
    what = f"{side} does not allow LOAD DATA LOCAL: imports take about twice as long."
    return Finding("MySQL local_infile", "note", what, remedy)


def _yes(value: str) -> str:
    return "yes" if value in ("1", "ON") else "no"
