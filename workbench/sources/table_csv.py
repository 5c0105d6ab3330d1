"""CSV (RFC 4180; comma, semicolon or tab): which lines are a record, then one parse of those that are.

A quoted value may hold line breaks, and a stray quote must not swallow the rest of the file. So records are told apart
first: a line that is a whole record of the header's width is one; only for the others are following lines looked at.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import SourceError
from workbench.sources.table import Lines, Mask, Numbers, mask, shown, undecodable

MOST_COLUMNS: Final = 500
_DELIMITERS: Final = ",;\t"


class CsvRecords:
    """The records of a CSV text that begins with a header."""

    def __init__(self, text: bytes, origin: str) -> None:
        self.broken: list[tuple[int, str, str]] = []
        self._lines = Lines(text)
        self._origin = origin
        top = int(np.argmin(self._lines.blank))
        self.names, self._delimiter, below = _header(self._lines, top, origin)
        self._starts, failed = self._tell_apart(below)
        firsts = np.flatnonzero(self._starts)
        records = self._lines.array(self._starts)
        self._keep = ~self._lines.blank[firsts] & (firsts >= below)
        for row in failed:
            self._keep[np.searchsorted(firsts, row)] = False
            self.broken.append((row + 1, self._why(row), shown(self._line(row))))
        self._reject_undecodable(records, firsts)
        self._records = records
        self.lines: Numbers = (firsts[self._keep] + 1).astype(np.int64)

    def select(self, columns: Mapping[str, str | None]) -> pa.Table:
        """See :class:`workbench.sources.table.Records`."""
        from pyarrow import csv as arrow_csv

        wanted = {name: self.names.index(found) for name, found in columns.items() if found is not None}
        nothing = pa.nulls(len(self.lines), pa.string())
        if not wanted or not len(self.lines):
            return pa.table(dict.fromkeys(columns, nothing))
        labels = [str(place) for place in range(len(self.names))]
        used = sorted({labels[place] for place in wanted.values()})
        table = arrow_csv.read_csv(
            pa.BufferReader(self._body),
            read_options=arrow_csv.ReadOptions(column_names=labels, block_size=self._block_size),
            parse_options=arrow_csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=self._many_lined),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=used,
                column_types=dict.fromkeys(used, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        if table.num_rows != len(self.lines):
            raise SourceError(f"{self._origin} cannot be read as CSV.", "Check its quotes and delimiters.")
        return pa.table({name: table[labels[wanted[name]]] if name in wanted else nothing for name in columns})

    def texts(self, rows: Numbers) -> list[str]:
        """See :class:`workbench.sources.table.Records`."""
        return [shown(value) for value in self._kept.take(pa.array(rows)).to_pylist()]

    @cached_property
    def _kept(self) -> Any:
        return self._records if self._keep.all() else self._records.filter(pa.array(self._keep))

    @property
    def _body(self) -> Any:
        """The bytes of the kept records, one after the other; not copied where only the header is left out."""
        kept = np.flatnonzero(self._keep)
        if kept[-1] - kept[0] + 1 == len(kept):
            edges = self._lines.edges[:-1][self._starts]
            end = edges[kept[-1] + 1] if kept[-1] + 1 < len(edges) else len(self._lines.data)
            return pa.py_buffer(self._lines.data).slice(int(edges[kept[0]]), int(end - edges[kept[0]]))
        return self._kept.buffers()[2]

    @property
    def _many_lined(self) -> bool:
        return not bool(self._starts.all()) or self._stray_return

    @property
    def _block_size(self) -> int:
        longest = int(np.diff(self._lines.edges[np.append(self._starts, True)]).max())
        return min(max(4 * 1024 * 1024, 2 * longest), 2**31 - 1)

    @cached_property
    def _stray_return(self) -> bool:
        return self._lines.data.count(b"\r") != self._lines.data.count(b"\r\n")

    def _tell_apart(self, below: int) -> tuple[Mask, list[int]]:
        """Which lines begin a record (or are blank, or the header), and which of them are no record."""
        starts = np.ones(len(self._lines), dtype=np.bool_)
        starts[1:below] = False
        whole = self._whole()
        spanning = re.compile(_pattern(self._delimiter, len(self.names), "++", "*+"))
        failed, done = [], below
        for row in np.flatnonzero(~whole & ~self._lines.blank).tolist():
            if row < done:
                continue
            end = _record_end(self._lines, row, spanning)
            if end is None:
                failed.append(row)
            else:
                starts[row + 1 : end] = False
                done = end
        return starts, failed

    def _whole(self) -> Mask:
        """Which lines are a record of the header's width by themselves."""
        lines = self._lines.array()
        pattern = r"\A" + _pattern(self._delimiter, len(self.names)).decode() + r"\r?\n?\z"
        if self._stray_return:
            return mask(pc.match_substring_regex(lines, pattern))
        found = mask(pc.equal(pc.count_substring(lines, self._delimiter), len(self.names) - 1))
        quoted = mask(pc.match_substring(lines, '"'))
        if quoted.any():
            found[quoted] = mask(pc.match_substring_regex(lines.filter(pa.array(quoted)), pattern))
        return found

    def _line(self, row: int) -> bytes:
        return self._lines.data[self._lines.edges[row] : self._lines.edges[row + 1]]

    def _why(self, row: int) -> str:
        line = self._line(row).rstrip(b"\r\n")
        separate = re.compile(_pattern(self._delimiter, None, "++", "*+")).fullmatch(line)
        if separate is None:
            return "a quote is not closed, or stands inside of a value"
        count = len(next(csv.reader([line.decode("latin-1")], delimiter=self._delimiter)))
        return f"{count} {'value' if count == 1 else 'values'} for {len(self.names)} columns"

    def _reject_undecodable(self, records: Any, firsts: Numbers) -> None:
        for record in np.flatnonzero(undecodable(records) & self._keep).tolist():
            self._keep[record] = False
            self.broken.append((int(firsts[record]) + 1, "not UTF-8", shown(records[record].as_py())))


