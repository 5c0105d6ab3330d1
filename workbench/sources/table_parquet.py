"""Parquet: rows and their numbers are certain; columns that are not timestamps are taken as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.errors import SourceError
from workbench.sources.table import TEXT_LENGTH, Numbers


class ParquetRecords:
    """The rows of a Parquet file."""

    def __init__(self, content: bytes) -> None:
        from pyarrow import parquet

        self._file = parquet.ParquetFile(pa.BufferReader(content))
        self.broken: tuple[tuple[int, str, str], ...] = ()
        self.names: tuple[str, ...] = tuple(self._file.schema_arrow.names)
        self.lines: Numbers = np.arange(1, self._file.metadata.num_rows + 1, dtype=np.int64)

    def select(self, columns: Mapping[str, str | None]) -> pa.Table:
        """See :class:`workbench.sources.table.Records`."""
        nothing = pa.nulls(len(self.lines), pa.string())
        return pa.table({name: nothing if key is None else self._column(key) for name, key in columns.items()})

    def texts(self, rows: Numbers) -> list[str]:
        """See :class:`workbench.sources.table.Records`."""
        if not len(rows):
            return []
        found = self._everything.take(pa.array(rows)).to_pylist()
        return [json.dumps(row, default=str, ensure_ascii=False)[:TEXT_LENGTH] for row in found]

    @cached_property
    def _everything(self) -> pa.Table:
        return self._file.read()

    def _column(self, name: str) -> Any:
        import pyarrow.compute as pc

        try:
            column = self._everything[name]
            if pa.types.is_dictionary(column.type):
                column = column.cast(column.type.value_type)
            if pa.types.is_timestamp(column.type):
                return column
            text = column.cast(pa.string())
            text.validate(full=True)
        except (pa.ArrowException, KeyError) as error:
            raise SourceError(
                f"The column {name!r} cannot be read as text: {error}.", "Write it as a string."
            ) from error
        return pc.if_else(pc.equal(text, ""), None, text)
