"""JSON Lines: every line that is not blank is one object."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.sources.table import Lines, Mask, Numbers, shown, undecodable
from workbench.sources.table_sql import query


class JsonRecords:
    """The records of a JSON Lines text. Numbers and nested values are taken as their JSON text."""

    def __init__(self, text: bytes, origin: str) -> None:
        lines = Lines(text)
        every = lines.array()
        not_text = undecodable(every) & ~lines.blank
        candidates = ~lines.blank & ~not_text
        self._objects = every.filter(pa.array(candidates)).cast(pa.large_string())
        good = self._is_object()
        places = np.flatnonzero(candidates)
        self.lines: Numbers = (places[good] + 1).astype(np.int64)
        self.broken = self._broken(every, np.flatnonzero(not_text), "not UTF-8")
        self.broken += self._broken(every, places[~good], "not a JSON object")
        self._objects = self._objects.filter(pa.array(good))

    @property
    def objects(self) -> Any:
        """The text of each record, as Arrow strings."""
        return self._objects

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The keys that occur in any object, sorted."""
        found = query(
            "SELECT DISTINCT unnest(json_keys(object)) AS name FROM file", file=pa.table({"object": self._objects})
        )
        return tuple(sorted(found["name"].to_pylist()))

    def select(self, columns: Mapping[str, str | None]) -> pa.Table:
        """See :class:`workbench.sources.table.Records`."""
        wanted = {name: _pointer(key) for name, key in columns.items() if key is not None}
        nothing = pa.nulls(len(self.lines), pa.string())
        if not wanted:
            return pa.table(dict.fromkeys(columns, nothing))
        picks = ", ".join(f"nullif(found[{place}], '') AS c{place}" for place in range(1, len(wanted) + 1))
        table = query(
            f"SELECT {picks} FROM (SELECT json_extract_string(object, $pointers) AS found FROM file)",  # noqa: S608
            {"pointers": list(wanted.values())},
            file=pa.table({"object": self._objects}),
        ).rename_columns(list(wanted))
        return pa.table({name: table[name] if name in wanted else nothing for name in columns})

    def texts(self, rows: Numbers) -> list[str]:
        """See :class:`workbench.sources.table.Records`."""
        return [shown(text.encode()) for text in self._objects.take(pa.array(rows)).to_pylist()]

    def _is_object(self) -> Mask:
        told = query(
            "SELECT CASE WHEN json_valid(object) THEN json_type(object) = 'OBJECT' ELSE false END AS good FROM file",
            file=pa.table({"object": self._objects}),
        )
        return np.asarray(told["good"].to_numpy(), dtype=np.bool_)

    @staticmethod
    def _broken(every: Any, rows: Numbers, reason: str) -> list[tuple[int, str, str]]:
        texts = every.take(pa.array(rows)).to_pylist()
        return [(row + 1, reason, shown(text)) for row, text in zip(rows.tolist(), texts, strict=True)]


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
