"""What is configured, whether it works, and what to do about what does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from workbench.errors import WorkbenchError
from workbench.settings import Settings, find_file

State = Literal["ok", "note", "problem"]
_STALE: Final = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, how it is, and for a problem what to run."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def examine(settings: Settings) -> list[Check]:
    """Look at everything the workbench needs; never raises for what it finds."""
    checks: list[Check] = []
    for look in (_python, _settings_file, _files, _git, _extras):
        checks += look()
    checks.append(_writable("data folder", settings.data, "Choose another with --data or WORKBENCH_DATA."))
    checks.append(_writable("report folder", settings.out, "Choose another with --out or WORKBENCH_OUT."))
    checks += _cache(settings)
    checks += _server(settings)
    if not any(check.name == "MySQL connection" and check.state == "problem" for check in checks):
        checks += _store(settings)
    checks += _log_server(settings)
    return checks


def _python() -> Iterator[Check]:
    yield Check("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _settings_file() -> Iterator[Check]:
    file = find_file()
    yield Check("settings", "ok", f"environment and {file}" if file else "environment and defaults; no workbench.toml")


def _files() -> Iterator[Check]:
    from workbench.files import folder
    from workbench.metrics import queries

    try:
        yield Check("queries", "ok", f"{len(queries.load())} files read and checked")
        yield Check("notebooks", "ok", f"{len(list(folder('notebooks').glob('*.ipynb')))} notebooks")
    except WorkbenchError as error:
        yield Check("queries", "problem", error.what, error.remedy)


def _git() -> Iterator[Check]:
    if not shutil.which("git"):
        yield Check(
            "git", "problem", "git is not installed.", "Install git to import repositories; files work without it."
        )
        return
    answer = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False)
    yield Check("git", "ok", answer.stdout.strip())


def _extras() -> Iterator[Check]:
    if find_spec("jupyterlab") is None:
        yield Check(
            "JupyterLab",
            "note",
            "not installed; only notebooks in the browser need it",
            "pip install 'dora-workbench[lab]'",
        )
    else:
        yield Check("JupyterLab", "ok", "installed")


def _writable(name: str, folder: Path, remedy: str) -> Check:
    existing = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        return Check(name, "problem", f"{folder} cannot be written: {error.strerror or error}.", remedy)
    if free < 200 * 2**20:
        return Check(name, "problem", f"{folder} has only {free // 2**20} MiB free.", "Free some space.")
    return Check(name, "ok", f"{folder} ({free / 2**30:.0f} GiB free)")


def _cache(settings: Settings) -> Iterator[Check]:
    from workbench.metrics.result_cache import ResultCache

    if not settings.cache_seconds:
        yield Check("result cache", "ok", "off: each answer is computed")
        return
    try:
        cache = ResultCache(settings.cache, settings.cache_seconds, settings.cache_megabytes * 1_000_000)
    except WorkbenchError as error:
        yield Check("result cache", "problem", error.what, error.remedy)
        return
    failure = cache.trial()
    cache.close()
    if failure:
        what = f"{cache.place} cannot be used ({failure}), so each answer is computed."
        yield Check("result cache", "note", what, "Correct WORKBENCH_CACHE, or make that place available.")
    else:
        yield Check("result cache", "ok", f"{cache.place}, answers are kept for {settings.cache_seconds:g} s")


def _server(settings: Settings) -> Iterator[Check]:
    if settings.metrics_url is None:
        return
    from workbench.metrics import mysql_doctor, mysql_engine

    try:
        ours = settings.legacy_project is None
        for finding in mysql_doctor.examine(mysql_engine.from_settings(settings), ours=ours):
            yield Check(*finding)
        if (replica := mysql_engine.replica_from_settings(settings)) is not None:
            yield Check(*mysql_doctor.replica(replica))
    except WorkbenchError as error:
        yield Check("MySQL connection", "problem", error.what, error.remedy)


def _log_server(settings: Settings) -> Iterator[Check]:
    if settings.logs_url is None:
        return
    from workbench.logs.cassandra import CassandraLogStore

    try:
        with CassandraLogStore(settings.logs_url.get_secret_value(), settings.data / "logs-state") as store:
            for found in store.examine():
                yield Check(f"Cassandra {found.name}", found.state, found.detail, found.remedy)
    except WorkbenchError as error:
        yield Check("Cassandra connection", "problem", error.what, error.remedy)


def _store(settings: Settings) -> Iterator[Check]:
    from workbench.app import connect

    try:
        bench = connect(data=settings.data)
        about = bench.metrics.describe()
        names = bench.metrics.projects()
        yield Check("metric store", "ok", f"{about['store']}, {about['version']}, {about['location']}")
        if not names:
            yield Check(
                "projects",
                "note",
                "nothing has been imported yet",
                "workbench import git PATH, or workbench import sample",
            )
            return
        frame = bench.query("coverage", projects=list(names))
    except WorkbenchError as error:
        yield Check("metric store", "problem", error.what, error.remedy)
        return
    yield Check("projects", "ok", f"{len(names)} with {int(frame['imported_rows'].sum()):,} imported rows")
    latest = frame.groupby("project")["imported_at"].max()
    limit = datetime.now(UTC).replace(tzinfo=None) - _STALE
    stale = [str(name) for name, moment in latest.items() if moment < limit]
    if stale:
        shown = ", ".join(stale[:5]) + (", …" if len(stale) > 5 else "")
        yield Check(
            "freshness",
            "note",
            f"last import more than {_STALE.days} days ago: {shown}",
            "Import again, or schedule it.",
        )
    rejected = int(frame["rejected"].sum())
    if rejected:
        yield Check(
            "rejected rows",
            "note",
            f"{rejected:,} rows were rejected",
            f"Read the files in {settings.data / 'rejects'}.",
        )


def worst(checks: list[Check]) -> State:
    """The state of the whole: its worst check."""
    states: list[State] = [check.state for check in checks]
    return "problem" if "problem" in states else "note" if "note" in states else "ok"
