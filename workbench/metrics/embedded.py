"""The embedded metric store: one Parquet file a project, read by DuckDB in memory.

A file is replaced by write-temp, fsync, rename, so a reader sees the old rows or the new ones and never waits; the imports
travel in the same file's metadata, so rows and coverage cannot disagree. Names lie in a second file that is renamed first:
a kill between the two leaves names that nothing asks for yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import StoreError
from workbench.metrics.dialect import to_duckdb
from workbench.metrics.protocol import State
from workbench.metrics.queries import Query
from workbench.rows import FACTS, FEATURES, IMPORTS

FORMAT: Final = 1
_METADATA: Final = b"workbench"
_ROW_GROUP: Final = 65_536
_KEPT_CATALOGUES: Final = 8
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
    return f"{readable or 'project'}-{hashlib.sha256(project.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One project's file as it was when its footer was read; ``signature`` changes with every replacement."""

    project: str
    path: Path
    signature: tuple[int, int, int]
    imports: tuple[Mapping[str, Any], ...]


class EmbeddedStore:
    """A folder of Parquet files that answers the questions of queries/. Implements MetricStore; safe to use from threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = duckdb.connect(":memory:")
        self._entries: dict[str, _Entry] = {}
        self._catalogues: OrderedDict[str, None] = OrderedDict()
        self._guard = threading.Lock()

    # -- reading -----------------------------------------------------------------------------------------------------

    def query(self, query: Query, parameters: Mapping[str, Any]) -> pa.Table:
        """Run one question; only the files of the projects it names are opened.

        Raises:
            ParameterError: parameters do not fit the query.
            StoreError: a file cannot be read.
        """
        sql, values = query.bind(parameters)
        for attempt in range(3):
            try:
                return self._run(to_duckdb(sql), values, parameters.get("projects")).cast(query.arrow_schema())
            except duckdb.IOException as error:  # a file was replaced between its listing and its opening
                if attempt == 2:
                    raise StoreError(
                        f"The store in {self._folder} cannot be read: {error}.", "Run: workbench doctor."
                    ) from None
            except duckdb.Error as error:
                raise StoreError(
                    f"Query {query.name} failed: {_first_line(error)}.", "Run: workbench doctor."
                ) from None
        raise AssertionError("unreachable")

    def _run(self, sql: str, values: Mapping[str, Any], projects: Sequence[str] | None) -> pa.Table:
        entries = self._scan()
        wanted = sorted(set(entries) if projects is None else set(projects) & set(entries))
        cursor = self._database.cursor()
        try:
            cursor.execute(f"USE {self._catalogue([entries[name] for name in wanted])}")
            return cursor.sql(sql, params=dict(values)).to_arrow_table()
        finally:
            cursor.close()

    def projects(self) -> tuple[str, ...]:
        """Names of all stored projects, sorted."""
        return tuple(sorted(self._scan()))

    def read(self, projects: Sequence[str]) -> State:
        """Everything stored of these projects (unknown ones add nothing)."""
        entries = self._scan()
        found = [entries[project] for project in sorted(set(projects)) if project in entries]
        try:
            facts = [pq.read_table(entry.path, schema=FACTS) for entry in found]
            features = [
                pq.read_table(path, schema=FEATURES)
                for entry in found
                if (path := self._features(entry.project)).exists()
            ]
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"The store in {self._folder} cannot be read: {error}.", "Run: workbench doctor."
            ) from None
        return State(
            facts=pa.concat_tables([FACTS.empty_table(), *facts]).replace_schema_metadata(None),
            features=pa.concat_tables([FEATURES.empty_table(), *features]).replace_schema_metadata(None),
            imports=_imports_table(found),
        )

    def version(self) -> str:
        """A digest of every file's identity; changes with every import."""
        text = repr(sorted((entry.project, entry.signature) for entry in self._scan().values()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

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
            _replace(self._features(project), new.features)
            imports = [{**row, **_times_as_text(row)} for row in new.imports.to_pylist()]
            note = json.dumps({"format": FORMAT, "project": project, "imports": imports})
            facts = new.facts.sort_by(_SORT).replace_schema_metadata({_METADATA: note.encode()})
            _replace(self._facts(project), facts)
        except OSError as error:
            raise _unwritable(self._folder, error) from None

    # -- files -------------------------------------------------------------------------------------------------------

    def _facts(self, project: str) -> Path:
        return self._folder / "metrics" / f"{file_key(project)}.parquet"

    def _features(self, project: str) -> Path:
        return self._folder / "features" / f"{file_key(project)}.parquet"

    def _scan(self) -> dict[str, _Entry]:
        """The projects as they are on disk now; a footer is read again only when its file was replaced."""
        known = {entry.path: entry for entry in self._entries.values()}
        found: dict[str, _Entry] = {}
        folder = self._folder / "metrics"
        try:
            files = [item for item in os.scandir(folder) if item.name.endswith(".parquet")]
        except FileNotFoundError:
            files = []
        except OSError as error:
            raise StoreError(
                f"The store in {self._folder} cannot be read: {error}.", "Check --data and its permissions."
            ) from None
        for item in files:
            try:
                status = Path(item.path).stat()
                signature = (status.st_ino, status.st_mtime_ns, status.st_size)
                entry = known.get(Path(item.path))
                if entry is None or entry.signature != signature:
                    entry = _read_entry(Path(item.path), signature)
            except FileNotFoundError:  # removed meanwhile
                continue
            found[entry.project] = entry
        self._entries = found
        return found

    def _catalogue(self, entries: Sequence[_Entry]) -> str:
        """A schema whose views read exactly these files; made once for each state of them."""
        identity = repr([(str(entry.path), entry.signature) for entry in entries])
        name = "c" + hashlib.sha256(identity.encode()).hexdigest()[:24]
        with self._guard:
            if name in self._catalogues:
                self._catalogues.move_to_end(name)
                return name
            features = [path for entry in entries if (path := self._features(entry.project)).exists()]
            with self._database.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
                cursor.execute(f"USE {name}")
                _create(cursor, "dora_metrics", [entry.path for entry in entries], FACTS)
                _create(cursor, "features", features, FEATURES)
                imports = _imports_table(entries)  # noqa: F841 - DuckDB reads it by this name
                cursor.execute("CREATE OR REPLACE TABLE imports AS SELECT * FROM imports")
                self._catalogues[name] = None
                while len(self._catalogues) > _KEPT_CATALOGUES:
                    cursor.execute(f"DROP SCHEMA {self._catalogues.popitem(last=False)[0]} CASCADE")
        return name


def _create(cursor: duckdb.DuckDBPyConnection, name: str, files: Sequence[Path], schema: pa.Schema) -> None:
    if files:
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        cursor.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{listed}])")  # noqa: S608 - own file names
    else:
        empty = schema.empty_table()  # noqa: F841 - DuckDB reads it by this name
        cursor.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM empty")  # noqa: S608


