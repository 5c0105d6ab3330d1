"""The ``dora_metrics`` table of a Django application, read as it is: one project, every row its own cycle.

The whole table is read into a temporary embedded store, through the same import as an exported file, once for each
version of its rows. A question over the table itself would have to link every incident again, each time, without an
index for it, and to repeat what the import knows about spellings and doubtful rows; so there is one way only, and the
figures cannot differ from those of an export.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from workbench.errors import ConfigurationError, StoreError
from workbench.metrics import ingest, mysql_engine, mysql_gtid
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.mysql_load import column_table
from workbench.metrics.protocol import Reading, State
from workbench.metrics.queries import Query
from workbench.rows import Extract

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from workbench.metrics.plan import Plan

Reader = Callable[[pa.Table, str], Extract]
"""Makes an extract of the table's rows (all columns as text) for a project: workbench.sources.export.from_table."""

COLUMNS: Final = (
    "id",
    "cycle_id",
    "feature_id",
    "phase_name",
    "decision",
    "duration_seconds",
    "metadata",
    "created_at",
)
_TEXTS: Final = pa.schema([(name, pa.string()) for name in COLUMNS])
_CHUNK: Final = 50_000
_CHECK_SECONDS: Final = 10.0
_CHECK_SHARE: Final = 20
"""The next look at the table comes ten seconds after the last one, or after twenty times as long as that one took."""


@dataclass(frozen=True, eq=False)
class _Copy:
    """The table as it was at one moment."""

    version: str
    store: EmbeddedStore


class DjangoStore:
    """The table behind a reading MetricStore; safe to use from threads."""

    def __init__(
        self,
        connect: mysql_engine.Connect,
        reader: Reader,
        *,
        project: str,
        link_hours: float,
        rejects_folder: Path,
        replica: bool = False,
    ) -> None:
        # the table is read as a whole: the limits of an import hold, not those of a question
        self._connect = replace(connect, statement_limit=connect.load_timeout, read_timeout=connect.load_timeout)
        self._place = mysql_engine.place(mysql_engine.parse(connect))
        self._replica = replica
        self._reader = reader
        self._project = project
        self._link_hours = link_hours
        self._rejects_folder = rejects_folder
        self._guard = threading.Lock()
        self._copy: _Copy | None = None
        self._check_at = 0.0

    @cached_property
    def _engine(self) -> Engine:
        return mysql_engine.engine(self._connect, writes=False)

    def close(self) -> None:
        """Close idle connections; the store can still be used."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    # -- reading -----------------------------------------------------------------------------------------------------

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question."""
        return self._current().store.query(query, parameters)

    def projects(self) -> tuple[str, ...]:
        """The one project, if the table has a row."""
        return self._current().store.projects()

    def read(self, projects: Sequence[str]) -> State:
        """The rows as an import of the table would store them."""
        return self._current().store.read(projects)

    def explain(self, query: Query, parameters: Mapping[str, Any]) -> Plan:
        """Run one question again for its plan, over the copy."""
        return self._current().store.explain(query, parameters)

    def version(self) -> str:
        """Count and checksum of the rows at the last look, and what else decides the figures."""
        return self._current().version

    def reading(self) -> Reading | None:
        """How far the server with the table is behind, if it is a replica."""
        if not self._replica:
            return None
        with mysql_engine.plainly("A look at the replication", self._place), self._engine.connect() as connection:
            return Reading("replica", self._place, mysql_gtid.lag(connection), "")

    def describe(self) -> Mapping[str, str]:
        """Kind and version of the server, and where the table is."""
        with mysql_engine.plainly("A look at the server", self._place), self._engine.connect() as connection:
            version = _text(connection.exec_driver_sql("SELECT VERSION()").scalar())
        kind = "MariaDB" if "MariaDB" in version else "MySQL"
        return {"store": f"{kind} (table of a Django application)", "location": self._place, "version": version}

    def _current(self) -> _Copy:
        with self._guard:
            if self._copy is not None and time.monotonic() < self._check_at:
                return self._copy
            with mysql_engine.plainly("Reading dora_metrics", self._place), self._engine.connect() as connection:
                recognise(connection, self._place)
                started = time.monotonic()
                version = f"{fingerprint(connection)} {self._project} {self._link_hours}"
                if self._copy is None or self._copy.version != version:
                    self._copy = self._read_copy(connection, version)
                self._check_at = time.monotonic() + max(_CHECK_SECONDS, _CHECK_SHARE * (time.monotonic() - started))
            return self._copy

    def _read_copy(self, connection: Connection, version: str) -> _Copy:
        folder = Path(tempfile.mkdtemp(prefix="workbench-"))
        copy = _Copy(version, EmbeddedStore(folder))
        weakref.finalize(copy.store, shutil.rmtree, folder, ignore_errors=True)  # who still reads it keeps it
        extract = self._reader(rows(connection), self._project)
        ingest.run(copy.store, extract, link_hours=self._link_hours, rejects_folder=self._rejects_folder)
        return copy

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, project: str, old: State, new: State) -> None:
        """Refused."""
        del project, old, new
        raise self._read_only()

    def lock(self, projects: Sequence[str]) -> AbstractContextManager[None]:
        """Refused."""
        del projects
        raise self._read_only()

    def _read_only(self) -> StoreError:
        return StoreError(
            f"The table dora_metrics at {self._place} belongs to a Django application and is only read.",
            "Bring it to the workbench's schema first (workbench migrate --adopt), or import into another database.",
        )


def recognise(connection: Connection, where: str) -> None:
    """Raises unless the database has a dora_metrics table with a Django application's columns.

    Raises:
        StoreError: there is no such table, or it lacks a column.
        ConfigurationError: the table is the workbench's own.
    """
    found = columns(connection)
    if not found:
        raise StoreError(f"The database {where} has no table dora_metrics.", "Correct WORKBENCH_METRICS_URL.")
    if lacking := [name for name in COLUMNS if name not in found]:
        raise StoreError(
            f"The table dora_metrics at {where} has no column {lacking[0]}.",
            f"It needs {', '.join(COLUMNS)}.",
        )
    if "project" in found:
        raise ConfigurationError(
            f"The table dora_metrics at {where} has projects of its own.",
            "Unset WORKBENCH_LEGACY_PROJECT; if an adoption was cut off, run it again: workbench migrate --adopt.",
        )


def columns(connection: Connection) -> set[str]:
    """Names of the columns of dora_metrics; none if there is no such table."""
    found = connection.exec_driver_sql(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = 'dora_metrics'"
    )
    return {_text(row[0]).lower() for row in found.cursor.fetchall()}


def fingerprint(connection: Connection) -> str:
    """Differs whenever a row differs; the server reads the whole table for it, and sends two numbers."""
    count = _text(connection.exec_driver_sql("SELECT COUNT(*) FROM dora_metrics").scalar())
    checksum = connection.exec_driver_sql("CHECKSUM TABLE dora_metrics").cursor.fetchall()[0][1]
    return f"{count}-{_text(checksum)}"


def rows(connection: Connection) -> pa.Table:
    """The rows of the table by id, every column as the server writes it."""
    sql = f"SELECT {', '.join(COLUMNS)} FROM dora_metrics ORDER BY id"  # noqa: S608 - own texts
    result = connection.exec_driver_sql(sql, execution_options={"stream_results": True})
    pieces = [_TEXTS.empty_table()]
    while some := result.fetchmany(_CHUNK):
        pieces.append(column_table(some, _TEXTS))
    result.close()
    return pa.concat_tables(pieces)


def _text(cell: object) -> str:
    return cell.decode() if isinstance(cell, bytes) else "" if cell is None else str(cell)
