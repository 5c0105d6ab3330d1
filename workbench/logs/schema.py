"""Keyspace and tables of the Cassandra log store: makes them, and reads how existing ones are built."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import pyarrow as pa

from workbench.errors import ParameterError, StoreError
from workbench.log_rows import LOG_ROWS
from workbench.logs import statements

LOGS: Final = "infrastructure_logs"
STATS: Final = "infrastructure_log_stats"
DAY: Final = 86_400
DEFAULT_DAYS: Final = 90
"""How long a line is kept."""
LAST_DAY: Final = date(2038, 1, 18)
"""Cassandra's usual file format knows no later end of a line's life (CASSANDRA-14092), and refuses such lines."""
PARTS: Final = (1, 2, 3, 4, 6, 8, 12, 24)
"""Into how many parts a day can be cut: whole hours."""
STATS_ROWS: Final = pa.schema(
    [
        ("hostname", pa.string()),
        ("log_date", pa.date32()),
        ("load", pa.string()),
        ("chunk", pa.int32()),
        ("hour", pa.int8()),
        ("severity", pa.string()),
        ("source", pa.string()),
        ("rows", pa.int64()),
    ]
)
"""infrastructure_log_stats (workbench.logs.counts)."""
_PARTS_SAID: Final = re.compile(r"parts of a day: (\d+)")
_REPLICATION_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CQL_TYPES: Final = {
    "string": "text",
    "date32[day]": "date",
    "int16": "smallint",
    "timestamp[ms]": "timestamp",
    "fixed_size_binary[16]": "uuid",
    "int32": "int",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How the table of log lines is built. ``ttl`` in seconds (0: for ever); ``parts`` is 0 where no bucket is."""

    columns: tuple[str, ...]
    foreign: tuple[str, ...]
    parts: int
    ttl: int
    table_id: str
    stats: bool

    @property
    def partition(self) -> tuple[str, ...]:
        """The columns of the partition key."""
        return ("hostname", "log_date", "bucket") if self.parts else ("hostname", "log_date")


def replication_of(text: str) -> str:
    """A replication map in CQL from words like ``dc1:3,dc2:2``, or ``simple:1`` for a single test node.

    Raises:
        ParameterError: the words are none of these.
    """
    pairs = [part.strip().rpartition(":") for part in text.split(",")]
    usable = all(_REPLICATION_NAME.fullmatch(name) and factor.isdecimal() and int(factor) for name, _, factor in pairs)
    if not usable:
        raise ParameterError(
            f"Replication {text!r} cannot be used.", "Name each data centre and its replicas: dc1:3 or dc1:3,dc2:3."
        )
    if pairs[0][0] == "simple" and len(pairs) == 1:
        return f"{{'class': 'SimpleStrategy', 'replication_factor': {int(pairs[0][2])}}}"
    return json.dumps({"class": "NetworkTopologyStrategy"} | {n: int(f) for n, _, f in pairs}).replace('"', "'")


def data_centres(session: Any) -> dict[str, int]:
    """Each data centre with its nodes."""
    return dict(sorted(Counter(str(host.datacenter) for host in session.cluster.metadata.all_hosts()).items()))


def suggested(centres: Mapping[str, int]) -> str:
    """Words for replication that fit these nodes: three replicas, or as many as there are nodes."""
    return ",".join(f"{name}:{min(nodes, 3)}" for name, nodes in centres.items())


def create(
    session: Any,
    keyspace: str,
    *,
    replication: str | None,
    parts: int | None = None,
    days: int | None = None,
    window: int | None = None,
    index: tuple[str, ...] = (),
) -> list[str]:
    """Make what is missing, and return the statements that ran.

    Args:
        replication: such as ``dc1:3``; needed if the keyspace has to be made.
        parts: of a day, one of 1 (default), 2, 3, 4, 6, 8, 12, 24; for hosts whose day passes 100 MB.
        days: how long a line is kept (default 90).
        window: days of a compaction window (default 1).
        index: severity and source can be indexed (SAI, Cassandra 5.0).

    Raises:
        ParameterError: a value cannot be used, or the keyspace is missing and no replication was given.
        StoreError: the table exists and is built otherwise than asked for.
    """
    _check_asked(parts or 1, days or DEFAULT_DAYS, window or 1, index)
    metadata = session.cluster.metadata
    done: list[str] = []
    if keyspace not in metadata.keyspaces:
        done.append(_keyspace(keyspace, replication, data_centres(session)))
        _run(session, done[-1])
    tables = metadata.keyspaces[keyspace].tables
    ttl = (days or DEFAULT_DAYS) * DAY
    if LOGS in tables:
        _check_there(f"{keyspace}.{LOGS}", tables[LOGS], parts, days, window)
        ttl = int(tables[LOGS].options.get("default_time_to_live") or 0)
    wanted = {LOGS: {"parts": parts or 1, "window": window or 1}, STATS: {}}
    made = [
        statements.text(f"create_{name}", keyspace=keyspace, ttl=ttl, **fills)
        for name, fills in wanted.items()
        if name not in tables
    ]
    indexed = set(tables[LOGS].indexes) if LOGS in tables else set()
    made += [
        statements.text("create_index", keyspace=keyspace, column=column)
        for column in index
        if f"{LOGS}_{column}" not in indexed
    ]
    for statement in made:
        _run(session, statement)
    return done + made