def _read_entry(path: Path, signature: tuple[int, int, int]) -> _Entry:
    try:
        note = json.loads((pq.read_metadata(path).metadata or {})[_METADATA])
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException, KeyError, ValueError):
        raise StoreError(
            f"{path} is not a file of this store, or it is damaged.", "Move it away and import again."
        ) from None
    if note["format"] > FORMAT:
        raise StoreError(
            f"{path} was written by a newer workbench (format {note['format']}).", "Upgrade dora-workbench."
        )
    return _Entry(note["project"], path, signature, tuple(note["imports"]))


def _imports_table(entries: Sequence[_Entry]) -> pa.Table:
    """The imports of all entries. Read as JSON, because pa.array would load pandas at every start."""
    from pyarrow import json as arrow_json

    lines = "\n".join(json.dumps(record) for entry in entries for record in entry.imports)
    if not lines:
        return IMPORTS.empty_table()
    options = arrow_json.ParseOptions(explicit_schema=IMPORTS)
    return arrow_json.read_json(pa.BufferReader(lines.encode()), parse_options=options).select(IMPORTS.names).cast(IMPORTS)


def _times_as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() for name, value in row.items() if hasattr(value, "isoformat")}


def _replace(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{path.stem}.*.tmp"):  # of a writer that was killed; the lock says none is alive
        stale.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            pq.write_table(table, file, compression="zstd", row_group_size=_ROW_GROUP)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The store in {folder} cannot be written: {error.strerror or error}.",
        "Free space or choose another folder with --data; what was stored before is unchanged.",
    )


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
