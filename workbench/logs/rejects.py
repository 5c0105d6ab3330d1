"""The file of log rows that a store could not take: JSON Lines, one object a row with its origin and the reason."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from workbench.logs.prepare import Rejected


class RejectFile:
    """Made when the first row comes; every addition is on the disk when it returns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"logs-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.jsonl"
        self._file: IO[str] | None = None

    def add(self, origin: str, rejected: Rejected) -> None:
        """Append rows of one source with one reason."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
        for row in rejected.rows.to_pylist():
            entry = {"origin": origin, "reason": rejected.reason, "row": row}
            self._file.write(json.dumps(entry, ensure_ascii=True, default=_plain) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """End the file, if there is one."""
        if self._file is not None:
            self._file.close()


def _plain(value: Any) -> str:
    """Times and identifiers as text."""
    return (
        value.hex() if isinstance(value, bytes) else str(value if not isinstance(value, pa.Scalar) else value.as_py())
    )
