"""Logs that have columns already: JSON Lines, Parquet, Arrow tables and DataFrames, by usual names or by a mapping."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import ParameterError, SourceError
from workbench.log_rows import LOG_ROWS, SEVERITIES, LogBatch
from workbench.rows import REJECTS
from workbench.sources.events_times import parse
from workbench.sources.log_assemble import log_rows
from workbench.sources.log_details import sources, users
from workbench.sources.log_ids import Identities, of_text
from workbench.sources.log_options import UNKNOWN_HOST, LogOptions
from workbench.sources.log_stream import Block, Source, decoded
from workbench.sources.syslog import shortened
from workbench.sources.table_jsonl import JsonRecords
from workbench.sources.table_sql import query

_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "hostname": ("hostname", "host", "server", "node", "machine", "computer"),
    "log_timestamp": ("logtimestamp", "timestamp", "@timestamp", "time", "ts", "datetime"),
    "log_id": ("logid",),
    "severity": ("severity", "level", "loglevel", "lvl"),
    "source": ("source", "unit", "service", "logger", "component"),
    "facility": ("facility",),
    "message": ("message", "msg", "text", "log", "body"),
    "process_name": ("processname", "process", "program", "app", "appname"),
    "process_id": ("processid", "pid"),
    "user_name": ("username", "user"),
    "tags": ("tags",),
    "extra": ("extra",),
}
"""Columns of LOG_ROWS and what else they are called; case, ``_``, ``-`` and blanks do not count."""

_SEVERITY_WORDS: Final = {
    "emergency": ("emerg", "panic", "0"), "alert": ("1",), "critical": ("crit", "fatal", "2"),
    "error": ("err", "severe", "3"), "warning": ("warn", "4"), "notice": ("5",),
    "info": ("information", "informational", "6"), "debug": ("trace", "verbose", "fine", "finer", "finest", "7"),
}  # fmt: skip
_NO_TIME: Final = "has no time"
_LONGEST_HOST: Final = 255
_BATCH: Final = 65_536
_UUID: Final = r"\A[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\z"
_EPOCH: Final = r"\A-?\d{1,19}(\.\d{1,9})?\z"
_PICKED: Final = """
    SELECT nullif(trim(replace(hostname, chr(0), chr(65533))), '') AS hostname,
        nullif(trim(log_timestamp), '') AS log_timestamp,
        nullif(trim(log_id), '') AS log_id, lower(trim(severity)) AS severity, nullif(trim(source), '') AS source,
        nullif(trim(facility), '') AS facility, replace(message, chr(0), chr(65533)) AS message,
        nullif(trim(process_name), '') AS process_name,
        TRY_CAST(process_id AS INTEGER) AS process_id, nullif(trim(user_name), '') AS user_name,
        CASE WHEN tags IS NULL OR (json_valid(tags) AND json_type(CASE WHEN json_valid(tags) THEN tags END) = 'ARRAY')
            THEN tags ELSE CAST(to_json([tags]) AS VARCHAR) END AS tags,
        nullif(CAST(CASE WHEN json_valid(extra) AND json_type(CASE WHEN json_valid(extra) THEN extra END) = 'OBJECT'
            THEN json_merge_patch(rest, CASE WHEN json_valid(extra) THEN extra END) ELSE rest END AS VARCHAR), '{}')
            AS extra,
        raw
    FROM file
