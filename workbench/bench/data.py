"""Generated data: the same for the same seed, and shaped as real data is.

Facts: a few projects have most of the rows (Zipf, exponent 0.8); people deploy on weekdays around two in the afternoon,
and some days see a burst of deployments; most deployments ship a few changes and some ship hundreds; lead and recovery
times are log-normal with a long tail; incidents follow one deployment in twenty, within hours. Logs: a few hosts write
most lines, seconds come in bursts, one line in fifty is a stack trace of kilobytes, errors are rare. docs/benchmarks.md
has the figures.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.log_rows import LOG_ROWS, SEVERITIES
from workbench.logs.protocol import LogBatch
from workbench.metrics.protocol import State
from workbench.rows import FACTS, FEATURES, IMPORTS

SEED: Final = 20_260_101
FIRST_DAY: Final = date(2024, 1, 1)
DAYS: Final = 731
END: Final = datetime(2026, 1, 1)
"""Facts span the two years before it."""
LOG_DAY: Final = date(2026, 1, 1)
LOG_DAYS: Final = 5
LOG_HOSTS: Final = 20
READ_HOSTS: Final = 4
READ_DAYS: Final = 2
"""Lines that are read are of few hosts and days, so that a day of the busiest has a fifth of them."""
MOST_NAMES: Final = 200_000
"""Data with more rows have no titles: no question about so many rows shows them."""
EMPTY: Final = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
_DAY_US: Final = 86_400_000_000
_WORDS: Final = (
    "cache", "checkout", "retry", "index", "payment", "timeout", "header", "export", "login", "queue", "report",
    "search", "session", "upload", "webhook", "currency", "invoice", "layout", "migration", "parser",
)  # fmt: skip
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36"
_VERBS: Final = ("Add", "Fix", "Remove", "Speed up", "Rename", "Test", "Document", "Guard")

# One project's rows, from the numbers that numpy drew: names are digests, so they compress as badly as real ones.
_FACTS: Final = """
SELECT
  $project AS project,
  CASE WHEN phase < 3 OR named THEN md5($project || 'd' || cycle) ELSE '' END AS cycle_id,
  CASE WHEN phase = 3 THEN 'INC-' || feature ELSE md5($project || 'c' || feature) END AS feature_id,
  CASE phase WHEN 0 THEN 'deployment' WHEN 1 THEN 'planning' WHEN 2 THEN 'testing' ELSE 'maintenance' END AS phase_name,
  CASE WHEN phase = 3 THEN CASE WHEN isnan(seconds) THEN 'open' ELSE 'fixed' END
       WHEN decision = 0 THEN 'go' WHEN decision = 1 THEN 'rework' ELSE 'no-go' END AS decision,
  CASE WHEN isnan(seconds) THEN NULL ELSE CAST(seconds AS DECIMAL(12,2)) END AS duration_seconds,
  CASE WHEN phase = 3 THEN md5($project || 'd' || cycle) END AS charged_to,
  CASE WHEN phase = 3 THEN CASE WHEN named THEN 'named' ELSE 'time' END END AS link_rule,
  NULL AS fixed_by,
  CASE phase WHEN 0 THEN 'git' WHEN 3 THEN 'incidents' ELSE 'export' END AS source,
  NULL AS updated_at,
  CASE WHEN phase = 3 THEN '{"url": "https://tracker.example/INC-' || feature || '"}' END AS metadata,
  make_timestamp(moment) AS created_at
FROM drawn
"""


def renamed(state: State, project: str) -> State:
    """The same rows under another project's name."""

    def named(table: pa.Table) -> pa.Table:
        index = table.schema.get_field_index("project")
        return table.set_column(index, table.schema.field(index), pa.repeat(pa.scalar(project), table.num_rows))

    return State(named(state.facts), named(state.features), named(state.imports))


def project_names(rows: int) -> tuple[str, ...]:
    """The projects that so many rows are spread over, the largest first: 5 for ten thousand, 50 for a million."""
    return tuple(f"service-{number:03d}" for number in range(max(1, round(math.sqrt(rows / 400)))))


