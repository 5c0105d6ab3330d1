"""Rows of infrastructure logs, on their way from a parser to a store. Times are UTC with milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from workbench.rows import REJECTS

SEVERITIES: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
"""Syslog severities 0 to 7 (RFC 5424, 6.2.1); a line that states none is ``info``, and ``extra`` says so."""

ASSUMED: Final = '{"severity":"assumed"}'
"""``extra`` of a row whose line states no severity and has nothing else to keep."""

LOG_ROWS: Final = pa.schema(
    [
        pa.field("hostname", pa.string(), nullable=False),
        pa.field("log_date", pa.date32(), nullable=False),
        pa.field("bucket", pa.int16(), nullable=False),
        pa.field("log_timestamp", pa.timestamp("ms"), nullable=False),
        pa.field("log_id", pa.binary(16), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("facility", pa.string()),
        pa.field("message", pa.string()),
        pa.field("process_name", pa.string()),
        pa.field("process_id", pa.int32()),
        pa.field("user_name", pa.string()),
        pa.field("tags", pa.string()),
        pa.field("extra", pa.string()),
        pa.field("ingested_at", pa.timestamp("ms")),
    ]
)
"""infrastructure_logs (docs/architecture.md). ``log_date`` is the UTC day of ``log_timestamp``; ``bucket`` is 0 unless
days are split; ``log_id`` is deterministic (16 bytes of a UUID of version 8, or the source's own); ``source`` is the
input's kind or unit (sshd, kernel, journald …); ``tags`` is a JSON array, ``extra`` a JSON object."""

PARTITION: Final = ("hostname", "log_date", "bucket")


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Rows (LOG_ROWS) in the order of their source, and where that batch ends in it.

    Attributes:
        rows: what was understood.
        origin: the source for people: a file's name without its folder, or ``standard input``.
        digest: identifies the source's content and every option that decides its meaning; of a pipe, whose end nobody
            knows yet, this one reading of it.
        chunk: numbers the batches of a source from 0. The same source gives the same batches, so (digest, chunk) says
            what a checkpoint and the counts have seen.
        rejects: lines that were not understood (workbench.rows.REJECTS).
        lines: lines of the source in this batch: each is a row, a reject, a line of the message above, or blank.
        notes: what to know about the rows: name -> count, such as ``missing_host``.
        position: bytes of the source (as it lies on disk) read so far, for progress.
        size: all of its bytes; None of a pipe.
    """

    rows: pa.Table
    origin: str
    digest: str
    chunk: int
    rejects: pa.Table = field(default_factory=REJECTS.empty_table)
    lines: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)
    position: int = 0
    size: int | None = None
