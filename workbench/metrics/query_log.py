"""A file that keeps every statement: one line of JSON each, from any number of processes, rotated by size.

A line goes to the end of the file in one write, so lines never mix. The file is opened for each line, so that a process
never goes on writing to one that another has put aside. A failure to write is said once and never disturbs a question.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any, Final

from workbench.metrics.statements import Statement

FORMAT: Final = 1
_LOCK_SECONDS: Final = 5.0
_log = logging.getLogger("workbench.query_log")


class QueryLog:
    """Writes statements to a file. A Listener (workbench.metrics.recorded).

    Args:
        path: the file; its folder is made.
        size: bytes at which it is put aside as ``<name>.1``, and the ones before it as ``.2`` and so on.
        files: how many of those are kept.
    """

    plans = False

    def __init__(self, path: Path, size: int, files: int) -> None:
        self._path, self._size, self._files = path, size, files
        self._torn = self._warned = False

    def tell(self, statement: Statement) -> None:
        """Write one statement, and put the file aside if it is full."""
        try:
            if self._append(json.dumps(_record(statement), ensure_ascii=False, default=str)) >= self._size:
                self._rotate()
        except Exception as error:  # whatever it is, the question it tells of has its answer
            if not self._warned:
                self._warned = True
                reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
                _log.warning("The query log %s cannot be written: %s. Statements go on without it.", self._path, reason)

    def _append(self, line: str) -> int:
        """Bytes of the file after this line."""
        data = ("\n" if self._torn else "").encode() + line.encode("utf-8", "backslashreplace") + b"\n"
        file = self._open()
        try:
            written = os.write(file, data)
            self._torn = written < len(data)  # the disk is full; what comes next starts a line of its own
            if self._torn:
                raise OSError("the disk is full")
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, flags, 0o600)

    def _rotate(self) -> None:
        from filelock import FileLock

        with FileLock(self._aside("lock"), timeout=_LOCK_SECONDS):
            if not self._path.exists() or self._path.stat().st_size < self._size:
                return  # another process has done it
            for number in range(self._files - 1, 0, -1):
                if self._aside(number).exists():
                    self._aside(number).replace(self._aside(number + 1))
            self._path.replace(self._aside(1))

    def _aside(self, suffix: int | str) -> Path:
        return self._path.with_name(f"{self._path.name}.{suffix}")


def _record(statement: Statement) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "time": statement.began.isoformat(timespec="microseconds"),
        "process": os.getpid(),
        "thread": statement.thread,
        "query": statement.query,
        "file": statement.file,
        "parameters": statement.parameters,
        "rows": statement.rows,
        "seconds": round(statement.seconds, 6),
        "cached": statement.cached,
        "error": statement.error,
    }
