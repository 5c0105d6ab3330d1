"""Log rows for tests, worked out by hand or drawn by hypothesis."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from workbench.log_rows import LOG_ROWS, LogBatch

DAY = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 3, 1)


def row(moment: datetime | float, message: str = "hello", host: str = "web-1", **more: Any) -> dict[str, Any]:
    """A row; ``moment`` may be seconds after midnight of DAY. The id is made of host, time and message."""
    at = moment if isinstance(moment, datetime) else MIDNIGHT + timedelta(seconds=moment)
    digest = bytearray(hashlib.sha256(repr((host, at, message)).encode()).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    return {
        "hostname": host,
        "log_date": at.date(),
        "bucket": 0,
        "log_timestamp": at,
        "log_id": bytes(digest),
        "severity": "info",
        "source": "app",
        "facility": None,
        "message": message,
        "process_name": "app",
        "process_id": 7,
        "user_name": None,
        "tags": '["a"]',
        "extra": '{"severity":"assumed"}',
        "ingested_at": datetime(2026, 6, 1),
        **more,
    }


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as they travel."""
    return pa.Table.from_pylist(list(rows), schema=LOG_ROWS)


def batches(*parts: Sequence[dict[str, Any]], digest: str = "d") -> list[LogBatch]:
    """Batches of one source."""
    return [LogBatch(table(rows), "syslog", digest, chunk) for chunk, rows in enumerate(parts)]


def newest_first(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The order in which a store answers."""
    return sorted(rows, key=lambda found: (found["log_timestamp"], found["log_id"]), reverse=True)
