"""A log file or standard input as blocks of whole records: bounded memory, unpacked on the way.

A block ends before a line that begins a record, so nothing that belongs together is torn apart. The blocks of a content
are always the same, whether it comes from a file, packed, or through a pipe.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from workbench.errors import SourceError
from workbench.sources.log_bytes import Numbers

STDIN: Final = "-"
BLOCK: Final = 4 * 2**20
LONGEST: Final = 8 * 2**20
"""Bytes of the longest line (or message of several lines) that is read."""
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_JOURNAL: Final = b"LPKSHHRH"
_SKIP: Final = b" \t\r\n"
PARQUET: Final = b"PAR1"
_SHOWN: Final = 2000
_REPLACEMENT: Final = "\ufffd".encode()


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of a source. ``too_long``: the begin of one record that was left out for its size."""

    data: bytes
    first_line: int
    lines: int
    position: int
    too_long: bool = False


class Source:
    """An opened file or standard input.

    Attributes:
        origin: its name without its folder.
        size: its bytes on disk, when it was opened: what is added while it is read, is left to the next time; None of
            a pipe.
        modified: when it was last written, in seconds since 1970; None of a pipe.
        head: its first unpacked bytes, for telling formats apart.

    Raises:
        SourceError: it is missing, unreadable, or of a kind that no line can be read from.
    """

    def __init__(self, path: Path | str) -> None:
        self.origin = "standard input" if str(path) == STDIN else Path(path).name
        self.size: int | None = None
        self._path = None if str(path) == STDIN else Path(path)
        self.modified: float | None = None
        self._raw = self._open(path)
        try:
            self._begin = self._raw.read(BLOCK)
            self._plain = self._unpacking()
            self.head = self._read(BLOCK)
            self._check()
        except OSError as error:
            self.close()
            raise self._unreadable(error.strerror or str(error)) from error
        except SourceError:
            self.close()
            raise

    def _check(self) -> None:
        if self.head.startswith(_JOURNAL):
            raise SourceError(
                f"{self.origin} is a binary journal.", "Run: journalctl --file FILE -o json | workbench import logs -."
            )
        if self.head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise SourceError(f"{self.origin} is UTF-16 text.", "Save it as UTF-8.")

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not getattr(sys.stdin, "buffer", None):
            self._raw.close()

    def digest(self, *meaning: object) -> str:
        """sha256 of the file and of what else decides its meaning; of a pipe, a name that no other reading has."""
        whole = hashlib.sha256(repr(meaning).encode("utf-8", "surrogatepass"))
        if self._path is None or self.size is None:
            whole.update(uuid4().bytes)
            return whole.hexdigest()
        with self._path.open("rb") as file:
            left = self.size
            while left and (part := file.read(min(BLOCK, left))):
                whole.update(part)
                left -= len(part)
        return whole.hexdigest()

    def seekable(self) -> Any:
        """The unpacked bytes as an Arrow file that can be sought in; a file that is not packed stays on the disk."""
        import pyarrow as pa

        if self._path is not None and self.size is not None and self._begin == self.head:
            return pa.memory_map(str(self._path))
        parts = [self.head]
        while part := self._read(BLOCK):
            parts.append(part)
        return pa.BufferReader(b"".join(parts))

    def blocks(self, continues: bool) -> Iterator[Block]:
        """The records, each with its lines.

        Args:
            continues: a line that begins with white space belongs to the record before it.

        Raises:
            SourceError: it cannot be read on; the blocks before are good.
        """
        line, data, last = 1, self.head.removeprefix(b"\xef\xbb\xbf"), False
        while data or not last:
            last = not (fresh := self._read(BLOCK))
            data += fresh
            if not last and len(data) > LONGEST and b"\n" not in data:
                block, data = self._without(data, line)
            elif cut := len(data) if last else _cut(data, continues):
                block, data = self._block(data[:cut], line), data[cut:]
            else:
                continue
            yield block
            line += block.lines

    def _block(self, data: bytes, line: int) -> Block:
        return Block(data, line, data.count(b"\n") + (not data.endswith(b"\n")), self.position)

    def _without(self, data: bytes, line: int) -> tuple[Block, bytes]:
        """Leave out a line that is too long: keep its begin, read on to its end."""
        begin, rest = data[:_SHOWN], data
        while rest and (end := rest.find(b"\n")) < 0:
            rest = self._read(BLOCK)
        return Block(begin, line, 1, self.position, too_long=True), rest[end + 1 :] if rest else b""

    @property
    def position(self) -> int:
        """Bytes read so far, as they lie on disk."""
        return self._taken

    def _open(self, path: Path | str) -> Any:
        self._taken = 0
        if str(path) == STDIN:
            return sys.stdin.buffer
        try:
            file = Path(path).open("rb")  # noqa: SIM115 - closed by close()
            status = os.fstat(file.fileno())
        except (OSError, ValueError) as error:
            raise self._unreadable(getattr(error, "strerror", None) or str(error)) from error
        if os.path.isfile(path):  # noqa: PTH113 - a named pipe has neither size nor time
            self.size, self.modified = status.st_size, status.st_mtime
        return file

    def _unpacking(self) -> Any:
        rest = _Joined(self._begin, self._raw, self)
        if self._begin.startswith(_GZIP):
            return gzip.GzipFile(fileobj=io.BufferedReader(rest, BLOCK))
        if self._begin.startswith(_ZSTD):
            import pyarrow as pa

            return pa.CompressedInputStream(pa.PythonFile(rest, mode="r"), "zstd")
        return io.BufferedReader(rest, BLOCK)

    def _read(self, size: int) -> bytes:
        parts, missing = [], size
        try:
            while missing and (part := self._plain.read(missing)):  # a packed stream may give less than asked for
                parts.append(part)
                missing -= len(part)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise SourceError(
                f"{self.origin} is damaged or cut off: {error}.", "Pack it again; the lines before are good."
            ) from error
        except OSError as error:
            raise self._unreadable(error.strerror or str(error).splitlines()[0]) from error
        return b"".join(parts)

    def _unreadable(self, why: str) -> SourceError:
        return SourceError(f"{self.origin} cannot be read: {why}.", "Check its name and permissions.")


