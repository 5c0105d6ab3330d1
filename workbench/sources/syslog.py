"""Syslog: RFC 3164, RFC 5424 and rsyslog's ISO times, mixed as they come; so are auth.log and kern.log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.log_rows import SEVERITIES
from workbench.model import zone
from workbench.rows import REJECTS
from workbench.sources.log_assemble import extras, log_rows
from workbench.sources.log_bytes import Mask, Numbers, Text, numbers
from workbench.sources.log_details import sources, uptimes, users
from workbench.sources.log_ids import Identities
from workbench.sources.log_options import FACILITIES, UNKNOWN_HOST, LogOptions
from workbench.sources.log_stream import Block, Source, decoded, records
from workbench.sources.log_times import to_utc
from workbench.sources.syslog_header import NO_PRIORITY, Header, read_headers
from workbench.sources.table import TEXT_LENGTH

_LONGEST_HOST: Final = 255
_HOST_TOO_LONG: Final = f"its host has more than {_LONGEST_HOST} characters"
_STRUCTURED: Final = r'^(?P<data>(?:\[[^\]="\s]+(?: [^\s="\]]+="(?:[^"\\\]]|\\.)*")*\])+|-)(?: (?s:(?P<rest>.*)))?$'
_NO_STRUCTURE: Final = "its structured data is not closed"
_BOM: Final = "\ufeff"


class SyslogReader:
    """Reads the blocks of one source; lines that continue a message are part of it."""

    continues: Final = True

    def __init__(self, source: Source, options: LogOptions) -> None:
        self._origin = source.origin
        self._options = options
        self._identities = Identities()
        self._latest = _latest(source, options)

    @property
    def meaning(self) -> tuple[object, ...]:
        """What else than the content decides the rows."""
        year = self._options.year or (self._latest.year, self._latest.month)
        return ("syslog", self._options.host, self._options.zone, year)

    def read(self, block: Block) -> tuple[pa.Table, pa.Table, dict[str, int]]:
        """The rows, the rejects, and notes of a block."""
        data, replaced = decoded(block.data)
        found = records(data)
        text = Text(data)
        header = read_headers(text, found.starts, found.ends, self._latest)
        moments, exists = self._utc(header)
        refused = header.refused
        refused[(refused == "") & ~exists] = f"its time does not exist in {self._options.zone} (clocks went forward)"
        refused[(refused == "") & (header.host[1] - header.host[0] > _LONGEST_HOST)] = _HOST_TOO_LONG
        structured = _structured(text, header, found.ends)
        good = np.flatnonzero(refused == "")
        notes = {"blank": found.blank, "continued": found.continued, "replaced_characters": replaced}
        rows, more = self._rows(text, header, good, found.starts, found.ends, moments[good], structured)
        return rows, self._rejects(block, text, found, refused), notes | more

    def _utc(self, header: Header) -> tuple[Numbers, Mask]:
        times = header.times
        local, exists = to_utc(times.moments, self._options.zone)
        return np.where(times.offset, times.moments, local), times.offset | exists | ~times.exists

    def _rows(
        self,
        text: Text,
        header: Header,
        good: Numbers,
        starts: Numbers,
        ends: Numbers,
        moments: Numbers,
        structured: Any,
    ) -> tuple[pa.Table, dict[str, int]]:
        def cut(span: tuple[Numbers, Numbers]) -> Any:
            first, last = span[0][good], span[1][good]
            return text.slices(first, last, last <= first)

        named = cut(header.host)
        hosts = pc.fill_null(named, self._options.host or UNKNOWN_HOST)
        raw = text.slices(starts[good], ends[good])
        process = cut(header.process)
        origin = sources(process, "syslog")
        message, uptime = uptimes(origin, _messages(text, header.message[good], ends[good], good, structured))
        priority = header.priority[good]
        assumed = pa.array(priority == NO_PRIORITY)
        pid = header.pid[0][good], header.pid[1][good]
        pids, numeric = numbers(text, *pid, 9)
        other_pid = text.slices(*pid, (pid[1] <= pid[0]) | numeric)
        texts = {"process": other_pid, "message_id": cut(header.message_id)}
        if structured is not None:
            texts["structured_data"] = structured["data"].take(pa.array(good)).combine_chunks()
        columns = {
            "hostname": hosts,
            "log_id": self._identities.of(hosts, moments, raw),
            "severity": _words(SEVERITIES, np.where(priority < 0, SEVERITIES.index("info"), priority % 8)),
            "source": origin,
            "facility": _words(FACILITIES, np.maximum(priority, 0) // 8, priority < 0),
            "message": message,
            "process_name": process,
            "process_id": pa.array(pids.astype(np.int32), mask=~numeric),
            "user_name": users(origin, message),
            "extra": extras(assumed, {"uptime_seconds": uptime}, texts),
        }
        return log_rows(moments, columns), {"missing_host": named.null_count}

    def _rejects(self, block: Block, text: Text, found: Any, refused: Any) -> pa.Table:
        bad = np.flatnonzero(refused != "")
        starts = found.starts[bad]
        texts = text.slices(starts, np.minimum(found.ends[bad], starts + 4 * TEXT_LENGTH))
        columns = [
            pa.repeat(pa.scalar(self._origin), len(bad)),
            pa.array(found.lines[bad] + block.first_line),
            pa.array(refused[bad].tolist(), pa.string()),
            shortened(texts),
        ]
        return pa.table(columns, schema=REJECTS)


def shortened(texts: Any) -> Any:
    """The begin of each text; it may have been cut within a character."""
    binary = texts.cast(pa.binary())
    try:
        binary.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([value.decode(errors="ignore")[:TEXT_LENGTH] for value in binary.to_pylist()], pa.string())
    return pc.utf8_slice_codeunits(texts, 0, TEXT_LENGTH)


def _latest(source: Source, options: LogOptions) -> datetime:
    """Local time before which lines without a year lie; it is a day past the last moment of a stated year."""
    if options.year is not None:
        return datetime(options.year, 12, 30, 23, 59, 59)
    known = (
        datetime.fromtimestamp(source.modified, UTC)
        if source.modified is not None
        else options.now or datetime.now(UTC)
    )
    return known.astimezone(zone(options.zone)).replace(tzinfo=None)


def _words(words: tuple[str, ...], places: Numbers, missing: Mask | None = None) -> Any:
    return pa.array(words).take(pa.array(places, mask=missing))


def _structured(text: Text, header: Header, ends: Numbers) -> Any:
    """Structured data and the message behind it of RFC 5424 lines, a row for each line of any form; or None."""
    rows = np.flatnonzero(header.modern & (header.refused == ""))
    if not len(rows):
        return None
    parts = pc.extract_regex(text.slices(header.message[rows], ends[rows]), _STRUCTURED)
    bad = np.asarray(pc.is_null(parts).to_numpy(zero_copy_only=False))
    header.refused[rows[bad]] = _NO_STRUCTURE
    data, rest = pc.struct_field(parts, "data"), pc.fill_null(pc.struct_field(parts, "rest"), "")
    data = pc.if_else(pc.equal(data, "-"), pa.scalar(None, pa.string()), data)
    rest = pc.if_else(pc.starts_with(rest, _BOM), pc.utf8_slice_codeunits(rest, 1), rest)
    places = np.full(len(header.modern), -1, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    index = pa.array(places, mask=places < 0)
    return pa.table({"data": data.take(index), "rest": rest.take(index)})


def _messages(text: Text, starts: Numbers, ends: Numbers, good: Numbers, structured: Any) -> Any:
    """The messages; CR LF inside of those of several lines becomes LF."""
    messages = text.slices(starts, ends)
    if structured is not None:
        messages = pc.coalesce(structured["rest"].take(pa.array(good)), messages).combine_chunks()
    return pc.replace_substring(messages, "\r\n", "\n") if len(text.places("\r")) else messages