def _check_asked(parts: int, days: int, window: int, index: tuple[str, ...]) -> None:
    if parts not in PARTS or not 1 <= window <= days or set(index) - {"severity", "source"}:
        raise ParameterError(
            f"parts={parts}, days={days}, window={window}, index={index} cannot be used together.",
            f"parts is one of {PARTS}, window at most days, index severity or source.",
        )
    if (most := (LAST_DAY - datetime.now(UTC).date()).days) < days:
        raise ParameterError(
            f"Cassandra cannot keep lines for {days} days: they would end after {LAST_DAY}.",
            f"Take {most} days at most.",
        )


def _keyspace(keyspace: str, replication: str | None, centres: Mapping[str, int]) -> str:
    """The statement that makes it. A data centre that nobody has is refused: no line would be kept there."""
    if replication is None:
        remedy = f"Say its replication; for the nodes that there are: --replication {suggested(centres)}."
        raise ParameterError(f"Keyspace {keyspace!r} does not exist.", remedy)
    words = replication_of(replication)
    names = {part.strip().rpartition(":")[0] for part in replication.split(",")} - {"simple"}
    if unknown := sorted(names - set(centres)):
        raise ParameterError(f"There is no data centre {unknown[0]!r}.", f"There are: {', '.join(centres)}.")
    return statements.text("create_keyspace", keyspace=keyspace, replication=words)


def _check_there(name: str, table: Any, parts: int | None, days: int | None, window: int | None) -> None:
    """Nothing that is asked for may be passed over because the table is there already."""
    if parts is not None and _parts(table) not in {parts, 0}:
        raise StoreError(
            f"{name} has {_parts(table)} parts a day, not {parts}.",
            "Lines already written would not be found; load into a new keyspace instead.",
        )
    ttl = int(table.options.get("default_time_to_live") or 0)
    if days is not None and ttl != days * DAY:
        raise StoreError(
            f"{name} keeps lines {f'{ttl / DAY:g} days' if ttl else 'for ever'}, not {days} days.",
            f"For lines to come, run: ALTER TABLE {name} WITH default_time_to_live = {days * DAY}.",
        )
    seconds = window_of(table.options["compaction"])
    if window is not None and seconds != window * DAY:
        changed = "{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', "
        raise StoreError(
            f"{name} has no compaction windows of {window} days.",
            f"Run: ALTER TABLE {name} WITH compaction = {changed}'compaction_window_size': {window}}}.",
        )


def window_of(compaction: Mapping[str, str]) -> int | None:
    """Seconds of a compaction window; None where compaction is not by time windows."""
    if compaction["class"].rsplit(".", 1)[-1] != "TimeWindowCompactionStrategy":
        return None
    unit = {"MINUTES": 60, "HOURS": 3600, "DAYS": DAY}[compaction.get("compaction_window_unit", "DAYS")]
    return int(compaction.get("compaction_window_size", 1)) * unit


def _run(session: Any, statement: str) -> None:
    """Run DDL and wait until all nodes agree on the schema, as the driver does after every such answer."""
    session.execute(statement, timeout=60)


def _parts(table: Any) -> int:
    """Parts of a day of an existing table; 0 where its key has no bucket."""
    key = [column.name for column in table.partition_key]
    if key == ["hostname", "log_date"]:
        return 0
    said = _PARTS_SAID.search(table.options.get("comment") or "")
    return int(said[1]) if said else 1


def shape_of(session: Any, keyspace: str) -> Shape:
    """How the tables of this keyspace are built, also those that somebody else made.

    Raises:
        StoreError: there is no such table, or its key is another.
    """
    found = session.cluster.metadata.keyspaces.get(keyspace)
    if found is None or LOGS not in found.tables:
        raise StoreError(f"There is no table {keyspace}.{LOGS}.", "Make it with: workbench migrate.")
    table = found.tables[LOGS]
    key = [column.name for column in table.primary_key]
    if [name for name in key if name != "bucket"] != ["hostname", "log_date", "log_timestamp", "log_id"]:
        raise StoreError(
            f"The key of {keyspace}.{LOGS} is ({', '.join(key)}), which the workbench cannot read.",
            "Name another keyspace, and make its tables with: workbench migrate.",
        )
    types = {name: column.cql_type for name, column in table.columns.items()}
    ours = {field.name: _CQL_TYPES[str(field.type)] for field in LOG_ROWS}
    same = tuple(name for name, kind in ours.items() if types.get(name) == kind)
    foreign = tuple(name for name, kind in ours.items() if name in types and types[name] != kind)
    if set(key) - set(same):
        raise StoreError(f"Key columns of {keyspace}.{LOGS} have other types: {', '.join(set(key) - set(same))}.")
    ttl = int(table.options.get("default_time_to_live") or 0)
    return Shape(same, foreign, _parts(table), ttl, _table_id(session, keyspace), STATS in found.tables)


def _table_id(session: Any, keyspace: str) -> str:
    """A table that was dropped and made again has another id, so checkpoints of the old one do not hold for it."""
    from workbench.logs.pages import answer

    question = "SELECT id FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s"
    return str(answer(session, question, (keyspace, LOGS))["id"][0].as_py().hex())