class _Joined(io.RawIOBase):
    """The first bytes, which were read to tell the format, and the rest of the file."""

    def __init__(self, begin: bytes, rest: Any, source: Source) -> None:
        self._begin = memoryview(begin)
        self._rest = rest
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        view = memoryview(into).cast("B")
        wanted = len(view) if self._source.size is None else min(len(view), self._source.size - self._source.position)
        part = bytes(self._begin[:wanted]) or self._rest.read(wanted) or b""
        self._begin = self._begin[len(part) :]
        view[: len(part)] = part
        self._source._taken += len(part)
        return len(part)


def _cut(data: bytes, continues: bool) -> int:
    """Where the last record begins (of one that is far too long: its last line); 0 if there is nothing to cut off."""
    end = data.rfind(b"\n")
    last = end + 1
    if not continues or len(data) > LONGEST:
        return last
    while end >= 0:
        if end + 1 < len(data) and data[end + 1] not in _SKIP:
            return end + 1
        end = data.rfind(b"\n", 0, end)
    return 0


def decoded(data: bytes) -> tuple[bytes, int]:
    """The same as UTF-8 without NUL bytes; what is none of it becomes U+FFFD. And how many of those there are then."""
    clean = data.replace(b"\0", _REPLACEMENT)
    try:
        clean.decode()
    except UnicodeDecodeError:
        clean = clean.decode(errors="replace").encode()
    return clean, 0 if clean.isascii() else clean.count(_REPLACEMENT)


@dataclass(frozen=True, slots=True)
class Records:
    """Records told apart: where each begins and ends (without line break), the index of its first line; other lines."""

    starts: Numbers
    ends: Numbers
    lines: Numbers
    continued: int
    blank: int


def records(data: bytes) -> Records:
    """The records of a block; lines that begin with white space belong to the one above, empty ones to none."""
    raw = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(raw == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)
    ends = ends - ((ends > starts) & (raw[np.maximum(ends - 1, 0)] == ord("\r")))
    filled = np.flatnonzero(ends > starts)
    first = raw[starts[filled]]
    begins = (first != ord(" ")) & (first != ord("\t"))
    begins[: np.argmax(begins) if begins.any() else len(begins)] = True  # nothing stands above them
    heads = np.flatnonzero(begins)
    lasts = filled[np.append(heads[1:], len(filled))[: len(heads)] - 1]
    lines = filled[heads]
    return Records(starts[lines], ends[lasts], lines, len(filled) - len(heads), len(starts) - len(filled))