"""
"""Null objects and arrays are told apart twice, because the planner may look at the type before the validity."""


Found = Mapping[str, tuple[str, ...]]
"""Column of LOG_ROWS -> the names in the file that may hold it: of each record, the first that does is taken."""


def found_columns(names: Iterable[str], mapping: Mapping[str, str], origin: str) -> Found:
    """Which columns of a file hold which column of LOG_ROWS.

    Raises:
        ParameterError: the mapping names a column that there is not.
    """
    every = list(names)
    if unknown := [column for column in mapping if column not in _USUAL]:
        raise ParameterError(f"Log rows have no column {unknown[0]!r}.", f"They have: {', '.join(_USUAL)}.")
    if missing := [name for name in mapping.values() if name not in every]:
        raise ParameterError(f"{origin} has no column {missing[0]!r}.", f"It has: {', '.join(every[:20])}.")
    plain = {re.sub(r"[_\-\s]", "", name).lower(): name for name in reversed(every) if name not in mapping.values()}
    usual = {
        column: tuple(plain[word] for word in words if word in plain)
        for column, words in _USUAL.items()
        if column not in mapping
    }
    return {column: names for column, names in usual.items() if names} | {key: (name,) for key, name in mapping.items()}


class ColumnReader:
    """Makes rows of records that are told apart."""

    def __init__(self, origin: str, options: LogOptions, default: str) -> None:
        self._origin = origin
        self._options = options
        self._default = default
        self._identities = Identities()

    @property
    def meaning(self) -> tuple[object, ...]:
        """What else than the content decides the rows."""
        return (self._default, self._options.host, self._options.zone, sorted(self._options.columns.items()))

    def rows(self, picked: pa.Table, lines: Any) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """Rows, rejects and notes of text columns: those of LOG_ROWS, ``rest`` (JSON) and ``raw`` (the record)."""
        table = query(_PICKED, file=picked)
        moments, reasons = self._times(table["log_timestamp"])
        named = table["hostname"]
        long = pc.fill_null(pc.greater(pc.utf8_length(named), _LONGEST_HOST), False)
        reasons = pc.if_else(
            pc.and_(pc.is_null(reasons), long), f"its host has more than {_LONGEST_HOST} characters", reasons
        )
        good = pc.is_null(reasons)
        bad = pc.invert(good)
        count = int(pc.sum(bad).as_py() or 0)
        columns = [
            pa.repeat(pa.scalar(self._origin), count),
            pa.array(lines).filter(bad.combine_chunks()),
            reasons.filter(bad),
            shortened(pc.utf8_slice_codeunits(table["raw"].filter(bad), 0, 2000).combine_chunks()),
        ]
        kept = table.filter(good).combine_chunks()
        rows, notes = self._kept(kept, moments.filter(good))
        return rows, pa.table(columns, schema=REJECTS), notes

    def _kept(self, table: pa.Table, moments: Any) -> tuple[pa.Table, dict[str, int]]:
        found = {name: _one(table[name]) for name in table.column_names}
        times = np.asarray(moments.to_numpy(), dtype=np.int64)
        hosts = pc.fill_null(found["hostname"], self._options.host or UNKNOWN_HOST)
        severity, assumed = severities(found["severity"])
        origin = pc.coalesce(found["source"], sources(found["process_name"], self._default))
        given = found.pop("log_id")
        own = self._identities.of(hosts, times, found["raw"])
        columns = {name: found[name] for name in LOG_ROWS.names if name in found and name != "log_timestamp"}
        columns |= {
            "hostname": hosts,
            "log_id": pc.coalesce(stated_ids(given), own) if given.null_count < len(given) else own,
            "severity": severity,
            "source": origin,
            "user_name": pc.coalesce(found["user_name"], users(origin, pc.fill_null(found["message"], ""))),
            "extra": _with_assumed(found["extra"], assumed),
        }
        return log_rows(times, columns), {"missing_host": found["hostname"].null_count}

    def _times(self, texts: Any) -> tuple[Any, Any]:
        """Milliseconds UTC, and why there are none."""
        epoch = pc.fill_null(pc.match_substring_regex(texts, _EPOCH), False)
        times, reasons = parse({"time": pc.if_else(epoch, None, texts)}, self._options.zone)["time"]
        reasons = pc.if_else(pc.is_null(texts), _NO_TIME, pc.binary_join_element_wise("its time", reasons, " "))
        moments = pc.if_else(
            epoch, None, pc.floor_temporal(times, unit="millisecond").cast(pa.timestamp("ms")).cast(pa.int64())
        )
        if pc.any(epoch).as_py():
            since_1970, outside = _epochs(pc.if_else(epoch, texts, None))
            moments = pc.coalesce(moments, since_1970)
            reasons = pc.if_else(
                pc.and_(epoch, outside),
                "its time is outside of the years 1970 to 2262",
                pc.if_else(epoch, None, reasons),
            )
        return moments, reasons


def _one(column: Any) -> Any:
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


def _epochs(texts: Any) -> tuple[Any, Any]:
    """Numbers since 1970 as milliseconds: below 1e11 they are seconds, below 1e14 milli-, below 1e17 microseconds."""
    found = query(
        """
        SELECT CASE WHEN number < 1e11 THEN number * 1000 WHEN number < 1e14 THEN number
            WHEN number < 1e17 THEN number / 1e3 ELSE number / 1e6 END AS moment
        FROM (SELECT TRY_CAST(text AS DECIMAL(38, 9)) AS number FROM file)
        """,
        file=pa.table({"text": texts}),
    )["moment"].cast(pa.float64())
    outside = pc.fill_null(pc.or_(pc.less(found, 0), pc.greater(found, 9.2e12)), True)
    return pc.floor(pc.if_else(outside, None, found)).cast(pa.int64(), safe=False), outside


def severities(words: Any) -> tuple[Any, Any]:
    """The severity that each word (lower case) or syslog number means; and which are assumed because it means none."""
    meaning = {word: name for name, others in _SEVERITY_WORDS.items() for word in (name, *others)}
    encoded = words.dictionary_encode()
    known = pa.array([meaning.get(word) for word in encoded.dictionary.to_pylist()], pa.string())
    stated = known.take(encoded.indices)
    return pc.fill_null(stated, SEVERITIES[6]), pc.is_null(stated)


def stated_ids(texts: Any) -> Any:
    """UUIDs as they are, and any other text as one made of it; null stays null."""
    hexed = pc.replace_substring(texts, "-", "")
    is_uuid = pc.fill_null(
        pc.match_substring_regex(texts, _UUID),
        False,
    )
    raw = query("SELECT unhex(text) AS id FROM file", file=pa.table({"text": pc.if_else(is_uuid, hexed, None)}))["id"]
    hashed = of_text(pc.fill_null(texts, ""))
    return pc.if_else(pc.is_null(texts), None, pc.coalesce(_one(raw).cast(pa.binary(16)), hashed))


def _with_assumed(extra: Any, assumed: Any) -> Any:
    said = pc.if_else(
        pc.is_null(extra),
        '{"severity":"assumed"}',
        pc.binary_join_element_wise(
            pc.binary_replace_slice(pc.fill_null(extra, "}"), -1, 2**31, ""), ',"severity":"assumed"}', ""
        ),
    )
    return pc.if_else(assumed, said, extra)


class JsonReader(ColumnReader):
    """JSON Lines: an object a line."""

    continues: Final = False

    def __init__(self, source: Source, options: LogOptions) -> None:
        super().__init__(source.origin, options, "jsonl")

    def read(self, block: Block) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """Rows, rejects and notes of a block."""
        records, broken, notes = json_records(block, self._origin)
        if not len(records.lines):
            return LOG_ROWS.empty_table(), broken, notes
        found = found_columns(records.names, self._options.columns, self._origin)
        every = records.select({name: name for names in found.values() for name in names})
        picked = pa.table({column: _first(every, found.get(column, ()), len(records.lines)) for column in _USUAL})
        rest = query(
            "SELECT CAST(json_merge_patch(object, $used) AS VARCHAR) AS rest FROM file",
            {"used": json.dumps(dict.fromkeys([*_taken(found), "severity"]))},
            file=pa.table({"object": records.objects}),
        )["rest"]
        whole = picked.append_column("rest", rest).append_column("raw", records.objects)
        rows, rejects, more = self.rows(whole, records.lines + block.first_line - 1)
        return rows, by_line(broken, rejects), notes | more


def json_records(block: Block, origin: str) -> tuple[JsonRecords, pa.Table, dict[str, int]]:
    """The objects of a block, the lines that are none, and notes."""
    data, replaced = decoded(block.data)
    records = JsonRecords(data, origin)
    blank = block.lines - len(records.lines) - len(records.broken)
    broken = [(origin, line + block.first_line - 1, why, text) for line, why, text in records.broken]
    columns = [list(column) for column in zip(*broken, strict=True)] or [[], [], [], []]
    return records, pa.table(columns, schema=REJECTS), {"blank": blank, "replaced_characters": replaced}


def by_line(*rejects: pa.Table) -> pa.Table:
    """Rejects of a block in the order of their lines."""
    return pa.concat_tables(rejects).sort_by("line")


def _first(table: pa.Table, names: Sequence[str], count: int) -> Any:
    """Of each record the first of these columns that has a value."""
    columns = [table[name] for name in names]
    return pc.coalesce(*columns) if columns else pa.nulls(count, pa.string())


def _taken(found: Found) -> list[str]:
    """The columns that ``extra`` does not need to keep; one that only stands in for another stays there, too."""
    return [names[0] for names in found.values()]


def parquet_batches(source: Source, options: LogOptions) -> Iterator[LogBatch]:
    """A Parquet file in batches."""
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(source.seekable())
        read, every = 0, max(file.metadata.num_rows, 1)
        for batch in table_batches(file.iter_batches(_BATCH), file.schema_arrow, source.origin, options, source):
            read += batch.lines
            yield replace(batch, position=(source.size or 0) * read // every)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{source.origin} cannot be read as Parquet: {str(error).splitlines()[0]}",
            "Check that the file is complete.",
        ) from error


def table_batches(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    origin: str,
    options: LogOptions,
    source: Source | None = None,
    content: str | None = None,
) -> Iterator[LogBatch]:
    """Arrow batches as batches of log rows; the rejects' lines count rows from 1.

    ``content`` identifies what the batches hold, where there is no source that does, and it can be known beforehand.

    Raises:
        SourceError: no column holds the time, or one cannot be read as text.
        ParameterError: the mapping names a column that there is not.
    """
    reader = ColumnReader(origin, options, "parquet" if source else "table")
    found = found_columns(schema.names, options.columns, origin)
    if "log_timestamp" not in found:
        raise SourceError(
            f"{origin} has no column with the time.",
            f"Say which it is: --map log_timestamp=NAME; it has {', '.join(schema.names[:20])}.",
        )
    digest = source.digest(reader.meaning) if source else _digest(content or uuid4().hex, reader.meaning)
    line = 1
    for chunk, batch in enumerate(batches):
        table, replaced = _sound(batch, origin)
        rows, rejects, notes = reader.rows(
            _as_text(table, found, origin), np.arange(line, line + batch.num_rows, dtype=np.int64)
        )
        notes["replaced_characters"] = replaced
        line += batch.num_rows
        yield LogBatch(rows, origin, digest, chunk, rejects, batch.num_rows, notes, 0, source.size if source else None)


def _sound(batch: pa.RecordBatch, origin: str) -> tuple[pa.Table, int]:
    """A table in which all text is UTF-8, as Arrow wants it and not every writer keeps it; characters replaced.

    Raises:
        SourceError: a column is damaged otherwise.
    """
    columns, replaced = [], 0
    for field, column in zip(batch.schema, batch.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
                said = f"Column {field.name} of {origin} is damaged: {str(error).splitlines()[0]}."
                raise SourceError(said, "Leave it out, or write the file anew.") from error
            octets = column.cast(pa.large_binary()).to_pylist()
            texts = [None if one is None else one.decode("utf-8", "replace") for one in octets]
            replaced += sum(text.count("\ufffd") for text in texts if text)
            column = pa.array(texts, field.type)
        columns.append(column)
    return pa.table(columns, schema=batch.schema), replaced


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _as_text(table: pa.Table, found: Found, origin: str) -> pa.Table:
    """The columns as text; ``rest`` as JSON of the others, ``raw`` as JSON of all."""
    labels = {name: f"c{place}" for place, name in enumerate(table.column_names)}
    used = {*_taken(found), "severity"}
    picks = [f"{_coalesced(table.schema, found.get(column, ()), labels)} AS {column}" for column in _USUAL]
    others = {name: label for name, label in labels.items() if name not in used}
    rest = f"json_merge_patch('{{}}', {_json(others)})"
    sql = f"SELECT {', '.join(picks)}, {rest} AS rest, {_json(labels)} AS raw FROM file"  # noqa: S608 - names are quoted
    try:
        return query(sql, file=table.rename_columns(list(labels.values())))
    except Exception as error:  # duckdb's, which is imported only when used
        why = str(error).splitlines()[0]
        raise SourceError(f"{origin} cannot be read as text: {why}.", "Leave out columns of uncommon types.") from error


def _json(labels: Mapping[str, str]) -> str:
    pairs = (f"'{name.replace(chr(39), chr(39) * 2)}', {label}" for name, label in labels.items())
    return f"CAST(json_object({', '.join(pairs)}) AS VARCHAR)"


def _coalesced(schema: pa.Schema, names: Sequence[str], labels: Mapping[str, str]) -> str:
    parts = [_cast(schema.field(name).type, labels[name]) for name in names]
    return f"coalesce({', '.join(parts)})" if parts else "CAST(NULL AS VARCHAR)"


def _cast(kind: Any, label: str) -> str:
    """SQL that makes text of a column: times as ISO 8601, bytes as hexadecimal digits, nested values as JSON."""
    if pa.types.is_timestamp(kind):
        utc = f"{label} AT TIME ZONE 'UTC'" if kind.tz else label
        return f"strftime({utc}, '%Y-%m-%dT%H:%M:%S.%f{'Z' if kind.tz else ''}')"
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind):
        return f"lower(hex({label}))"
    if pa.types.is_nested(kind):
        return f"CAST(to_json({label}) AS VARCHAR)"
    return f"CAST({label} AS VARCHAR)"
