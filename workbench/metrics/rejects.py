"""The reject file: every row that was not loaded, where it stands and why."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from workbench.durable import replacing
from workbench.errors import StoreError
from workbench.rows import Extract


def write_rejects(rejects: pa.Table, folder: Path, extract: Extract) -> Path:
    """Write ``<origin>-<digest>.rejects.csv`` (file, line, reason, text); importing the same file again writes it anew.

    Raises:
        StoreError: the folder cannot be written.
    """
    from pyarrow import csv

    name = re.sub(r"[^A-Za-z0-9._-]+", "_", extract.origin).strip("._")[:80] or "input"
    path = folder / f"{name}-{extract.digest[:8]}.rejects.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            csv.write_csv(rejects, file)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}.", "Free space or choose another --data."
        ) from None
    return path
