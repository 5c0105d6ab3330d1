"""Bringing the ``dora_metrics`` table of a Django application to the workbench's schema, without losing a row.

The server cannot take a change of a table back, so each step looks first whether it is done already: a run that was cut
off is run again. The application can go on reading, and writing its own columns, before, between and after the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import StoreError
from workbench.metrics import ingest, mysql_django, mysql_engine, mysql_schema
from workbench.metrics.link import as_given
from workbench.metrics.mysql import MySQLStore
from workbench.metrics.mysql_indexes import INDEXES, UNIQUE
from workbench.metrics.protocol import State
from workbench.metrics.rejects import write_rejects
from workbench.rows import Extract

if TYPE_CHECKING:
    from sqlalchemy import Connection

Progress = Callable[[str], None]
"""Told of each step before it begins."""

_COLLATION: Final = {False: "utf8mb4_0900_bin", True: "utf8mb4_nopad_bin"}
_SOURCE: Final = "export"
_CHECK: Final = "dora_metrics_metadata"

_GIVEN: Final = {
    "cycle_id": ("varchar(100)", False),
    "feature_id": ("varchar(100)", False),
    "phase_name": ("varchar(20)", False),
    "decision": ("varchar(20)", False),
    "duration_seconds": ("decimal(12,2)", True),
    "metadata": ("longtext", True),
    "created_at": ("datetime(6)", False),
}
"""Columns that the application has: the type that the schema wants, and whether they may be NULL."""

_SPELLED: Final = {
    "feature_id": "COALESCE(feature_id, '')",
    "phase_name": "LOWER(TRIM(phase_name))",
    "decision": "REPLACE(REPLACE(LOWER(TRIM(decision)), ' ', '-'), '_', '-')",
}
"""How the schema spells what the application may spell in other ways, too."""

_MEANING: Final = (*_GIVEN, "fixed_by", "updated_at")

_ADDED: Final = {
    "project": "VARCHAR(100) NOT NULL DEFAULT %(project)s",
    "charged_to": "VARCHAR(100) NULL",
    "link_rule": "VARCHAR(10) NULL",
    "fixed_by": "VARCHAR(100) NULL",
    "source": f"VARCHAR(20) NOT NULL DEFAULT '{_SOURCE}'",
    "updated_at": "DATETIME(6) NULL",
}
"""Columns that it has not. The defaults stay: the application does not know these columns when it writes."""

_TABLE: Final = "dora_metrics"
_INDEXES: Final = {name: tuple(columns.split(",")) for (table, name), columns in INDEXES.items() if table == _TABLE}

_ALGORITHMS: Final = (", ALGORITHM=INSTANT", ", ALGORITHM=INPLACE, LOCK=NONE", "")
"""From the cheapest on: no row is touched; while others read and write; a copy, while others read."""
_CANNOT: Final = frozenset({1221, 1845, 1846})
_LOCK_WAIT: Final = 60
"""Seconds that a step waits for transactions on the table; whoever comes after it waits as long, so not for hours."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What was done: each change of the table with how the server did it, and the rows as an import counts them."""

    steps: tuple[tuple[str, str], ...]
    rows: ingest.Summary


def adopt(
    connect: mysql_engine.Connect,
    reader: mysql_django.Reader,
    *,
    project: str,
    link_hours: float,
    rejects_folder: Path,
    progress: Progress = lambda step: None,
) -> Adoption:
    """Make the application's table ours: rows keep their id and created_at, and belong to one project.

    Args:
        reader: workbench.sources.export.from_table.
        project: the name of that project; again the same, if a run was cut off.
        link_hours: the largest gap of the time rule.

    Raises:
        StoreError: the table is not the application's, a row means nothing, or the server refused; no row is lost, and
            what was done stays done.
    """
    patient = replace(connect, load_timeout=86_400)
    place = mysql_engine.place(mysql_engine.parse(connect))
    with _opened(patient, place) as connection:
        table = _Table(connection, progress)
        _check(connection, reader, project, place)
        table.prepare()
        table.add_columns(project)
        table.fit_columns()
        table.set_indexes()
    progress("make the other tables")
    mysql_schema.migrate(patient)
    progress("link the incidents")
    store = MySQLStore(patient)
    try:
        summary = _link(store, reader, project, link_hours, rejects_folder)
    finally:
        store.close()
    return Adoption(tuple(table.done), summary)


