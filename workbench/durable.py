"""Files that are there as a whole or not at all, whatever happens meanwhile: a kill, a power cut, a full disk."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_numbers = itertools.count()


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to; when the block ends well it takes the place of ``path``, and survives a power cut.

    Readers see the old file or the new one. What a killed writer leaves beside it is named ``.<name>.*.tmp``.

    Raises:
        OSError: the disk refuses; the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_numbers)}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace_text(path: Path, text: str) -> None:
    """The same for a text, in UTF-8; characters that it does not have become ``?``."""
    with replacing(path) as file:
        file.write(text.encode("utf-8", "replace"))


def replace_json(path: Path, value: Any) -> Path:
    """The same for a JSON document, made for reading."""
    replace_text(path, json.dumps(value, indent=1, ensure_ascii=False))
    return path


def sync_folder(folder: Path) -> None:
    """Make renames and deletions in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
