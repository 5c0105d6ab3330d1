"""systemd's journal as ``journalctl -o json`` writes it: one entry a line; the cursor names it."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.log_rows import LOG_ROWS, SEVERITIES
from workbench.rows import REJECTS
from workbench.sources.log_assemble import extras, log_rows
from workbench.sources.log_details import users
from workbench.sources.log_ids import Identities, of_text
from workbench.sources.log_options import FACILITIES, UNKNOWN_HOST, LogOptions
from workbench.sources.log_stream import Block, Source
from workbench.sources.log_table import by_line, json_records
from workbench.sources.syslog import shortened
from workbench.sources.table_sql import query

_NO_TIME: Final = "has no __REALTIME_TIMESTAMP, so it is no journal entry"
_LATEST: Final = 9_214_646_400_000_000  # the end of 2261, in microseconds
_FIELDS: Final = {
    "host": "_HOSTNAME", "message": "MESSAGE", "priority": "PRIORITY", "facility": "SYSLOG_FACILITY",
    "unit": "_SYSTEMD_UNIT", "identifier": "SYSLOG_IDENTIFIER", "comm": "_COMM",
    "pid": "_PID", "stated_pid": "SYSLOG_PID", "cursor": "__CURSOR",
    "transport": "_TRANSPORT", "boot": "_BOOT_ID", "uid": "_UID", "message_id": "MESSAGE_ID",
}  # fmt: skip
_ENTRIES: Final = f"""
    SELECT {", ".join(f"nullif(object->>'{field}', '') AS {name}" for name, field in _FIELDS.items())},
        TRY_CAST(object->>'__REALTIME_TIMESTAMP' AS BIGINT) AS realtime,
        json_type(object, '$.MESSAGE') AS kind, object AS raw
    FROM file
"""  # noqa: S608 - made of constants
_NUMBERS: Final = """
    SELECT TRY_CAST(priority AS UTINYINT) AS priority, TRY_CAST(facility AS UTINYINT) AS facility,
        coalesce(TRY_CAST(pid AS INTEGER), TRY_CAST(stated_pid AS INTEGER)) AS pid,
        lower(regexp_replace(coalesce(
            CASE WHEN transport = 'kernel' THEN 'kernel' END, nullif(regexp_extract(unit, '(.*)[.]service$', 1), ''),
            unit, identifier, comm, 'journald'), '@.*$', '')) AS source
    FROM file
"""


class JournalReader:
    """Reads the blocks of one source."""

    continues: Final = False

    def __init__(self, source: Source, options: LogOptions) -> None:
        self._origin = source.origin
        self._options = options
        self._identities = Identities()

    @property
    def meaning(self) -> tuple[object, ...]:
        """What else than the content decides the rows."""
        return ("journald", self._options.host)

    def read(self, block: Block) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """Rows, rejects and notes of a block."""
        records, broken, notes = json_records(block, self._origin)
        if not len(records.lines):
            return LOG_ROWS.empty_table(), broken, notes
        entries = query(_ENTRIES, file=pa.table({"object": records.objects})).combine_chunks()
        time = entries["realtime"]
        good = pc.fill_null(pc.and_(pc.greater_equal(time, 0), pc.less(time, _LATEST)), False)
        rejects = self._rejects(entries["raw"], pc.invert(good), records.lines + block.first_line - 1)
        rows, more = self._rows(entries.filter(good).combine_chunks())
        return rows, by_line(broken, rejects), notes | more

    def _rows(self, entries: pa.Table) -> tuple[pa.Table, dict[str, int]]:
        found = {name: _one(entries[name]) for name in entries.column_names}
        numbers = {
            name: _one(column) for name, column in zip(_names(), query(_NUMBERS, file=entries).columns, strict=True)
        }
        moments = np.asarray(found["realtime"].to_numpy(), dtype=np.int64) // 1000
        hosts = pc.fill_null(found["host"], self._options.host or UNKNOWN_HOST)
        priority = pc.if_else(pc.less(numbers["priority"], len(SEVERITIES)), numbers["priority"], None)
        facility = pc.if_else(pc.less(numbers["facility"], len(FACILITIES)), numbers["facility"], None)
        source = pc.if_else(pc.equal(numbers["source"], ""), "journald", numbers["source"])
        message = _messages(found["message"], found["kind"])
        own = self._identities.of(hosts, moments, found["raw"])
        cursor = found["cursor"]
        named = of_text(pc.fill_null(cursor, ""))
        kept = {name: found[name] for name in ("unit", "transport", "boot", "uid", "message_id")}
        columns = {
            "hostname": hosts,
            "log_id": pc.if_else(pc.is_valid(cursor), named, own),
            "severity": pc.fill_null(pa.array(SEVERITIES).take(priority), "info"),
            "source": source,
            "facility": pa.array(FACILITIES).take(facility),
            "message": message,
            "process_name": pc.coalesce(found["identifier"], found["comm"]),
            "process_id": numbers["pid"],
            "user_name": users(pc.coalesce(found["identifier"], source), pc.fill_null(message, "")),
            "extra": extras(pc.is_null(priority), {}, kept),
        }
        return log_rows(moments, columns), {"missing_host": found["host"].null_count}

    def _rejects(self, raw: Any, bad: Any, lines: Any) -> pa.Table:
        rows = pc.indices_nonzero(bad)
        columns = [
            pa.repeat(pa.scalar(self._origin), len(rows)),
            pa.array(lines).take(rows),
            pa.repeat(pa.scalar(_NO_TIME), len(rows)),
            shortened(_one(pc.utf8_slice_codeunits(raw.take(rows), 0, 2000))),
        ]
        return pa.table(columns, schema=REJECTS)


def _names() -> tuple[str, ...]:
    return ("priority", "facility", "pid", "source")


def _one(column: Any) -> Any:
    return pa.concat_arrays([pa.array([], column.type), *column.chunks])


def _messages(texts: Any, kinds: Any) -> Any:
    """Messages that are not text come as arrays of their bytes; a field that occurs twice, as an array of texts."""
    arrays = pc.fill_null(pc.equal(kinds, "ARRAY"), False)
    if not pc.any(arrays).as_py():
        return texts
    return pc.replace_with_mask(
        texts, arrays, pa.array([_joined(text) for text in texts.filter(arrays).to_pylist()], pa.string())
    )


def _joined(text: str) -> str:
    """One by one: such messages are few, and nothing reads an array of numbers as bytes by columns."""
    values = json.loads(text)
    if all(isinstance(value, int) and 0 <= value <= 255 for value in values):
        return bytes(values).decode(errors="replace").replace("\0", "\ufffd")
    return "\n".join(str(value) for value in values)
