"""What is wrong with a MySQL or MariaDB database and our way to it, and what to run about it.

Findings are plain values; nothing here raises for what it finds, and no finding holds a password.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from workbench.errors import WorkbenchError
from workbench.metrics import mysql, mysql_engine, mysql_schema
from workbench.metrics.mysql_server import OLDEST, REFUSED, Row, Server, look, rows, unused_indexes

if TYPE_CHECKING:
    from sqlalchemy import Connection

INDEXES: Final[Mapping[tuple[str, str], str]] = {
    ("dora_metrics", "dora_metrics_fact"): "project,cycle_id,feature_id,phase_name",
    ("dora_metrics", "dora_metrics_window"): (
        "project,phase_name,created_at,decision,cycle_id,feature_id,duration_seconds,charged_to,link_rule,fixed_by"
    ),
    ("dora_metrics", "dora_metrics_charged"): "project,charged_to,phase_name,link_rule",
    ("dora_metrics", "dora_metrics_fixed"): "project,fixed_by,phase_name,link_rule",
    ("dora_metrics", "dora_metrics_phase"): "phase_name",
    ("dora_metrics", "dora_metrics_feature"): "feature_id",
    ("dora_metrics", "dora_metrics_created"): "created_at",
    ("features", "features_name"): "project,feature_id,source",
    ("imports", "imports_project"): "project,source",
}
"""(table, index) -> its columns, as migrations/ makes them."""
UNIQUE: Final = frozenset({"dora_metrics_fact", "features_name"})

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "reader": ("SELECT",),
    "loader": ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE TEMPORARY TABLES"),
    "migrator": ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES"),
}
"""What each kind of user needs (docs/mysql.md)."""
_DAY: Final = 86_400
_BEHIND: Final = 60
"""Seconds by which a replica may be behind before that is worth a word."""


class Finding(NamedTuple):
    """What was looked at, how it is, and what to run about it."""

    name: str
    state: Literal["ok", "note", "problem"]
    detail: str
    remedy: str = ""


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
    yield _privileges(connection, server, who)
    yield from _session(connection, server)
    yield from _limits(connection, server, connect)
    if ours:
        yield from _indexes(connection, server)


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


# -- who may what ------------------------------------------------------------------------------------------------------


def _privileges(connection: Connection, server: Server, who: str) -> Finding:
    database = rows(connection, "SELECT DATABASE() AS name")[0]["name"]
    held = granted(_grants(connection, server), database)
    able = [role for role, needed in ROLES.items() if held >= set(needed)]
    does = {"reader": "read", "loader": "import", "migrator": "migrate"}
    detail = f"{who} may {', '.join(does[role] for role in able) or 'not even read'}"
    lacking = [name for name in ROLES["loader"] if name not in held]
    # a user of one kind is as it should be; one that has more than a reader and can do no more is a mistake
    partly = bool(held & {"INSERT", "UPDATE", "DELETE"}) and not {"loader", "migrator"} & set(able)
    if able and not partly:
        return Finding("MySQL privileges", "ok", detail)
    user, _, host = who.rpartition("@")
    grant = f"GRANT {', '.join(lacking)} ON `{database}`.* TO '{user}'@'{host}'; -- docs/mysql.md has all three kinds"
    return Finding("MySQL privileges", "note" if able else "problem", f"{detail}; lacks {', '.join(lacking)}", grant)


def _grants(connection: Connection, server: Server) -> list[str]:
    """SHOW GRANTS with what active roles add, which MySQL lists only where the roles are named."""
    text = "SHOW GRANTS"
    if not server.mariadb and (roles := rows(connection, "SELECT CURRENT_ROLE() AS r")[0]["r"]) != "NONE":
        text = f"SHOW GRANTS FOR CURRENT_USER() USING {roles.replace('%', '%%')}"
    return [line for row in rows(connection, text) for line in row.values()]


def granted(grants: Iterable[str], database: str) -> set[str]:
    """Privileges on a whole database, out of the lines of SHOW GRANTS.

    What is granted on single tables counts if it is granted on each table of the workbench.
    """
    whole: set[str] = set()
    single: dict[str, set[str]] = {table: set() for table in mysql_schema.TABLES}
    for text in grants:
        found = re.match(r"GRANT (.+?) ON (?:TABLE )?(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) TO ", text)
        if not found or not _covers(found[2], database):
            continue
        names = {re.sub(r"\s*\(.*", "", name.strip()) for name in found[1].split(",") if "(" not in name}
        names = set().union(*ROLES.values()) if names & {"ALL PRIVILEGES", "ALL"} else names
        table = found[3].strip("`")
        if table == "*":
            whole |= names
        elif table in single:
            single[table] |= names
    return whole | set.intersection(*single.values())


def _covers(pattern: str, database: str) -> bool:
    """Whether the database of a grant, in which ``_`` and ``%`` are wildcards, is this one."""
    if pattern == "*":
        return True
    name = pattern[1:-1].replace("``", "`")
    parts = re.findall(r"\\.|.", name, re.S)
    wild = {"%": ".*", "_": "."}
    return bool(re.fullmatch("".join(wild.get(part) or re.escape(part[-1]) for part in parts), database, re.S))


# -- sessions ----------------------------------------------------------------------------------------------------------


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


# -- indexes -----------------------------------------------------------------------------------------------------------


def _indexes(connection: Connection, server: Server) -> Iterator[Finding]:
    there = _there(connection, server)
    tables = {table for table, _ in there}
    missing = [key for key, columns in INDEXES.items() if key[0] in tables and _columns(there, key) != columns]
    for table, name in missing:
        kind = "UNIQUE INDEX" if name in UNIQUE else "INDEX"
        drop = f"DROP INDEX {name}, " if (table, name) in there else ""
        what = f"{table} lacks the index {name}." if not drop else f"The index {name} of {table} has other columns."
        columns = INDEXES[table, name].replace(",", ", ")
        yield Finding("MySQL index", "problem", what, f"ALTER TABLE {table} {drop}ADD {kind} {name} ({columns});")
    hidden = [key for key in INDEXES if key in there and there[key]["used"] != "YES"]
    for table, name in hidden:
        seen = "NOT IGNORED" if server.mariadb else "VISIBLE"
        what = f"The optimiser is told not to use the index {name} of {table}."
        yield Finding("MySQL index", "problem", what, f"ALTER TABLE {table} ALTER INDEX {name} {seen};")
    if tables and not missing and not hidden:
        yield Finding("MySQL indexes", "ok", f"all {len(INDEXES)} there")
    yield from _unused(connection, server, there)


def _there(connection: Connection, server: Server) -> dict[tuple[str, str], Row]:
    used = "IF(MAX(ignored) = 'YES', 'NO', 'YES')" if server.mariadb else "MAX(is_visible)"
    marks = ", ".join(["%s"] * len(mysql_schema.TABLES))
    found = rows(
        connection,
        "SELECT table_name AS t, index_name AS i, GROUP_CONCAT(column_name ORDER BY seq_in_index) AS c, "  # noqa: S608
        f"{used} AS used FROM information_schema.statistics "
        f"WHERE table_schema = DATABASE() AND table_name IN ({marks}) GROUP BY table_name, index_name",
        mysql_schema.TABLES,
    )
    return {(row["t"], row["i"]): row for row in found}


def _columns(there: Mapping[tuple[str, str], Row], key: tuple[str, str]) -> str:
    return there[key]["c"] if key in there else ""


def _unused(connection: Connection, server: Server, there: Mapping[tuple[str, str], Row]) -> Iterator[Finding]:
    found = unused_indexes(connection, server)
    if found is None:
        why = "performance_schema is off" if not server.watches else "this user may not read performance_schema"
        yield Finding("MySQL unused indexes", "ok", f"not known: {why}")
        return
    own = [name for table, name in found if (table, name) in INDEXES]
    foreign = [key for key in found if key in there and key not in INDEXES]
    since = f"since the server's start {server.uptime / 3600:.1f} h ago"
    yield Finding("MySQL unused indexes", "ok", f"{since}: {', '.join(own) or 'none of ours'}")
    old = server.uptime > _DAY
    if old and "dora_metrics_window" in own:
        what = f"No question used dora_metrics_window {since}."
        yield Finding("MySQL index", "note", what, "If questions were asked: ANALYZE TABLE dora_metrics;")
    for table, name in foreign if old else ():
        what = f"The index {name} of {table} is not ours, and was not used {since}."
        yield Finding("MySQL index", "note", what, f"ALTER TABLE {table} DROP INDEX {name}; -- if nobody needs it")


def _yes(value: str) -> str:
    return "yes" if value in ("1", "ON") else "no"
