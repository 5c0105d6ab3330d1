"""The metric store on a MySQL or MariaDB server. Implements MetricStore; safe to use from threads.

Readers have a pool of their own, whose sessions can only read; a lost connection is replaced and the question asked
once more, so that a server that was restarted between two questions goes unnoticed.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pyarrow as pa

from workbench.errors import StoreError
from workbench.metrics import mysql_engine, mysql_gtid
from workbench.metrics.mysql_load import Loader, Target, column_table, difference, retrying
from workbench.metrics.mysql_plan import explain
from workbench.metrics.protocol import State
from workbench.metrics.queries import Query, placeholders
from workbench.rows import FACT_KEY, FACTS, FEATURES, IMPORTS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from workbench.metrics.plan import Plan

T = TypeVar("T")

REVISION: Final = "0001"
"""The schema that this code reads and writes (migrations/)."""

TABLES: Final = {
    "facts": Target("dora_metrics", FACTS, FACT_KEY),
    "features": Target("features", FEATURES, ("project", "feature_id", "source")),
}
_IMPORTS: Final = Target("imports", IMPORTS, ())
_VERSION: Final = pa.schema([("version", pa.string())])
_LOCK_SECONDS: Final = 600
_CHUNK: Final = 50_000


class MySQLStore:
    """dora_metrics, features and imports in one database."""

    def __init__(self, connect: mysql_engine.Connect) -> None:
        self._connect = connect
        self.place = mysql_engine.place(mysql_engine.parse(connect))
        self._loader = Loader()
        self._held = threading.local()
        self._owners: dict[str, int] = {}
        """Of each lock that is held here, the id of the connection that has it."""
        self._checked = False

    @cached_property
    def reader(self) -> Engine:
        """The pool for questions."""
        return mysql_engine.engine(self._connect, writes=False)

    @cached_property
    def writer(self) -> Engine:
        """The pool for imports."""
        return mysql_engine.engine(self._connect, writes=True)

    def close(self) -> None:
        """Close idle connections; the store can still be used."""
        for name in ("reader", "writer"):
            if name in self.__dict__:
                self.__dict__[name].dispose()

    # -- reading -----------------------------------------------------------------------------------------------------

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question.

        Raises:
            ParameterError: parameters do not fit the query.
            StoreError: the server refused, cannot be reached, or the time limit was reached.
        """
        sql, values = query.bind(parameters)
        statement = f"/* workbench:{query.name} */ {driver_text(sql)}"
        schema = query.arrow_schema()
        return self._read(f"Query {query.name}", lambda connection: _fetch(connection, statement, values, schema))

    def projects(self) -> tuple[str, ...]:
        """Names of all stored projects, sorted."""
        sql = "SELECT project FROM imports UNION SELECT DISTINCT project FROM dora_metrics"
        schema = pa.schema([("project", pa.string())])
        return tuple(
            sorted(self._read("A look at the projects", lambda c: _fetch(c, sql, {}, schema))["project"].to_pylist())
        )

    def read(self, projects: Sequence[str]) -> State:
        """Everything stored of these projects (unknown ones add nothing), as of one moment."""
        names = sorted(set(projects))
        if not names:
            return State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
        with mysql_engine.plainly("Reading", self.place):
            if (held := self._holder()) is not None:  # what will be written next has to be compared with this server
                return _snapshot(held, names)
        return self._read("Reading", lambda connection: _snapshot(connection, names))

    def version(self) -> str:
        """A random text that every write of a workbench renews, from whatever machine it comes."""
        sql = "SELECT COALESCE(MAX(version), '') AS version FROM data_version"
        found: str = self._read("A look at the version", lambda c: _fetch(c, sql, {}, _VERSION))["version"][0].as_py()
        return found

    def explain(self, query: Query, parameters: Mapping[str, Any]) -> Plan:
        """Run one question again under EXPLAIN ANALYZE (MariaDB: ANALYZE FORMAT=JSON)."""
        sql, values = query.bind(parameters)
        text = driver_text(sql)
        return self._read(f"The plan of {query.name}", lambda connection: explain(connection, text, values))

    def reading(self) -> None:
        """One server is all there is."""

    def describe(self) -> Mapping[str, str]:
        """Kind and version of the server, and where it is, without user and password."""
        version = self._read("A look at the server", lambda c: _fetch(c, "SELECT VERSION()", {}, _VERSION))["version"][
            0
        ].as_py()
        return {"store": "MariaDB" if "MariaDB" in version else "MySQL", "location": self.place, "version": version}

    def position(self) -> str:
        """All transactions that this server has committed so far (GTID); '' if it keeps none."""
        return self._read("A look at the position", mysql_gtid.position, checked=False)

    def reaches(self, position: str, seconds: float) -> bool:
        """Whether this server, a replica, has another one's :meth:`position`, or gets there within so many seconds."""

        def wait(connection: Connection) -> bool:
            return mysql_gtid.reaches(connection, position, seconds)

        return self._read("Waiting for the replica", wait, checked=False)  # the schema may be among what is awaited

    def lag(self) -> float | None:
        """Seconds this server, a replica, is behind, as it says itself; None where it does not know or may not say."""
        return self._read("A look at the replication", mysql_gtid.lag, checked=False)

    def _read(self, what: str, action: Callable[[Connection], T], *, checked: bool = True) -> T:
        """Do something on a reading connection; once more, if that connection turns out to be gone.

        ``checked``: only where the schema is the one that this code reads.
        """
        from sqlalchemy.exc import DBAPIError

        with mysql_engine.plainly(what, self.place):
            for attempt in (1, 2):
                try:
                    with self.reader.connect() as connection:
                        try:
                            if checked:
                                self._check(connection)
                            return action(connection)
                        except DBAPIError as error:
                            if mysql_engine.number(error) in mysql_engine.LOST and not connection.invalidated:
                                connection.invalidate()
                            raise
                except DBAPIError as error:
                    if attempt == 2 or mysql_engine.number(error) not in mysql_engine.LOST:
                        raise
        raise AssertionError("unreachable")

    def _check(self, connection: Connection) -> None:
        """Refuse a schema of another version, before a statement fails in a way that only its author understands."""
        if self._checked:
            return
        from sqlalchemy.exc import DBAPIError

        try:
            found = connection.exec_driver_sql("SELECT version_num FROM workbench_schema").scalar() or ""
        except DBAPIError as error:
            if mysql_engine.number(error) != mysql_engine.NO_TABLE:
                raise
            found = ""
        if found < REVISION:
            state = f"has the schema {found}, and {REVISION} is needed" if found else "has no tables of the workbench"
            raise mysql_engine.ServerUnavailable(f"The database {self.place} {state}.", "Run: workbench migrate.")
        if found > REVISION:
            raise StoreError(f"The database {self.place} was set up by a newer workbench.", "Upgrade dora-workbench.")
        self._checked = True

    # -- writing -----------------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, projects: Sequence[str]) -> Iterator[None]:
        """Hold these projects for writing; another writer waits up to ten minutes, a reader never.

        The locks belong to a connection: if it is lost, so is the right to write. This thread writes on it; another
        thread, which writes on its own, makes sure before it commits.

        Raises:
            StoreError: another import holds one of them for longer.
        """
        names = [_lock_name(self.place, project) for project in sorted(set(projects))]
        with mysql_engine.plainly("Locking", self.place), self.writer.connect() as connection:
            self._check(connection)
            try:
                for name in names:
                    _acquire(connection, name)
                owner = int(connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar() or 0)
                connection.rollback()
            except BaseException:
                connection.invalidate()  # the server lets go of every lock of a closed connection
                raise
            self._held.connection = connection
            self._owners |= dict.fromkeys(names, owner)
            try:
                yield
            finally:
                self._held.connection = None
                for name in names:
                    del self._owners[name]
                _release(connection, names)

    def write(self, project: str, old: State, new: State) -> None:
        """Replace one project's rows in one transaction, touching only those that differ.

        Raises:
            StoreError: the server refused or went away; the old rows stay.
        """
        with mysql_engine.plainly(f"Writing project {project!r}", self.place):
            if (held := self._holder()) is not None:
                return retrying(lambda: self._write(held, project, old, new))
            with self.writer.connect() as connection:
                self._check(connection)
                name = _lock_name(self.place, project)
                owner = self._owners.get(name)
                fence = None if owner is None else (name, owner)
                return retrying(lambda: self._write(connection, project, old, new, fence))

    def _holder(self) -> Connection | None:
        """The connection with this thread's locks, while it is inside :meth:`lock`."""
        held: Connection | None = getattr(self._held, "connection", None)
        if held is not None and held.invalidated:
            raise self._lock_lost()
        return held

    def _lock_lost(self) -> StoreError:
        return StoreError(f"The lock at {self.place} was lost with its connection.", "Run the import again.")

    def _write(
        self, connection: Connection, project: str, old: State, new: State, fence: tuple[str, int] | None = None
    ) -> None:
        """One transaction. ``fence`` is a lock and the connection that has to hold it when this one commits."""
        try:
            for name, target in TABLES.items():
                self._loader.apply(connection, target, difference(target, getattr(old, name), getattr(new, name)))
            if not old.imports.equals(new.imports):
                if old.imports.num_rows:  # a DELETE of nothing locks the gap where others insert
                    connection.exec_driver_sql("DELETE FROM imports WHERE project = %s", (project,))
                self._loader.insert(connection, _IMPORTS.name, new.imports)
            renewed = secrets.token_hex(16)
            connection.exec_driver_sql(
                "INSERT INTO data_version (id, version) VALUES (1, %s) ON DUPLICATE KEY UPDATE version = %s",
                (renewed, renewed),
            )
            if fence is not None:
                holder = connection.exec_driver_sql("SELECT IS_USED_LOCK(%s)", fence[:1]).scalar()
                if int(holder or 0) != fence[1]:
                    raise self._lock_lost()
            connection.commit()
        except BaseException:
            if not connection.invalidated:
                _roll_back(connection)
            raise