@contextmanager
def _opened(connect: mysql_engine.Connect, place: str) -> Iterator[Connection]:
    engine = mysql_engine.engine(connect, writes=True)
    try:
        with mysql_engine.plainly("The adoption", place), engine.connect() as connection:
            connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_LOCK_WAIT}")
            yield connection
    finally:
        engine.dispose()


def _link(
    store: MySQLStore, reader: mysql_django.Reader, project: str, link_hours: float, rejects_folder: Path
) -> ingest.Summary:
    """What an import of the table's own rows makes of them; they are read once, so none that comes later is missed."""
    started = time.perf_counter()
    with store.lock([project]):
        old = store.read([project])
        extract = _stored(old, reader, project)
        _refuse_rejects(extract, store.place)
        made = ingest.plan(old, extract, link_hours=link_hours)
        reject_file = write_rejects(made.rejects, rejects_folder, extract) if made.rejects.num_rows else None
        store.write(project, old, made.new)
    return replace(made.summary, reject_file=reject_file, seconds=time.perf_counter() - started)


def _stored(old: State, reader: mysql_django.Reader, project: str) -> Extract:
    """The application's rows, wherever they are kept by now; they replace what is stored of them, not add to it."""
    given = as_given(old.facts)
    rows = given.filter(pc.equal(given["source"], _SOURCE)).select(_MEANING)
    texts = pa.schema([(name, pa.string()) for name in _MEANING])
    return replace(reader(rows.cast(texts), project), replaces=True)


def _check(connection: Connection, reader: mysql_django.Reader, project: str, place: str) -> None:
    """Refuse before anything is changed."""
    found = mysql_django.columns(connection)
    if not found or "project" not in found:
        mysql_django.recognise(connection, place)
        _refuse_rejects(reader(mysql_django.rows(connection), project), place)
        return
    default = _fetch(connection, _DEFAULT)[0][0]
    if not default:
        raise StoreError(f"The table dora_metrics at {place} is the workbench's own.", "Run: workbench migrate.")
    begun = _fetch(connection, "SELECT DEFAULT(project) FROM dora_metrics LIMIT 1")
    if begun and begun[0][0] != project:
        raise StoreError(
            f"The table dora_metrics at {place} was adopted as project {begun[0][0]!r}.", "Give that name again."
        )


_DEFAULT: Final = (
    "SELECT column_default FROM information_schema.columns WHERE table_schema = DATABASE() "
    "AND table_name = 'dora_metrics' AND column_name = 'project'"
)


def _refuse_rejects(extract: Extract, place: str) -> None:
    if extract.rejects.num_rows:
        first = extract.rejects.slice(0, 1).to_pylist()[0]
        raise StoreError(
            f"{extract.rejects.num_rows} rows of dora_metrics at {place} mean nothing to the workbench, the first: "
            f"{first['reason']}: {first['text']}.",
            "Correct or remove them in the application, and run it again; no row was changed.",
        )


