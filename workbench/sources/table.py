"""Opening a file of records: CSV, JSON Lines or Parquet, gzip or not, with the line on which each record begins.

A record that cannot be read is a reject with its line, and never stops the rest. What the columns mean is not decided
here: a reader hands out text (Parquet: also timestamps), and ``events`` and ``export`` make facts of it.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.errors import SourceError
from workbench.rows import REJECTS

STDIN: Final = "-"
TEXT_LENGTH: Final = 500
"""Characters of a rejected record that are kept."""

Format = Literal["csv", "jsonl", "parquet"]
_SUFFIXES: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
_BLANK: Final = b" \t\r\n"

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


class Records(Protocol):
    """A file whose records are told apart; only the columns that are asked for are parsed."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns as the file spells them."""

    @property
    def lines(self) -> Numbers:
        """Where each readable record begins (1 = first line of the file; Parquet: 1 = first row)."""

    @property
    def broken(self) -> Sequence[tuple[int, str, str]]:
        """Records that are none: line, reason, text."""

    def select(self, columns: Mapping[str, str | None]) -> pa.Table:
        """Columns by new name: text, null where empty or where the file has none; Parquet timestamps stay as such."""

    def texts(self, rows: Numbers) -> list[str]:
        """What the file says in these records, cut at TEXT_LENGTH."""


class Opened:
    """A file, read and told apart.

    Attributes:
        origin: the file's name without its folder.
        content: its bytes, for the digest.
    """

    def __init__(self, origin: str, content: bytes, records: Records) -> None:
        self.origin = origin
        self.content = content
        self.records = records

    def digest(self, *meaning: object) -> str:
        """sha256 of the content and of what else decides its meaning."""
        whole = hashlib.sha256(repr(meaning).encode("utf-8", "surrogatepass"))
        whole.update(self.content)
        return whole.hexdigest()

    def rejects(self, rows: Numbers, reasons: Sequence[str]) -> pa.Table:
        """The broken records and these ones, by line."""
        told = zip(self.records.lines[rows].tolist(), reasons, self.records.texts(rows), strict=True)
        every = sorted([*self.records.broken, *told])
        lines, why, texts = zip(*every, strict=True) if every else ((), (), ())
        return pa.table([[self.origin] * len(every), list(lines), list(why), list(texts)], schema=REJECTS)


def open_records(path: Path | str) -> Opened:
    """Reads a file (``-``: standard input).

    Raises:
        SourceError: it is missing, empty, unreadable as a whole, or has no header.
    """
    origin = "standard input" if str(path) == STDIN else Path(path).name
    content = _content(path, origin)
    plain = _unpacked(content, origin)
    kind = _format(Path(path), plain, origin)
    try:
        return Opened(origin, content, _reader(kind, plain, origin))
    except pa.ArrowException as error:
        raise SourceError(
            f"{origin} cannot be read as {kind}: {str(error).splitlines()[0]}", "Check that the file is complete."
        ) from error


def _reader(kind: Format, plain: bytes, origin: str) -> Records:
    from workbench.sources.table_csv import CsvRecords
    from workbench.sources.table_jsonl import JsonRecords
    from workbench.sources.table_parquet import ParquetRecords

    if kind == "parquet":
        return ParquetRecords(plain)
    text = plain.removeprefix(b"\xef\xbb\xbf")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{origin} is UTF-16 text.", "Save it as UTF-8.")
    if not text.strip(_BLANK):
        raise SourceError(f"{origin} has nothing but blank lines.", "Give a file with a header or with JSON lines.")
    return CsvRecords(text, origin) if kind == "csv" else JsonRecords(text, origin)


def _content(path: Path | str, origin: str) -> bytes:
    try:
        content = sys.stdin.buffer.read() if str(path) == STDIN else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{origin} cannot be read: {why}.", "Check its name and permissions.") from error
    if not content:
        raise SourceError(f"{origin} is empty (0 bytes).", "Was it exported completely?")
    return content


def _unpacked(content: bytes, origin: str) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{origin} is damaged or cut off gzip: {error}.", "Compress it again.") from error


def _format(path: Path, plain: bytes, origin: str) -> Format:
    """By the content where that is certain, else by the name, else by the first character."""
    if plain.startswith(b"PAR1"):
        return "parquet"
    named = _SUFFIXES.get((path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower())
    if named == "parquet":
        raise SourceError(f"{origin} is not a Parquet file.", "Check that it was copied completely.")
    first = plain.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)[:1]
    if named == "jsonl" and path.suffix.lower() == ".json" and first == b"[":
        raise SourceError(f"{origin} is one JSON array.", "Give one object a line, as made by: jq -c '.[]' FILE.")
    return named or ("jsonl" if first == b"{" else "csv")


class Lines:
    """A text cut into physical lines (ended by LF or CR LF), not copied: line i is data[edges[i]:edges[i + 1]]."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")) + 1
        last = [] if data.endswith(b"\n") else [len(data)]
        self.edges: Numbers = np.concatenate(([0], ends, last)).astype(np.int64)

    def __len__(self) -> int:
        return len(self.edges) - 1

    def array(self, starts: Mask | None = None) -> Any:
        """As Arrow binary, zero-copy; lines outside of ``starts`` belong to the line before."""
        edges = self.edges if starts is None else np.append(self.edges[:-1][starts], self.edges[-1])
        buffers = [None, pa.py_buffer(np.ascontiguousarray(edges)), pa.py_buffer(self.data)]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(edges) - 1, buffers)

    @cached_property
    def blank(self) -> Mask:
        """Which lines hold nothing but white space."""
        import pyarrow.compute as pc

        return mask(pc.match_substring_regex(self.array(), r"\A[ \t\r\n]*\z"))


def mask(values: Any) -> Mask:
    """Arrow booleans (null: false) as numpy."""
    return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def undecodable(records: Any) -> Mask:
    """Which of these binary values are not UTF-8."""
    bad = np.zeros(len(records), dtype=np.bool_)
    try:
        records.cast(pa.large_string())
    except pa.ArrowInvalid:  # rare: look at each that is not plain ASCII
        for row, value in enumerate(records.to_pylist()):
            bad[row] = not value.isascii() and not _decodes(value)
    return bad


def _decodes(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def shown(value: bytes) -> str:
    """A record as text for the reject file."""
    return value[: 4 * TEXT_LENGTH].decode(errors="replace").rstrip("\r\n")[:TEXT_LENGTH]
