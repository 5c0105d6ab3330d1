"""The folders and files of the embedded log store: names that any host fits into; files are whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pyarrow as pa

from workbench.durable import replacing
from workbench.errors import StoreError

FORMAT: Final = 1
_METADATA: Final = b"workbench"
_ROW_GROUP: Final = 65_536
_LONGEST: Final = 200
"""Bytes of a folder's name; file systems take 255."""
_UNSAFE: Final = re.compile(r"[^a-z0-9._-]")
_FILE: Final = re.compile(r"(\d{8,})-(\d{8,})-(\d+)\.parquet")
_HOST: Final = "hostname="
_DAY: Final = "log_date="


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of one host and day: the numbers of the first and last load in it, and its rows."""

    path: Path
    first: int
    last: int
    rows: int


def day_folder(root: Path, host: str, day: date) -> Path:
    """Where the files of a host and day are."""
    return root / _host_name(host) / f"{_DAY}{day.isoformat()}"


def _host_name(host: str) -> str:
    """Readable, safe and different for different hosts, also where case does not count. ``%`` as in URLs."""
    encoded = _UNSAFE.sub(lambda found: "".join(f"%{octet:02X}" for octet in found.group().encode()), host)
    if len(encoded) > _LONGEST:
        encoded = f"{encoded[:100]}%~{hashlib.sha256(host.encode()).hexdigest()[:32]}"
    return _HOST + encoded


def host_folders(root: Path) -> Iterator[tuple[str, Path]]:
    """Every host with its folder."""
    for name, path in _folders(root, _HOST):
        if "%~" not in name:
            yield unquote(name), path
        elif host := _stated_host(path):
            yield host, path


def _stated_host(folder: Path) -> str | None:
    """The host of a folder whose name could not hold it: its files say it."""
    import pyarrow.parquet as pq

    for _, day in days_of(folder):
        for file in live_files(day):
            return str(json.loads(pq.read_metadata(file.path).metadata[_METADATA])["host"])
    return None


def days_of(folder: Path) -> Iterator[tuple[date, Path]]:
    """Every day in a host's folder."""
    for name, path in _folders(folder, _DAY):
        try:
            yield date.fromisoformat(name), path
        except ValueError:
            continue


def _folders(root: Path, prefix: str) -> list[tuple[str, Path]]:
    try:
        names = sorted(item.name for item in os.scandir(root) if item.name.startswith(prefix))
    except FileNotFoundError:
        return []
    return [(name.removeprefix(prefix), root / name) for name in names]


def live_files(folder: Path) -> list[LogFile]:
    """The files of a day in the order of their loads; those that a merged one stands for do not count."""
    try:
        names = [item.name for item in os.scandir(folder)]
    except FileNotFoundError:
        return []
    found = [_FILE.fullmatch(name) for name in names]
    files = [LogFile(folder / match[0], int(match[1]), int(match[2]), int(match[3])) for match in found if match]
    live: list[LogFile] = []
    for file in sorted(files, key=lambda file: (file.first, -file.last)):
        if not live or file.last > live[-1].last:
            live.append(file)
    return live


def write_file(folder: Path, host: str, rows: pa.Table, first: int, last: int) -> LogFile:
    """Write a file that is there as a whole or not at all; call it under the store's lock only.

    Raises:
        OSError: the disk refuses.
    """
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(".*.tmp"):  # of a writer that was killed; the lock says that none is alive
        stale.unlink(missing_ok=True)
    path = folder / f"{first:08d}-{last:08d}-{rows.num_rows}.parquet"
    note = json.dumps({"format": FORMAT, "host": host})
    with replacing(path) as file:
        pq.write_table(
            rows.replace_schema_metadata({_METADATA: note.encode()}), file, compression="zstd",
            row_group_size=_ROW_GROUP, use_dictionary=_repetitive(rows.schema),
        )  # fmt: skip
    return LogFile(path, first, last, rows.num_rows)


def _repetitive(schema: pa.Schema) -> list[str]:
    """Columns that a dictionary makes smaller; ids and messages hardly repeat."""
    return [name for name in schema.names if name not in ("log_id", "log_timestamp", "message")]


def check_format(path: Path) -> None:
    """Raises StoreError where a newer workbench wrote the file."""
    import pyarrow.parquet as pq

    note = json.loads((pq.read_metadata(path).metadata or {}).get(_METADATA, b'{"format": 0}'))
    if note["format"] > FORMAT:
        raise StoreError(
            f"{path} was written by a newer workbench (format {note['format']}).", "Upgrade dora-workbench."
        )