class _Table:
    """The steps over one connection; each does what is still to be done."""

    def __init__(self, connection: Connection, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        self._mariadb = bool(connection.dialect.is_mariadb)  # type: ignore[attr-defined]
        self._text = f"CHARACTER SET utf8mb4 COLLATE {_COLLATION[self._mariadb]}"
        self.done: list[tuple[str, str]] = []

    def prepare(self) -> None:
        """Values that the schema spells in one way only, in one transaction, while there are few indexes to keep."""
        self._progress("spell values as the schema does")
        values = ", ".join(f"{name} = {spelled}" for name, spelled in _SPELLED.items())
        other = " OR ".join(f"BINARY {name} <> BINARY {spelled}" for name, spelled in _SPELLED.items())
        statements = [f"UPDATE dora_metrics SET {values} WHERE feature_id IS NULL OR {other}"]  # noqa: S608 - own texts
        if self._columns()["metadata"][0] != "json":
            statements.append(
                "UPDATE dora_metrics SET metadata = JSON_OBJECT('text', metadata) WHERE NOT JSON_VALID(metadata)"
            )
        for statement in statements:
            self._connection.exec_driver_sql(statement)
        self._connection.commit()

    def add_columns(self, project: str) -> None:
        """Those that the application has not."""
        found = self._columns()
        clauses = [
            f"ADD COLUMN {name} {self._with_collation(definition)}"
            for name, definition in _ADDED.items()
            if name not in found
        ]
        self._alter("add columns", clauses, {"project": project})

    def fit_columns(self) -> None:
        """Types and collation; metadata has to be JSON, as text."""
        found = self._columns()
        clauses = [
            f"MODIFY COLUMN {name} {self._with_collation(kind)} {'NULL' if nullable else 'NOT NULL'}"
            for name, (kind, nullable) in _GIVEN.items()
            if found[name] != (kind, nullable, _COLLATION[self._mariadb] if _is_text(kind) else "")
        ]
        if not _fetch(self._connection, _CHECKS, {"name": _CHECK}):
            clauses.append(f"ADD CONSTRAINT {_CHECK} CHECK (JSON_VALID(metadata))")
        if clauses:
            clauses.append(f"DEFAULT {self._text}")
        self._alter("fit types and collation", clauses)

    def set_indexes(self) -> None:
        """Ours; the application's single ones are taken over, and cycle_id alone is unique no longer."""
        found = self._indexes()
        single = {columns: name for name, (unique, columns) in found.items() if not unique and name not in _INDEXES}
        clauses = []
        for name, columns in _INDEXES.items():
            if name in found:
                continue
            old = None if name in UNIQUE else single.get(columns)
            kind = "UNIQUE INDEX" if name in UNIQUE else "INDEX"
            clauses.append(
                f"RENAME INDEX {_quoted(old)} TO {name}" if old else f"ADD {kind} {name} ({', '.join(columns)})"
            )
        clauses += [
            f"DROP INDEX {_quoted(name)}"
            for name, (unique, columns) in found.items()
            if unique and columns == ("cycle_id",)
        ]
        self._alter("set indexes", clauses)

    def _alter(self, step: str, clauses: Sequence[str], values: Mapping[str, str] | None = None) -> None:
        """One change of the table in the cheapest way that the server knows for it."""
        from sqlalchemy.exc import DBAPIError

        if not clauses:
            return
        self._progress(step)
        for algorithm in _ALGORITHMS:
            text = f"ALTER TABLE dora_metrics {', '.join(clauses)}{algorithm}"
            try:
                self._connection.exec_driver_sql(text, dict(values or {}) or None)
            except DBAPIError as error:
                if not algorithm or mysql_engine.number(error) not in _CANNOT:
                    raise
            else:
                self.done.append((step, algorithm.removeprefix(", ALGORITHM=").partition(",")[0] or "COPY"))
                return

    def _with_collation(self, definition: str) -> str:
        kind, space, rest = definition.partition(" ")
        return f"{kind} {self._text}{space}{rest}" if _is_text(kind) else definition

    def _columns(self) -> dict[str, tuple[str, bool, str]]:
        """Type, whether it may be NULL, and collation, by name."""
        return {
            name: (kind, null == "YES", collation) for name, kind, null, collation in _fetch(self._connection, _COLUMNS)
        }

    def _indexes(self) -> dict[str, tuple[bool, tuple[str, ...]]]:
        """Whether it is unique, and its columns, by name."""
        found: dict[str, tuple[bool, tuple[str, ...]]] = {}
        for name, loose, column in _fetch(self._connection, _KEYS):
            found[name] = (loose == "0", (*found.get(name, (False, ()))[1], column))
        return found


_COLUMNS: Final = (
    "SELECT LOWER(column_name), LOWER(column_type), is_nullable, COALESCE(collation_name, '') "
    "FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'dora_metrics'"
)
_KEYS: Final = (
    "SELECT index_name, non_unique, LOWER(column_name) FROM information_schema.statistics "
    "WHERE table_schema = DATABASE() AND table_name = 'dora_metrics' ORDER BY index_name, seq_in_index"
)
_CHECKS: Final = (
    "SELECT constraint_name FROM information_schema.table_constraints "
    "WHERE table_schema = DATABASE() AND table_name = 'dora_metrics' AND constraint_name = %(name)s"
)


def _fetch(connection: Connection, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[str, ...]]:
    found = connection.exec_driver_sql(sql, dict(values) if values else None)
    return [
        tuple(cell.decode() if isinstance(cell, bytes) else "" if cell is None else str(cell) for cell in row)
        for row in found.cursor.fetchall()
    ]


def _is_text(kind: str) -> bool:
    return kind.lower().startswith(("varchar", "longtext"))


def _quoted(name: str | None) -> str:
    return "`" + str(name).replace("`", "``") + "`"
