"""Log rows that are the same whenever they are made, and what a store has to say about them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from workbench.log_rows import LOG_ROWS, SEVERITIES
from workbench.logs.protocol import LogBatch

NASTY = ("<script>alert(1)</script>", "\x1b[31mred\x1b[0m", "nul \0 inside", "grüße 日本 🙂", "", " ", "x" * 5000)
"""Messages that must come back as they are."""


def rows(host: str, first: date, count: int, days: int = 3, seed: int = 1) -> list[dict[str, Any]]:
    """``count`` rows of one host over some days, in order of time."""
    random_ = random.Random(f"{host} {seed}")
    start = datetime(first.year, first.month, first.day)
    span = days * 86_400_000
    made = []
    for number, at in enumerate(sorted(random_.randrange(span) for _ in range(count))):
        stamp = start + timedelta(milliseconds=at)
        made.append(
            {
                "hostname": host,
                "log_date": stamp.date(),
                "bucket": 0,
                "log_timestamp": stamp,
                "log_id": uuid.uuid5(uuid.NAMESPACE_OID, f"{host} {seed} {number}").bytes,
                "severity": random_.choices(SEVERITIES, (1, 1, 2, 10, 20, 30, 200, 20))[0],
                "source": random_.choice(("sshd", "kernel", "cron")),
                "facility": random_.choice((None, "auth")),
                "message": NASTY[number] if number < len(NASTY) else f"line {number} of {host} " + "text " * 60,
                "process_name": random_.choice((None, "sshd", "")),
                "process_id": random_.choice((None, 0, 4711)),
                "user_name": random_.choice((None, "root")),
                "tags": random_.choice((None, '["a"]')),
                "extra": random_.choice((None, '{"k": 1}')),
                "ingested_at": stamp,
            }
        )
    return made


def table(made: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(made), LOG_ROWS)


def batches(made: pa.Table, digest: str, size: int = 500) -> list[LogBatch]:
    """The rows as one source gives them."""
    return [
        LogBatch(made.slice(start, size), "sample", digest, chunk)
        for chunk, start in enumerate(range(0, made.num_rows, size))
    ]


def newest_first(made: pa.Table) -> pa.Table:
    """The order of a partition: ties by id, from the highest."""
    ids = pa.array([identifier.hex() for identifier in made["log_id"].to_pylist()], pa.string())
    order = made.append_column("order", ids).sort_by([("log_timestamp", "descending"), ("order", "descending")])
    return order.drop_columns(["order"]).combine_chunks()


def counted(made: list[dict[str, Any]]) -> dict[tuple[int, str, str], int]:
    """Rows by hour, severity and source, counted one by one."""
    counts: dict[tuple[int, str, str], int] = {}
    for row in made:
        key = (row["log_timestamp"].hour, row["severity"], row["source"])
        counts[key] = counts.get(key, 0) + 1
    return counts


def as_counts(stats: pa.Table) -> dict[tuple[int, str, str], int]:
    """A store's counts, to compare with :func:`counted`."""
    return {(r["hour"], r["severity"], r["source"]): r["rows"] for r in stats.to_pylist()}
