"""One pass over the lines of a host and day: what a report needs of them, small enough to keep for many days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pyarrow as pa

ERROR_WORDS: Final = (
    "error", "errors", "fail", "failed", "failure", "fatal", "panic", "critical", "exception", "segfault",
    "out of memory",
)  # fmt: skip
"""A line that states no severity counts as an error line if it has one of these words."""
MASKS: Final = (
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "<address>"),
    (r"\b([0-9a-fA-F]{1,4}:){3,7}(:?[0-9a-fA-F]{1,4})\b", "<address>"),
    (r"\b(0x[0-9a-fA-F]+|[0-9a-fA-F]{8,})\b", "<hex>"),
    (r"\d+", "<n>"),
)
"""What is replaced in a message to get its template, in this order."""
_LONGEST: Final = 300
_MOST_TEMPLATES: Final = 20_000
"""Templates of a host and day that are kept; a log with more is no log of repeated messages."""

DAYS: Final = pa.schema(
    [
        ("host", pa.string()), ("lines", pa.int64()), ("errors", pa.int64()), ("assumed", pa.int64()),
        ("future", pa.int64()), ("first", pa.timestamp("ms")), ("last", pa.timestamp("ms")),
    ]
)  # fmt: skip
ERRORS: Final = pa.schema(
    [("host", pa.string()), ("hour", pa.timestamp("ms")), ("process", pa.string()), ("lines", pa.int64())]
)
PROCESSES: Final = pa.schema(
    [("host", pa.string()), ("process", pa.string()), ("lines", pa.int64()), ("errors", pa.int64())]
)
TEMPLATES: Final = pa.schema(
    [
        ("host", pa.string()), ("template", pa.string()), ("sample", pa.string()), ("process", pa.string()),
        ("lines", pa.int64()), ("errors", pa.int64()), ("first_seen", pa.timestamp("ms")),
    ]
)  # fmt: skip
CLOCK: Final = pa.schema([("host", pa.string()), ("moment", pa.timestamp("ms")), ("uptime", pa.float64())])
"""Kernel lines with the seconds since boot, by time."""


def _template() -> str:
    sql = f"left(split_part(coalesce(message, ''), chr(10), 1), {_LONGEST})"
    for pattern, mask in MASKS:
        sql = f"regexp_replace({sql}, '{pattern}', '{mask}', 'g')"
    return sql


_ASSUMED: Final = """contains(coalesce(extra, ''), '"severity":"assumed"')"""
_LINES: Final = f"""
    SELECT log_timestamp AS moment, date_trunc('hour', log_timestamp) AS hour,
        coalesce(process_name, source) AS process, message, ingested_at, {_ASSUMED} AS assumed,
        CASE WHEN {_ASSUMED} THEN regexp_matches(coalesce(message, ''), '(?i)\\b({"|".join(ERROR_WORDS)})\\b')
            ELSE severity IN ('emergency', 'alert', 'critical', 'error') END AS error,
        TRY_CAST(CASE WHEN contains(coalesce(extra, ''), 'uptime_seconds') THEN extra->>'uptime_seconds' END AS DOUBLE)
            AS uptime
    FROM rows
"""  # noqa: S608 - made of constants
_QUESTIONS: Final[Mapping[str, tuple[str, pa.Schema]]] = {
    "days": (
        """
        SELECT $host AS host, count(*) AS lines, count(*) FILTER (error) AS errors,
            count(*) FILTER (assumed) AS assumed, count(*) FILTER (moment > ingested_at + INTERVAL 1 DAY) AS future,
            min(moment) AS first, max(moment) AS last
        FROM lines
        """,
        DAYS,
    ),
    "errors": (
        "SELECT $host AS host, hour, process, count(*) AS lines FROM lines WHERE error GROUP BY ALL ORDER BY ALL",
        ERRORS,
    ),
    "processes": (
        """
        SELECT $host AS host, process, count(*) AS lines, count(*) FILTER (error) AS errors
        FROM lines GROUP BY ALL ORDER BY ALL
        """,
        PROCESSES,
    ),
    "templates": (
        f"""
        SELECT $host AS host, template, min_by(sample, moment) AS sample, min_by(process, moment) AS process,
            count(*) AS lines, count(*) FILTER (error) AS errors, min(moment) AS first_seen
        FROM (SELECT moment, error, process, left(message, {_LONGEST}) AS sample, {_template()} AS template FROM lines)
        WHERE template <> '' GROUP BY template ORDER BY lines DESC, template LIMIT {_MOST_TEMPLATES}
        """,  # noqa: S608 - made of constants
        TEMPLATES,
    ),
    "clock": (
        "SELECT $host AS host, moment, uptime FROM lines WHERE uptime IS NOT NULL ORDER BY moment, uptime",
        CLOCK,
    ),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """Tables over all hosts and days that were read: DAYS, ERRORS, PROCESSES, TEMPLATES, CLOCK."""

    days: pa.Table
    errors: pa.Table
    processes: pa.Table
    templates: pa.Table
    clock: pa.Table

    @classmethod
    def of(cls, parts: Iterable[tuple[str, pa.Table]]) -> Digest:
        """Digest the lines of each host and day; they are let go one after the other."""
        digests = [digest(host, rows) for host, rows in parts if rows.num_rows]
        return cls(
            **{
                name: pa.concat_tables([schema.empty_table(), *(one[name] for one in digests)])
                for name, (_, schema) in _QUESTIONS.items()
            }
        )


def digest(host: str, rows: pa.Table) -> dict[str, pa.Table]:
    """The tables of one host and day."""
    lines = ask(_LINES, {}, rows=rows)
    return {name: ask(sql, {"host": host}, lines=lines).cast(schema) for name, (sql, schema) in _QUESTIONS.items()}


def ask(sql: str, parameters: Mapping[str, Any], **tables: pa.Table) -> pa.Table:
    """The answer of a SELECT over Arrow tables."""
    used = {name: value for name, value in parameters.items() if f"${name}" in sql}
    with _engine().cursor() as cursor:  # sees no other cursor's tables
        for name, table in tables.items():
            cursor.register(name, table)
        return cursor.sql(sql, params=used).to_arrow_table()


@cache
def _engine() -> Any:
    """Opened once: starting it takes longer than most questions."""
    import duckdb

    return duckdb.connect(config={"autoinstall_known_extensions": "false", "python_enable_replacements": "false"})
