"""The Cassandra driver as its own documentation shows it: what a log store is compared with."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import pyarrow as pa
from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import BatchStatement, BatchType

from workbench.log_rows import LOG_ROWS
from workbench.logs import driver
from workbench.logs.address import Address
from workbench.logs.schema import LOGS

_COLUMNS: Final = tuple(LOG_ROWS.names)
_KEY: Final = 3
"""Columns of the partition key, which come first."""
_CONCURRENCY: Final = 200
_BATCH: Final = 1_000
_IN_FLIGHT: Final = 8
Row = tuple[Any, ...]


def bound(table: pa.Table) -> list[Row]:
    """Rows as the driver binds them."""
    columns = [table[name].to_pylist() for name in _COLUMNS]
    place = _COLUMNS.index("log_id")
    columns[place] = [uuid.UUID(bytes=each) for each in columns[place]]
    return list(zip(*columns, strict=True))


class PlainDriver:
    """A session of the driver on one keyspace, with its own defaults where those of a URL say nothing else."""

    def __init__(self, address: Address) -> None:
        login = PlainTextAuthProvider(address.user, address.password) if address.user else None
        balance = TokenAwarePolicy(DCAwareRoundRobinPolicy(address.dc))
        profile = ExecutionProfile(balance, consistency_level=ConsistencyLevel.name_to_value[address.consistency])
        self._cluster = Cluster(
            list(address.hosts), address.port, auth_provider=login, ssl_context=address.tls_context(),
            execution_profiles={EXEC_PROFILE_DEFAULT: profile}, protocol_version=driver.PROTOCOL,
        )  # fmt: skip
        try:
            with driver.translated(address):
                self._session = self._cluster.connect(address.keyspace)
                names, markers = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
                self._insert = self._session.prepare(f"INSERT INTO {LOGS} ({names}) VALUES ({markers})")  # noqa: S608 - constants
                self._newest = self._session.prepare(
                    f"SELECT {names} FROM {LOGS} WHERE hostname = ? AND log_date = ? AND bucket = 0 LIMIT ?"  # noqa: S608 - constants
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connections."""
        self._cluster.shutdown()

    def singles(self, rows: Sequence[Row]) -> None:
        """An INSERT a row, many at a time."""
        execute_concurrent_with_args(self._session, self._insert, rows, concurrency=_CONCURRENCY)

    def batches(self, rows: Sequence[Row]) -> None:
        """Unlogged batches of rows of one partition, a few at a time."""
        parts: dict[Row, list[Row]] = {}
        for row in rows:
            parts.setdefault(row[:_KEY], []).append(row)
        flying: deque[Any] = deque()
        for part in parts.values():
            for start in range(0, len(part), _BATCH):
                batch = BatchStatement(BatchType.UNLOGGED)
                for row in part[start : start + _BATCH]:
                    batch.add(self._insert, row)
                flying.append(self._session.execute_async(batch))
                if len(flying) >= _IN_FLIGHT:
                    flying.popleft().result()
        for future in flying:
            future.result()

    def newest(self, host: str, day: date, limit: int) -> list[Any]:
        """The newest rows of a partition."""
        return list(self._session.execute(self._newest, (host, day, limit)))