@lru_cache(maxsize=256)
def driver_text(sql: str) -> str:
    """``:name`` outside quotes and comments as the driver's ``%(name)s``."""
    parts, end = [], 0
    for name, offset in placeholders(sql):
        parts += [sql[end:offset].replace("%", "%%"), f"%({name})s"]
        end = offset + 1 + len(name)
    return "".join([*parts, sql[end:].replace("%", "%%")])


def _fetch(connection: Connection, sql: str, values: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    result = connection.exec_driver_sql(sql, dict(values) or None)
    return column_table(result.cursor.fetchall(), schema)


def _snapshot(connection: Connection, names: Sequence[str]) -> State:
    """Three tables as of one moment: a transaction that can only read."""
    connection.exec_driver_sql("START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT")
    try:
        return State(
            _stream(connection, TABLES["facts"], names),
            _stream(connection, TABLES["features"], names),
            _stream(connection, _IMPORTS, names),
        )
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql("ROLLBACK")


def _stream(connection: Connection, target: Target, names: Sequence[str]) -> pa.Table:
    """All rows of these projects, in pieces, so that only the columns take memory."""
    marks = ", ".join(["%s"] * len(names))
    sql = f"SELECT {target.columns} FROM {target.name} WHERE project IN ({marks}) ORDER BY id"  # noqa: S608 - own names
    result = connection.exec_driver_sql(sql, tuple(names), execution_options={"stream_results": True})
    pieces = [target.schema.empty_table()]
    while rows := result.fetchmany(_CHUNK):
        pieces.append(column_table(rows, target.schema))
    result.close()
    return pa.concat_tables(pieces)


def _lock_name(place: str, project: str) -> str:
    """A server-wide lock name (at most 64 characters) for a project of one database."""
    database = place.rpartition("/")[2]
    return "workbench-" + hashlib.sha256(f"{database}\0{project}".encode()).hexdigest()[:40]


def _acquire(connection: Connection, name: str) -> None:
    if int(connection.exec_driver_sql("SELECT GET_LOCK(%s, %s)", (name, _LOCK_SECONDS)).scalar() or 0) != 1:
        raise StoreError("Another import holds this project.", "Wait for it, or stop it, and try again.")


def _release(connection: Connection, names: Sequence[str]) -> None:
    from sqlalchemy.exc import DBAPIError

    if connection.invalidated:
        return
    try:
        for name in names:
            connection.exec_driver_sql("DO RELEASE_LOCK(%s)", (name,))
        connection.rollback()
    except DBAPIError:  # a connection that is gone holds nothing
        connection.invalidate()


def _roll_back(connection: Connection) -> None:
    from sqlalchemy.exc import DBAPIError

    try:
        connection.rollback()
    except DBAPIError:
        connection.invalidate()
