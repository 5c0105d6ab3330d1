"""The folder of reports on disk: a run works in a folder of its own, which appears under its name only when complete.

::

    <out>/index.html                    every run
    <out>/<name>/<run id>/              run.json, and of a good run <name>.html and figures.json
    <out>/latest/<name>.html            the newest good run (and <name>.figures.json)
    <out>/failed/<name>-<run id>.ipynb  notebooks that failed, for reading
    <out>/.running-<run id>/            a run at work, with a lock beside it that dies with its process

What a killed run leaves is cleared by the next one. ``.lock`` is held only while folders are claimed and published.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import uuid4

from workbench.durable import replace_text, sync_folder
from workbench.errors import ParameterError, ReportError
from workbench.reporting.record import FIGURES, FILE_NAME, RunError, RunRecord, Unreadable, read_record

LATEST: Final = "latest"
FAILED: Final = "failed"
_RUNNING: Final = ".running-"
_LOCK_SECONDS: Final = 60.0
_KEEP_FAILED: Final = 10
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ReportFolder:
    """The reports under ``root``; makes the folder where there is none.

    Raises:
        ReportError: the folder cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def claim(self, record: RunRecord) -> Iterator[Path]:
        """A working folder for this run, locked while the block runs, and removed after it unless published."""
        from filelock import FileLock

        work = self.root / f"{_RUNNING}{record.id}"
        lock = FileLock(_lock_of(work))
        with disk_errors(self.root), self._locked():
            self._sweep()
            lock.acquire(timeout=0)
            work.mkdir()
            replace_text(work / FILE_NAME, record.to_json())
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
            lock.release()
            with suppress(OSError):
                _lock_of(work).unlink(missing_ok=True)

    def publish(self, work: Path, record: RunRecord) -> RunRecord:
        """Give the ended run its final place, then bring ``latest`` and the index up to date."""
        with disk_errors(self.root):
            if record.state == "failed":
                _strip(work)
            replace_text(work / FILE_NAME, record.to_json())
            with self._locked():
                placed = self._place(work, record)
        self.refresh()
        return placed

    def keep_failed(self, record: RunRecord, notebook: str) -> Path | None:
        """Keep a failed notebook for reading, with the few before it; None where the disk does not take it."""
        path = self.root / FAILED / f"{record.name}-{record.id}.ipynb"
        try:
            path.parent.mkdir(exist_ok=True)
            replace_text(path, notebook)
            by_age = sorted(path.parent.glob("*.ipynb"), key=lambda kept: kept.stat().st_mtime_ns, reverse=True)
            for old in by_age[_KEEP_FAILED:]:
                old.unlink(missing_ok=True)
        except OSError:
            return None
        return path

    def records(self) -> list[RunRecord | Unreadable]:
        """Every run, newest first; those at work too."""
        found: list[RunRecord | Unreadable] = []
        for path in [*self.root.glob(f"{_RUNNING}*/"), *self.root.glob("[!.]*/*/")]:
            if path.parent.name in (LATEST, FAILED) or not path.is_dir():
                continue
            try:
                found.append(read_record(path))
            except ValueError as error:
                if path.exists():  # not moved to its final place meanwhile
                    found.append(Unreadable(path, str(error)))
        return sorted(found, key=_age_key, reverse=True)

    def refresh(self) -> None:
        """Make ``latest`` and index.html again from the records."""
        from workbench.reporting.index import index_html

        with disk_errors(self.root), self._locked():
            records = self.records()
            newest: dict[str, RunRecord] = {}
            for record in records:
                if isinstance(record, RunRecord) and record.state == "done":
                    best = newest.setdefault(record.name, record)
                    newest[record.name] = max(best, record, key=lambda run: run.finished or run.started)
            for record in newest.values():
                self._link_latest(record)
            replace_text(self.root / "index.html", index_html(records, self.root))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.root / ".lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout:
            raise ReportError(
                f"Another process has held {self.root / '.lock'} for {_LOCK_SECONDS:.0f} seconds.",
                "Wait for it to end, or end it.",
            ) from None

    def _place(self, work: Path, record: RunRecord) -> RunRecord:
        target = self.root / record.name / record.id
        target.parent.mkdir(exist_ok=True)
        sync_folder(work)
        work.rename(target)
        sync_folder(target.parent)
        return replace(record, folder=target)

    def _link_latest(self, record: RunRecord) -> None:
        latest = self.root / LATEST
        latest.mkdir(exist_ok=True)
        for source, name in ((record.html, f"{record.name}.html"), (record.figures, f"{record.name}.{FIGURES}")):
            target = latest / name
            if source is None or not source.exists():
                target.unlink(missing_ok=True)
            elif not (target.exists() and source.samefile(target)):
                _link(source, target)

    def _sweep(self) -> None:
        """Clear what killed runs left: those whose lock nobody holds."""
        from filelock import FileLock, Timeout

        leftovers = {path.with_suffix("") for path in self.root.glob(f"{_RUNNING}*")}
        for work in leftovers:
            lock = FileLock(_lock_of(work))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            if work.is_dir():
                self._end_killed(work)
            lock.release()
            _lock_of(work).unlink(missing_ok=True)

    def _end_killed(self, work: Path) -> None:
        from workbench.reporting.kernel import scratch_folder

        with suppress(ValueError):
            record = read_record(work)
            shutil.rmtree(scratch_folder(record.id), ignore_errors=True)
            if record.state == "running":
                _strip(work)
                record = replace(record, state="failed", error=RunError("Interrupted", "The run was interrupted."))
                replace_text(work / FILE_NAME, record.to_json())
            self._place(work, record)
        shutil.rmtree(work, ignore_errors=True)


def check_name(name: str) -> str:
    """The name of a report, safe as a file name.

    Raises:
        ParameterError: it is not.
    """
    if not _NAME.fullmatch(name) or name in (LATEST, FAILED):
        raise ParameterError(
            f"A report cannot be named {name!r}.",
            f"Use up to 64 of a-z, 0-9, - and _, starting with a letter or digit, but not {LATEST} or {FAILED}.",
        )
    return name


@contextmanager
def disk_errors(root: Path) -> Iterator[None]:
    """Say a full disk or a folder that cannot be written in one sentence.

    Raises:
        ReportError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"The reports folder {root} cannot be written: {error.strerror or error}.",
            "Free some space, correct its permissions, or choose another folder with --out or WORKBENCH_OUT.",
        ) from None


def _link(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}-{uuid4().hex}")
    try:
        try:
            temporary.hardlink_to(source)
        except OSError:  # a file system without hard links
            shutil.copyfile(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _strip(work: Path) -> None:
    """Leave nothing but the record: half a report is none."""
    for path in work.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != FILE_NAME:
            path.unlink()


def _lock_of(work: Path) -> Path:
    return work.with_name(f"{work.name}.lock")


def _age_key(run: RunRecord | Unreadable) -> tuple[str, str]:
    if isinstance(run, RunRecord):
        return (f"{run.started:%Y%m%dT%H%M%SZ}", run.started.isoformat())
    return (run.folder.name, "")
