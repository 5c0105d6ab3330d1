"""The indexes of the workbench's tables, as migrations/ makes them, and what is wrong with those of a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from workbench.metrics import mysql_schema
from workbench.metrics.mysql_server import Finding, Row, Server, rows, unused_indexes

if TYPE_CHECKING:
    from sqlalchemy import Connection

INDEXES: Final[Mapping[tuple[str, str], str]] = {
    ("dora_metrics", "dora_metrics_fact"): "project,cycle_id,feature_id,phase_name",
    ("dora_metrics", "dora_metrics_window"): (
        "project,phase_name,created_at,decision,cycle_id,feature_id,duration_seconds,charged_to,link_rule,fixed_by"
    ),
    ("dora_metrics", "dora_metrics_phase"): "phase_name",
    ("dora_metrics", "dora_metrics_feature"): "feature_id",
    ("dora_metrics", "dora_metrics_created"): "created_at",
    ("features", "features_name"): "project,feature_id,source",
    ("imports", "imports_project"): "project,source",
}
"""(table, index) -> its columns."""
UNIQUE: Final = frozenset({"dora_metrics_fact", "features_name"})

_DAY: Final = 86_400


def examine(connection: Connection, server: Server) -> Iterator[Finding]:
    """Missing, changed and hidden indexes with what heals them, and those that nobody uses."""
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
