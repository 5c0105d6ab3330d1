"""What benchmarks need of a MySQL or MariaDB server beside a store: scratch schemas, its clock, what it can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from workbench.bench.scratch import check
from workbench.metrics import mysql_engine, mysql_schema

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from workbench.metrics.mysql import MySQLStore
    from workbench.metrics.mysql_monitor import ServerFacts

_SETTINGS: Final = (
    "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit", "sync_binlog", "log_bin", "innodb_doublewrite",
    "performance_schema", "max_connections", "tmp_table_size",
)  # fmt: skip
_PICOSECOND: Final = 1e-12
_STATEMENTS: Final = 10
_ENTRIES: Final = 5


class MySQLServer:
    """One server. Every name that it makes or drops is checked to be a benchmark's own."""

    def __init__(self, connect: mysql_engine.Connect) -> None:
        self._connect = _in_database(connect, "information_schema")  # never the user's own

    @property
    def most_connections(self) -> int:
        """Connections that a store's pool for reading may have open."""
        return self._connect.pool_size + self._connect.pool_overflow

    def in_schema(self, name: str) -> mysql_engine.Connect:
        """How to reach a scratch schema."""
        return _in_database(self._connect, check(name))

    def create(self, name: str) -> None:
        """Make a scratch schema with the tables of the workbench."""
        with self._connected() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE `{check(name)}`")
        mysql_schema.migrate(self.in_schema(name))

    def drop(self, name: str) -> None:
        """Remove a scratch schema, if it is there.

        Raises:
            StoreError: the server cannot be reached, or refuses.
        """
        with self._connected() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS `{check(name)}`")

    def store(self, name: str, stack: ExitStack) -> MySQLStore:
        """A store in a scratch schema, closed when the stack ends."""
        made = self.opened(name)
        stack.callback(made.close)
        return made

    def opened(self, name: str) -> MySQLStore:
        """A new store object in a scratch schema; nothing is connected yet, and the caller closes it."""
        from workbench.metrics.mysql import MySQLStore

        return MySQLStore(self.in_schema(name))

    def run(self, name: str, *statements: str) -> None:
        """Run statements inside a scratch schema."""
        with self._connected(self.in_schema(name)) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Rows of a statement about the server itself, as text."""
        with self._connected() as connection:
            result = connection.exec_driver_sql(sql, values or None)
            names = [name.lower() for name in result.keys()]  # noqa: SIM118 - not a mapping
            return [dict(zip(names, map(_plain, row), strict=True)) for row in result.cursor.fetchall()]

    def clock(self, name: str, stack: ExitStack) -> Callable[[], float] | None:
        """The seconds that the server spent on statements of a schema; None where it does not count them."""
        sql = (
            "SELECT COALESCE(SUM(SUM_TIMER_WAIT), 0) AS spent "
            "FROM performance_schema.events_statements_summary_by_digest WHERE SCHEMA_NAME = %s"
        )
        connection = stack.enter_context(self._connected())

        def spent() -> float:
            return float(connection.exec_driver_sql(sql, (check(name),)).scalar() or 0) * _PICOSECOND

        try:
            return spent if self._counts_statements() and spent() > 0 else None
        except Exception:
            return None

    def _counts_statements(self) -> bool:
        return self.settings().get("performance_schema") in ("ON", "1")

    def settings(self) -> dict[str, str]:
        """The settings that speed depends on most."""
        marks = ", ".join(["%s"] * len(_SETTINGS))
        found = self.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({marks})", *_SETTINGS)
        return {row["variable_name"]: row["value"] for row in found}

    def evidence(self, name: str) -> dict[str, Any]:
        """What the server can tell about a schema: costly statements, unused indexes, sizes, the slow log."""
        from workbench.metrics.mysql_monitor import monitor

        facts = monitor(self.in_schema(name), limit=10 * _STATEMENTS)
        return {
            "digests": [asdict(digest) for digest in facts.digests or () if _is_question(digest.statement)][
                :_STATEMENTS
            ],
            "unused_indexes": None if facts.unused is None else [f"{one.table}.{one.index}" for one in facts.unused],
            "sizes": [asdict(table) for table in facts.sizes],
            "slow_log": _slow_log(facts),
            "notes": list(facts.notes),
        }

    @contextmanager
    def _connected(self, connect: mysql_engine.Connect | None = None) -> Iterator[Connection]:
        made = mysql_engine.engine(connect or self._connect, writes=True)
        with mysql_engine.plainly("The benchmark", mysql_engine.place(made.url)):
            try:
                with made.connect() as connection:
                    yield connection
            finally:
                made.dispose()


def _in_database(connect: mysql_engine.Connect, name: str) -> mysql_engine.Connect:
    return replace(connect, url=mysql_engine.parse(connect).set(database=name).render_as_string(hide_password=False))


def copy_without(server: MySQLServer, source: str, target: str, indexes: Sequence[str]) -> None:
    """Fill a scratch schema with the rows of another, and take indexes of the fact table away."""
    tables = ("dora_metrics", "features", "imports")
    drops = [f"ALTER TABLE dora_metrics {', '.join(f'DROP INDEX {index}' for index in indexes)}"] if indexes else []
    copies = [f"INSERT INTO {table} SELECT * FROM `{check(source)}`.{table}" for table in tables]  # noqa: S608 - own names
    server.run(target, *drops, *copies, "ANALYZE TABLE dora_metrics")


def _slow_log(facts: ServerFacts) -> dict[str, Any] | str:
    """How many statements were too slow, and the slowest; or why that is not known."""
    if not facts.slow_log.on:
        return "The slow log is off: switch it on with workbench monitor mysql --slow-log 1."
    if facts.slowest is None:
        return next((note for note in facts.notes if "slow query log" in note), "The server does not show it.")
    found = [one for one in facts.slowest if _is_question(one.statement)]
    kept = ("name", "statement", "seconds", "rows_examined", "rows_sent")
    entries = [{name: getattr(one, name) for name in kept} for one in found[:_ENTRIES]]
    return {"slow": len(found), "limit": facts.slow_log.seconds, "entries": entries}


def _is_question(statement: str) -> bool:
    """Whether it reads for somebody: not the benchmark's own tables, loads, plans and waits."""
    return statement.startswith(("SELECT", "WITH", "(")) and "SLEEP" not in statement


def _plain(cell: Any) -> Any:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell
