"""The embedded metric store: one Parquet file a project, read by DuckDB in memory.

A file is replaced by write-temp, fsync, rename, so a reader sees the old rows or the new ones and never waits; the
imports travel in the same file's metadata, so rows and coverage cannot disagree. Names lie in a second file that is
renamed first: a kill between the two leaves names that nothing asks for yet.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.durable import replacing
from workbench.errors import StoreError
from workbench.metrics.dialect import dollars, to_duckdb
from workbench.metrics.plan import Plan, duckdb_plan
from workbench.metrics.protocol import State
from workbench.metrics.queries import Query
from workbench.rows import FACTS, FEATURES, IMPORTS

_T = TypeVar("_T")

FORMAT: Final = 1
_METADATA: Final = b"workbench"
_ROW_GROUP: Final = 65_536
_PAGE: Final = 4_096
"""Rows a page: with the page index, a question about a few weeks decodes little more than their rows."""
_KEPT_CATALOGUES: Final = 8
_ATTEMPTS: Final = 20
_FAILURES: Final = 2
"""A question may fail once without a reason in its files: another thread can drop a catalogue that it just chose."""
_LOCK_SECONDS: Final = 600
_SORT: Final = [
    ("phase_name", "ascending"),
    ("created_at", "ascending"),
    ("cycle_id", "ascending"),
    ("feature_id", "ascending"),
]


def file_key(project: str) -> str:
    """A file name for any project name: readable, safe on every file system, different for different names."""
    readable = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-")[:40]
    return f"{readable or 'project'}-{hashlib.sha256(project.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


_Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One project's file as it was when its footer was read; ``signature`` changes with every replacement."""

    project: str
    path: Path
    signature: _Signature
    imports: tuple[Mapping[str, Any], ...]


class EmbeddedStore:
    """A folder of Parquet files that answers the questions of queries/. A MetricStore; safe to use from threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = duckdb.connect(":memory:")
        self._entries: dict[str, _Entry] = {}
        self._catalogues: OrderedDict[tuple[tuple[Path, _Signature], ...], str] = OrderedDict()
        self._numbers = itertools.count()
        self._guard = threading.Lock()

    # -- reading -----------------------------------------------------------------------------------------------------

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question; only the files of the projects it names are opened.

        Every file is read at one moment: if one is replaced meanwhile, the question is asked again.

        Raises:
            ParameterError: parameters do not fit the query.
            StoreError: a file cannot be read.
        """
        return self._ask(query, parameters, _answer).cast(query.arrow_schema())

    def explain(self, query: Query, parameters: Mapping[str, Any]) -> Plan:
        """Run one question again, for DuckDB's account of how it is run.

        Raises:
            ParameterError: parameters do not fit the query.
            StoreError: a file cannot be read.
        """
        return duckdb_plan(self._ask(query, parameters, _account))

    def _ask(self, query: Query, parameters: Mapping[str, Any], run: Callable[..., _T]) -> _T:
        sql, values = query.bind(parameters, query.duckdb)
        text = dollars(sql) if query.duckdb else to_duckdb(sql)
        failures = 0
        for _ in range(_ATTEMPTS):
            entries = self._named(parameters.get("projects"))
            try:
                answer = self._run(text, values, entries, run)
            except duckdb.Error as error:
                failures += _unchanged(entries)
                if failures == _FAILURES:
                    self._refuse(query, entries, error)
                continue
            if _unchanged(entries):
                return answer
        raise StoreError(f"The store in {self._folder} is being written all the time.", "Try again later.")

    def _run(self, sql: str, values: Mapping[str, Any], entries: Sequence[_Entry], run: Callable[..., _T]) -> _T:
        cursor = self._database.cursor()
        try:
            cursor.execute(f"USE {self._catalogue(entries)}")
            return run(cursor, sql, dict(values))
        finally:
            cursor.close()

    def _named(self, projects: Sequence[str] | None) -> list[_Entry]:
        """The files of these projects (None: of all) as they are on disk now, by name."""
        if projects is None:
            return [entry for _, entry in sorted(self._scan().items())]
        found = (self._entry(str(self._facts(project))) for project in sorted(set(projects)))
        return [entry for entry in found if entry is not None]

    def _refuse(self, query: Query, entries: Sequence[_Entry], error: duckdb.Error) -> NoReturn:
        """Say which file is damaged, if one is."""
        for entry in entries:
            _read(entry.path, FACTS)
            _read(self._features(entry.project), FEATURES)
        raise StoreError(f"Query {query.name} failed: {_first_line(error)}.", "Run: workbench doctor.") from None

    def projects(self) -> tuple[str, ...]:
        """Names of all stored projects, sorted."""
        return tuple(sorted(self._scan()))

    def read(self, projects: Sequence[str]) -> State:
        """Everything stored of these projects (unknown ones add nothing)."""
        found = self._named(projects)
        facts = [_read(entry.path, FACTS) for entry in found]
        features = [_read(self._features(entry.project), FEATURES) for entry in found]
        return State(
            facts=pa.concat_tables([FACTS.empty_table(), *facts]).replace_schema_metadata(None),
            features=pa.concat_tables([FEATURES.empty_table(), *features]).replace_schema_metadata(None),
            imports=_imports_table(found),
        )

    def version(self) -> str:
        """A digest of every file's identity; changes with every import."""
        text = repr(sorted((entry.project, entry.signature) for entry in self._scan().values()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def reading(self) -> None:
        """One folder is all there is."""

    def describe(self) -> Mapping[str, str]:
        """Kind, place and engine of this store."""
        return {
            "store": "embedded (Parquet + DuckDB)",
            "location": str(self._folder),
            "version": f"DuckDB {duckdb.__version__}",
        }

    # -- writing -----------------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, projects: Sequence[str]) -> Iterator[None]:
        """Hold the store for writing; another process waits up to ten minutes, readers never."""
        from filelock import FileLock, Timeout

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._folder / ".lock", timeout=_LOCK_SECONDS)
            lock.acquire()
        except Timeout:
            raise StoreError(
                f"Another import holds {self._folder}.", "Wait for it, or stop it, and try again."
            ) from None
        except OSError as error:
            raise _unwritable(self._folder, error) from None
        try:
            yield
        finally:
            lock.release()

    def write(self, project: str, old: State, new: State) -> None:
        """Replace one project's files as a whole; without rows and imports the project goes away.

        Raises:
            StoreError: the folder or the disk refuses; the old rows stay.
        """
        try:
            if not new.facts.num_rows and not new.imports.num_rows:
                self._facts(project).unlink(missing_ok=True)
                self._features(project).unlink(missing_ok=True)
                return
            imports = [{**row, **_times_as_text(row)} for row in new.imports.to_pylist()]
            note = {"format": FORMAT, "project": project, "imports": imports}
            _replace(self._features(project), new.features, {"format": FORMAT, "project": project})
            _replace(self._facts(project), new.facts.sort_by(_SORT), note)
        except OSError as error:
            raise _unwritable(self._folder, error) from None

    # -- files -------------------------------------------------------------------------------------------------------

    def _facts(self, project: str) -> Path:
        return self._folder / "metrics" / f"{file_key(project)}.parquet"

    def _features(self, project: str) -> Path:
        return self._folder / "features" / f"{file_key(project)}.parquet"

    def _scan(self) -> dict[str, _Entry]:
        """Every project as it is on disk now."""
        try:
            with os.scandir(self._folder / "metrics") as items:
                paths = [item.path for item in items if item.name.endswith(".parquet")]
        except FileNotFoundError:
            paths = []
        except OSError as error:
            raise StoreError(
                f"The store in {self._folder} cannot be read: {error.strerror or error}.",
                "Check --data and its permissions.",
            ) from None
        found = (self._entry(path) for path in paths)
        return {entry.project: entry for entry in found if entry is not None}

    def _entry(self, path: str) -> _Entry | None:
        """The file as it is now; its footer is read again only when it was replaced. None: there is no such file."""
        try:
            signature = _signature(os.stat(path))  # noqa: PTH116 - hot, and takes text
            entry = self._entries.get(path)
            if entry is None or entry.signature != signature:
                entry = self._entries[path] = _read_entry(Path(path), signature)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(
                f"{path} cannot be read: {error.strerror or error}.", "Check --data and its permissions."
            ) from None
        return entry

    def _catalogue(self, entries: Sequence[_Entry]) -> str:
        """A schema whose views read exactly these files; made once for each state of them."""
        identity = _identity(entries)
        with self._guard:
            if identity in self._catalogues:
                self._catalogues.move_to_end(identity)
                return self._catalogues[identity]
            name = f"state{next(self._numbers)}"
            features = [path for entry in entries if (path := self._features(entry.project)).exists()]
            with self._database.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA {name}")
                cursor.execute(f"USE {name}")
                _create(cursor, "dora_metrics", [entry.path for entry in entries], FACTS)
                _create(cursor, "features", features, FEATURES)
                covered = _imports_table(entries)  # noqa: F841 - DuckDB reads it by this name
                cursor.execute("CREATE TABLE imports AS SELECT * FROM covered")
                self._catalogues[identity] = name
                while len(self._catalogues) > _KEPT_CATALOGUES:
                    cursor.execute(f"DROP SCHEMA {self._catalogues.popitem(last=False)[1]} CASCADE")
        return name


def _answer(cursor: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> pa.Table:
    return cursor.sql(sql, params=values).to_arrow_table()


def _account(cursor: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> str:
    found = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).fetchall()
    return str(found[0][1])


def _signature(status: os.stat_result) -> _Signature:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _unchanged(entries: Sequence[_Entry]) -> bool:
    """Whether these files are still the ones that were listed."""
    try:
        return all(_signature(os.stat(entry.path)) == entry.signature for entry in entries)  # noqa: PTH116 - hot
    except FileNotFoundError:
        return False


def _identity(entries: Sequence[_Entry]) -> tuple[tuple[Path, _Signature], ...]:
    return tuple((entry.path, entry.signature) for entry in entries)


def _create(cursor: duckdb.DuckDBPyConnection, name: str, files: Sequence[Path], schema: pa.Schema) -> None:
    if files:
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        cursor.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}])")  # noqa: S608 - own names
    else:
        empty = schema.empty_table()  # noqa: F841 - DuckDB reads it by this name
        cursor.execute(f"CREATE TABLE {name} AS SELECT * FROM empty")  # noqa: S608


def _damaged(path: Path) -> StoreError:
    return StoreError(f"{path} is not a file of this store, or it is damaged.", "Move it away and import again.")


def _read_entry(path: Path, signature: _Signature) -> _Entry:
    try:
        note = json.loads((pq.read_metadata(path).metadata or {})[_METADATA])
        if note["format"] > FORMAT:
            raise StoreError(
                f"{path} was written by a newer workbench (format {note['format']}).", "Upgrade dora-workbench."
            )
        return _Entry(note["project"], path, signature, tuple(note["imports"]))
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        raise _damaged(path) from None


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    """The rows of one file; a file of names may be missing."""
    try:
        return pq.read_table(path, schema=schema)
    except FileNotFoundError:
        return schema.empty_table()
    except PermissionError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Check --data and its permissions.") from None
    except (OSError, pa.ArrowException):
        raise _damaged(path) from None


def _imports_table(entries: Sequence[_Entry]) -> pa.Table:
    """The imports of all entries. Read as JSON, because pa.array would load pandas at every start."""
    from pyarrow import json as arrow_json

    lines = "\n".join(json.dumps(record) for entry in entries for record in entry.imports)
    if not lines:
        return IMPORTS.empty_table()
    options = arrow_json.ParseOptions(explicit_schema=IMPORTS)
    return (
        arrow_json.read_json(pa.BufferReader(lines.encode()), parse_options=options).select(IMPORTS.names).cast(IMPORTS)
    )


def _times_as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() for name, value in row.items() if hasattr(value, "isoformat")}


def _replace(path: Path, table: pa.Table, note: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{path.name}.*.tmp"):  # of a writer that was killed; the lock says none is alive
        stale.unlink(missing_ok=True)
    with replacing(path) as file:
        pq.write_table(
            table.replace_schema_metadata({_METADATA: json.dumps(note).encode()}),
            file,
            compression="zstd",
            row_group_size=_ROW_GROUP,
            write_page_index=True,
            max_rows_per_page=_PAGE,
        )


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The store in {folder} cannot be written: {error.strerror or error}.",
        "Free space or choose another folder with --data; what was stored before is unchanged.",
    )


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
