"""Reads log lines from Cassandra as Arrow tables: the server filters, as that was the fastest (docs/cassandra.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from workbench.log_rows import LOG_ROWS
from workbench.logs import driver, statements
from workbench.logs.address import Address
from workbench.logs.pages import pages
from workbench.logs.schema import Shape

PAGE_ROWS: Final = 5000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines of a host and day: in [since, until), of a severity and a source, at most ``newest``."""

    newest: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    severity: str | None = None
    source: str | None = None


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970, rounded up, so that bounds between two of them mean what they say. Naive is UTC."""
    whole = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return -(-whole // timedelta(milliseconds=1))


@dataclass(slots=True)
class Reader:
    """Answers questions about one keyspace."""

    session: Any
    address: Address
    shape: Shape
    prepared: dict[str, Any] = field(default_factory=dict)

    def partition(self, host: str, day: date, asked: Asked, profile: str = driver.READ) -> pa.Table:
        """Lines of one host and day, newest first."""
        return pa.concat_tables(
            [self._schema(()).empty_table(), *self.stream(host, day, asked, (), profile)]
        ).combine_chunks()

    def stream(
        self, host: str, day: date, asked: Asked, only: tuple[str, ...] = (), profile: str = driver.READ
    ) -> Iterator[pa.Table]:
        """The same, page by page; ``only`` names the columns wanted, all if none."""
        left = asked.newest
        for bucket in self._buckets(day, asked) if left != 0 else ():
            for table in self._part(host, day, bucket, asked, left, only, profile):
                left = None if left is None else left - table.num_rows
                yield table
            if left is not None and left <= 0:
                return

    def _buckets(self, day: date, asked: Asked) -> list[int | None]:
        """Parts of the day that can have such lines, newest first; None where the key has no bucket."""
        if not self.shape.parts:
            return [None]
        start = milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
        span = 86_400_000 // self.shape.parts
        low = 0 if asked.since is None else milliseconds(asked.since) - start
        high = 86_400_000 if asked.until is None else milliseconds(asked.until) - start
        parts = range(self.shape.parts)
        return [part for part in reversed(parts) if low < (part + 1) * span and high > part * span]

    def _schema(self, only: tuple[str, ...]) -> pa.Schema:
        return pa.schema([column for column in LOG_ROWS if column.name in (only or LOG_ROWS.names)])

    def _part(
        self,
        host: str,
        day: date,
        bucket: int | None,
        asked: Asked,
        limit: int | None,
        only: tuple[str, ...],
        profile: str,
    ) -> Iterator[pa.Table]:
        key = {"hostname": host, "log_date": day} | ({} if bucket is None else {"bucket": bucket})
        conditions = [f"{name} = ?" for name in key]
        values: list[Any] = list(key.values())
        for condition, bound in (("log_timestamp >= ?", asked.since), ("log_timestamp < ?", asked.until)):
            if bound is not None:
                conditions.append(condition)
                values.append(milliseconds(bound))
        filters = {n: v for n, v in (("severity", asked.severity), ("source", asked.source)) if v is not None}
        conditions += [f"{name} = ?" for name in filters]
        values += [*filters.values(), *([] if limit is None else [limit])]
        tail = ("" if limit is None else "LIMIT ? ") + ("ALLOW FILTERING" if filters else "")
        schema = self._schema(only)
        columns = ", ".join(name for name in schema.names if name in self.shape.columns and name not in key)
        statement = self.prepare("read_partition", columns=columns, conditions=" AND ".join(conditions), tail=tail)
        bound_statement = statement.bind(values)
        bound_statement.fetch_size = min(limit or PAGE_ROWS, PAGE_ROWS)
        for table in pages(self.session, bound_statement, execution_profile=profile):
            yield _completed(table, schema, {"bucket": 0} | key)

    def prepare(self, name: str, **fills: str) -> Any:
        """A statement of cql/, prepared once."""
        text = statements.text(name, keyspace=self.address.keyspace, **fills)
        if text not in self.prepared:
            self.prepared[text] = driver.prepare(self.session, text)
        return self.prepared[text]


def _completed(table: pa.Table, schema: pa.Schema, constants: dict[str, Any]) -> pa.Table:
    """The columns of a schema: what the key says is the same in every row; what the table lacks is null."""
    columns = []
    for wanted in schema:
        if wanted.name in table.column_names:
            columns.append(table[wanted.name])
        elif wanted.name in constants:
            columns.append(pa.repeat(pa.scalar(constants[wanted.name], wanted.type), table.num_rows))
        else:
            columns.append(pa.nulls(table.num_rows, wanted.type))
    return pa.table(columns, schema=schema)