def _header(lines: Lines, top: int, origin: str) -> tuple[tuple[str, ...], str, int]:
    """The column names, the delimiter, and the line (from 0) below the header."""
    text, below = _header_text(lines, top)
    try:
        widest = max(_DELIMITERS, key=lambda delimiter: len(_split(text, delimiter)))
        names = tuple(name.strip() for name in _split(text, widest))
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"The header of {origin} cannot be read: {error}.", "Save it as UTF-8 CSV.") from error
    if len(names) > MOST_COLUMNS:
        raise SourceError(f"{origin} has {len(names)} columns.", f"Keep to the ones needed, at most {MOST_COLUMNS}.")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise SourceError(f"{origin} has two columns named {twice[0]!r}.", "Rename or remove one.")
    return names, widest, below


def _header_text(lines: Lines, top: int) -> tuple[bytes, int]:
    for delimiter in _DELIMITERS:
        below = _record_end(lines, top, re.compile(_pattern(delimiter, None, "++", "*+")))
        if below is not None:
            return lines.data[lines.edges[top] : lines.edges[below]], below
    return lines.data[lines.edges[top] : lines.edges[top + 1]], top + 1


def _split(text: bytes, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(text.decode().rstrip("\r\n"), newline=""), delimiter=delimiter))


def _pattern(delimiter: str, width: int | None, many: str = "", any_number: str = "*") -> bytes:
    """A record: values that are quoted (a quote inside is doubled), or do not begin with a quote.

    With ``++`` and ``*+`` (possessive, for Python's re) it takes time in proportion to the text, whatever the text.
    """
    quoted = rf'"(?:[^"]{many}|""){any_number}"'
    bare = rf'[^"{delimiter}\r\n][^{delimiter}\r\n]{any_number}'
    value = f"(?:{quoted}|{bare}|)"
    rest = "*" if width is None else f"{{{width - 1}}}"
    return f"{value}(?:{delimiter}{value}){rest}".encode()


def _record_end(lines: Lines, row: int, pattern: re.Pattern[bytes]) -> int | None:
    """The line (from 0) after the record that begins on line ``row``; None if none does."""
    match = pattern.match(lines.data, int(lines.edges[row]))
    if match is None:
        return None
    end = match.end()
    if lines.data[end : end + 2] == b"\r\n":
        end += 1
    if end < len(lines.data) and lines.data[end : end + 1] != b"\n":
        return None
    return int(np.searchsorted(lines.edges, min(end + 1, len(lines.data))))
