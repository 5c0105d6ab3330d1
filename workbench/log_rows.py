"""The rows of infrastructure logs on their way from a parser to a store. Times are UTC with milliseconds."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

SEVERITIES: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
"""Syslog severities 0 to 7 (RFC 5424, 6.2.1); a line that states none is ``info``, and ``extra`` says so."""

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
"""infrastructure_logs. ``log_date`` is the UTC day of ``log_timestamp``; ``bucket`` is 0 unless days are split;
``log_id`` is deterministic (16 bytes of a UUID); ``source`` is the input's kind or unit (sshd, kernel, journald …);
``tags`` is a JSON array, ``extra`` a JSON object."""

PARTITION: Final = ("hostname", "log_date", "bucket")