def typical_project(rows: int) -> str:
    """The project whose share of the rows is closest to the mean."""
    names = project_names(rows)
    sizes = _zipf(len(names), rows)
    return names[int(np.argmin(np.abs(sizes - rows / len(names))))]


def states(rows: int, seed: int = SEED) -> Iterator[tuple[str, State]]:
    """About so many rows of dora_metrics (never more than 3 % off), a project at a time."""
    names = project_names(rows)
    for number, (name, size) in enumerate(zip(names, _zipf(len(names), rows).tolist(), strict=True)):
        drawn = _draw(np.random.default_rng([seed, number]), size)
        facts = _facts(name, drawn)
        rng = np.random.default_rng([seed, number, 1])
        features = _features(facts, name, rng) if rows <= MOST_NAMES else FEATURES.empty_table()
        yield name, State(facts, features, _imports(name, facts.num_rows))


def _zipf(count: int, total: int, exponent: float = 0.8) -> NDArray[np.int64]:
    weights = 1 / np.arange(1, count + 1) ** exponent
    sizes: NDArray[np.int64] = np.maximum(1, np.round(weights / weights.sum() * total)).astype(np.int64)
    return sizes


def _draw(rng: np.random.Generator, size: int) -> dict[str, NDArray[Any]]:
    """Columns of numbers; phase 0 is deployment, 1 planning, 2 testing, 3 maintenance; moment is in microseconds."""
    sizes = np.minimum(np.ceil(rng.lognormal(1.6, 0.9, max(1, size // 8))), 400).astype(np.int64)
    sizes = sizes[: max(1, int(np.searchsorted(np.cumsum(sizes), size * 0.62)) + 1)]
    moments = _moments(rng, len(sizes))
    cycle = np.repeat(np.arange(len(sizes)), sizes)[: max(1, round(size * 0.62))]
    feature = np.arange(len(cycle))
    decision = np.where(rng.random(len(sizes)) < 0.03, 2, np.where(rng.random(len(sizes)) < 0.06, 1, 0))
    lead = np.where(rng.random(len(cycle)) < 0.01, np.nan, np.minimum(rng.lognormal(11.2, 1.6, len(cycle)), 3e7))
    planned, tested = (np.flatnonzero(rng.random(len(cycle)) < share) for share in (0.4, 0.2))
    failed = np.flatnonzero(rng.random(len(sizes)) < 0.05)
    recovery = np.where(rng.random(len(failed)) < 0.03, np.nan, np.minimum(rng.lognormal(8.5, 1.5, len(failed)), 3e7))
    begun = moments[failed] + (rng.exponential(8 * 3600, len(failed)) * 1e6).astype(np.int64)
    back = np.nan_to_num(lead, nan=0.0) * 1e6

    def column(*parts: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate(parts)

    return {
        "phase": np.repeat([0, 1, 2, 3], [len(cycle), len(planned), len(tested), len(failed)]),
        "cycle": column(cycle, cycle[planned], cycle[tested], failed),
        "feature": column(feature, planned, tested, np.arange(len(failed))),
        "decision": column(decision[cycle], *(np.zeros(len(part), int) for part in (planned, tested, failed))),
        "named": column(np.zeros(len(cycle) + len(planned) + len(tested), bool), rng.random(len(failed)) < 0.6),
        "seconds": column(lead, rng.lognormal(9, 1, len(planned)), rng.lognormal(7, 1, len(tested)), recovery),
        "moment": column(
            moments[cycle],
            moments[cycle[planned]] - back[planned].astype(np.int64),
            moments[cycle[tested]] - (back[tested] / 3).astype(np.int64),
            begun,
        ),
    }


def _moments(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Sorted times in microseconds: weekdays, around 14:00, more on some days."""
    days = np.arange(DAYS)
    weekend = np.isin((days + FIRST_DAY.weekday()) % 7, (5, 6))
    weights = np.where(weekend, 0.1, 1.0) * rng.lognormal(0, 0.8, DAYS)
    day = rng.choice(days, count, p=weights / weights.sum())
    second = np.clip(rng.normal(14 * 3600, 2.5 * 3600, count), 0, 86_399)
    first = (FIRST_DAY - date(1970, 1, 1)).days
    moments: NDArray[np.int64] = np.sort((first + day) * _DAY_US + (second * 1e6).astype(np.int64))
    return moments


def _facts(project: str, drawn: dict[str, NDArray[Any]]) -> pa.Table:
    import duckdb

    with duckdb.connect() as connection:
        connection.register("drawn", pa.table(drawn))
        return connection.sql(_FACTS, params={"project": project}).to_arrow_table().select(FACTS.names).cast(FACTS)


def _features(facts: pa.Table, project: str, rng: np.random.Generator) -> pa.Table:
    """A title and an author for every change and incident; some titles are long."""
    names = facts["feature_id"].unique()
    n = len(names)
    words = np.array(_WORDS)
    lengths = np.minimum(np.ceil(rng.lognormal(1.2, 0.5, n)), 30).astype(int)
    picked = np.split(words[rng.integers(0, len(words), lengths.sum())], np.cumsum(lengths)[:-1])
    verbs = np.array(_VERBS)[rng.integers(0, len(_VERBS), n)]
    titles = [f"{verb} {' '.join(part)}" for verb, part in zip(verbs, picked, strict=True)]
    authors = np.array([f"Person {number:02d}" for number in range(40)])[np.minimum(rng.zipf(1.6, n), 40) - 1]
    columns = {
        "project": pa.repeat(pa.scalar(project), n),
        "feature_id": names,
        "title": pa.array(titles),
        "author": pa.array(authors.tolist()),
        "source": pa.repeat(pa.scalar("git"), n),
    }
    empty = {field.name: pa.nulls(n, field.type) for field in FEATURES if field.name not in columns}
    return pa.table({**columns, **empty}).select(FEATURES.names).cast(FEATURES)


def _imports(project: str, rows: int) -> pa.Table:
    start = datetime.combine(FIRST_DAY, datetime.min.time())
    same = {
        "project": project, "origin": "generated", "covered_from": start, "covered_to": END + timedelta(days=1),
        "rows_read": rows, "rejected": 0, "imported_at": END, "notes": json.dumps({"link_hours": 168.0}),
    }  # fmt: skip
    return pa.Table.from_pylist([{**same, "source": s, "digest": f"bench-{s}"} for s in ("git", "incidents")], IMPORTS)


# --- logs -------------------------------------------------------------------------------------------------------------


def log_hosts() -> tuple[str, ...]:
    """The hosts that logs come from, the busiest first."""
    return tuple(f"web-{number:02d}.example.net" for number in range(LOG_HOSTS))


def log_days() -> tuple[date, ...]:
    """The days that logs are of, the newest first."""
    return tuple(LOG_DAY - timedelta(days=number) for number in range(LOG_DAYS))


def log_batches(
    rows: int, seed: int = SEED, batch: int = 10_000, hosts: int = LOG_HOSTS, days: int = LOG_DAYS
) -> Iterator[LogBatch]:
    """About so many lines, a host at a time as from its file, in order of time. ``seed`` makes their ids, too."""
    for number, (host, size) in enumerate(zip(log_hosts()[:hosts], _zipf(hosts, rows).tolist(), strict=True)):
        table = _lines(host, size, days, np.random.default_rng([seed, 7, number]))
        digest = hashlib.sha256(f"{seed} {rows} {host}".encode()).hexdigest()
        for chunk, start in enumerate(range(0, table.num_rows, batch)):
            yield LogBatch(table.slice(start, batch), f"{host}.log", digest, chunk)


def as_of_others(batches: Iterable[LogBatch], fleet: int) -> Iterator[LogBatch]:
    """The same lines as other hosts would write them, with ids of their own: new rows for a fraction of the work."""
    rng = np.random.default_rng([SEED, 8, fleet])
    for batch in batches:
        rows, size = batch.rows, batch.rows.num_rows
        host = f"f{fleet}-{rows['hostname'][0].as_py()}"
        for name, column in {"hostname": pa.repeat(pa.scalar(host), size), "log_id": _ids(rng, size)}.items():
            rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
        digest = hashlib.sha256(f"{fleet} {batch.digest}".encode()).hexdigest()
        yield LogBatch(rows, f"{host}.log", digest, batch.chunk)


def _ids(rng: np.random.Generator, size: int) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), size, [None, pa.py_buffer(rng.bytes(16 * size))])


def _lines(host: str, size: int, days: int, rng: np.random.Generator) -> pa.Table:
    bursts = rng.integers(0, days * 86_400, max(1, size // 30))
    seconds = rng.choice(bursts, size) + np.minimum(rng.exponential(2.0, size), 60).astype(int)
    seconds = np.minimum(seconds, days * 86_400 - 1)
    start = (log_days()[days - 1] - date(1970, 1, 1)).days * 86_400
    stamps = np.sort((start + seconds) * 1000 + rng.integers(0, 1000, size))
    severities = rng.choice(np.arange(8), size, p=[0.0001, 0.0001, 0.0008, 0.019, 0.05, 0.08, 0.75, 0.1])
    sources = np.array(["nginx", "sshd", "kernel", "app", "cron", "postfix"])
    picked = rng.choice(6, size, p=[0.5, 0.1, 0.05, 0.25, 0.05, 0.05])
    columns = {
        "hostname": pa.repeat(pa.scalar(host), size),
        "log_date": pa.array((stamps // 86_400_000).astype(np.int32)).cast(pa.date32()),
        "bucket": pa.repeat(pa.scalar(0, pa.int16()), size),
        "log_timestamp": pa.array(stamps).cast(pa.timestamp("ms")),
        "log_id": _ids(rng, size),
        "severity": pa.array(SEVERITIES).take(pa.array(severities)),
        "source": pa.array(sources.tolist()).take(pa.array(picked)),
        "facility": pa.repeat(pa.scalar("daemon"), size),
        "message": _messages(rng, size),
        "process_name": pa.array(sources.tolist()).take(pa.array(picked)),
        "process_id": pa.array(rng.integers(300, 32_768, size).astype(np.int32)),
        "user_name": pa.nulls(size, pa.string()),
        "tags": pa.repeat(pa.scalar('["bench"]'), size),
        "extra": pa.repeat(pa.scalar("{}"), size),
        "ingested_at": pa.repeat(pa.scalar(END, pa.timestamp("ms")), size),
    }
    return pa.table(columns).select(LOG_ROWS.names).cast(LOG_ROWS)


def _messages(rng: np.random.Generator, size: int) -> pa.Array:
    """Request lines of some hundred bytes; one in fifty is a stack trace of 1 to 8 KB."""
    words = pa.array(_WORDS)
    number = pa.array(rng.integers(0, 10_000_000, size)).cast(pa.string())
    path = pc.binary_join_element_wise(
        *(words.take(pa.array(rng.integers(0, len(_WORDS), size))) for _ in range(3)), "/"
    )
    agent = pa.repeat(pa.scalar(_AGENT), size)
    line = pc.binary_join_element_wise("GET", pc.binary_join_element_wise("/", path, ""), number, agent, " ")
    frames = "".join(f"\n  at {word}.handle({word}.py:{n * 17})" for n, word in enumerate(_WORDS))
    traces = pa.array([f"Unhandled error: {word} failed{frames * times}" for word in _WORDS for times in range(1, 9)])
    long = pa.array(rng.random(size) < 0.02)
    return pc.if_else(long, traces.take(pa.array(rng.integers(0, len(traces), size))), line)
