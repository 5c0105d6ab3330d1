"""The log store in Cassandra 4.1 or 5.0: infrastructure_logs and infrastructure_log_stats in one keyspace."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from workbench.errors import ConfigurationError, StoreError
from workbench.logs import address as addresses
from workbench.logs import driver, schema, statements
from workbench.logs.counts import Counts
from workbench.logs.loader import Loader, Options
from workbench.logs.pages import answer
from workbench.logs.prepare import Target
from workbench.logs.protocol import LoadReport, LogBatch, check, columns_of
from workbench.logs.reader import Asked, Reader
from workbench.logs.repeats import Repeats

if TYPE_CHECKING:
    import pandas as pd

    from workbench.logs.health import Finding

BATCH_ROWS: Final = 1000
BATCH_BYTES: Final = 1 << 20
SETTLERS: Final = 8
"""Threads that look after the counts of days when a load is over."""


class CassandraLogStore:
    """A :class:`workbench.logs.protocol.LogStore`. Connects when first used; ``close`` it, or use it in ``with``.

    Args:
        url: ``cassandra://user:password@host1,host2/keyspace?dc=…`` (workbench.logs.address).
        state: folder for checkpoints and rejected rows.
        batch_rows, batch_bytes: most rows and bytes of a batch.
    """

    def __init__(self, url: str, state: Path, *, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> None:
        self.address = addresses.parse(url)
        self.state = state
        self.batch_rows, self.batch_bytes = batch_rows, batch_bytes
        if not 1 <= batch_rows <= 65_535:
            raise ConfigurationError(
                f"A batch cannot have {batch_rows} rows.", "Take 1 to 65535; 1000 is a good number."
            )
        self._session: Any = None
        self._opening = threading.Lock()

    def __enter__(self) -> CassandraLogStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections, and forget what was prepared on them; the next call connects anew."""
        for name in ("reader", "target"):
            self.__dict__.pop(name, None)
        if self._session is not None:
            self._session.cluster.shutdown()
            self._session = None

    @property
    def session(self) -> Any:
        """The driver's session, connected when first asked for."""
        with self._opening:
            if self._session is None:
                self._session = driver.connect(self.address)
            return self._session

    # --- set-up ---

    def migrate(
        self, *, replication: str | Callable[[Mapping[str, int]], str] | None = None, **options: Any
    ) -> list[str]:
        """Make what is missing (:func:`workbench.logs.schema.create`), and return the statements that ran.

        ``replication`` may be a function, which is asked, with the nodes of each data centre, if it has to be known.
        """
        self.close()
        session = driver.connect(self.address)
        try:
            with driver.translated(self.address):
                if callable(replication):
                    missing = self.address.keyspace not in session.cluster.metadata.keyspaces
                    replication = replication(schema.data_centres(session)) if missing else None
                return schema.create(session, self.address.keyspace, replication=replication, **options)
        finally:
            session.cluster.shutdown()

    @cached_property
    def reader(self) -> Reader:
        """Reads this keyspace as its tables are."""
        with driver.translated(self.address):
            return Reader(self.session, self.address, schema.shape_of(self.session, self.address.keyspace))

    @property
    def counts(self) -> Counts:
        """The counts of this keyspace."""
        return Counts(self.reader)

    @cached_property
    def target(self) -> Target:
        """What is needed to write."""
        shape = self.reader.shape
        if shape.foreign:
            raise StoreError(
                f"Columns of {self.address.keyspace}.{schema.LOGS} have other types than the workbench writes: "
                f"{', '.join(shape.foreign)}.",
                "Load into another keyspace, and make its tables with: workbench migrate.",
            )
        with driver.translated(self.address):
            row = self._insert(schema.LOGS, shape.columns)
            counts = self._insert(schema.STATS, tuple(schema.STATS_ROWS.names)) if shape.stats else None
        self._kept = (row, counts)  # the driver prepares a statement anew for a node only as long as somebody holds it
        return Target(shape, row.query_id, counts.query_id if counts else b"", self.batch_rows, self.batch_bytes)

    def _insert(self, table: str, columns: tuple[str, ...]) -> Any:
        markers = ", ".join("?" * len(columns))
        text = statements.text(
            "insert_row", keyspace=self.address.keyspace, table=table, columns=", ".join(columns), markers=markers
        )
        return driver.prepare(self.session, text)

    # --- what a log store does ---

    def load(
        self,
        batches: Iterable[LogBatch],
        *,
        resume: bool = True,
        progress: Callable[[int, int | None], None] | None = None,
        rows_per_second: float | None = None,
        dry_run: bool = False,
        patience: float = 60.0,
    ) -> LoadReport:
        """Write batches (see the protocol). A dry run says what would be written, and writes nothing.

        Raises:
            StoreError: the nodes took nothing for ``patience`` seconds, or the tables are missing.
        """
        options = Options(resume, dry_run, rows_per_second, patience, progress)
        loader = Loader(self.session, self.address, self.target, self.state, options)
        if dry_run or not self.reader.shape.stats:
            return loader.run(batches)
        repeats = Repeats()
        report = loader.run(repeats.watch(batches))
        self._settle(loader.tally.days, repeats.days())
        return report

    def _settle(self, loaded: set[tuple[str, date]], repeated: set[tuple[str, date]]) -> None:
        """Let no line of these days count twice, whichever loads brought it."""
        settle = partial(self.counts.settle, self.target)
        with driver.translated(self.address), ThreadPoolExecutor(SETTLERS, "workbench-settle") as pool:
            days = sorted(loaded | repeated)
            deque(pool.map(lambda key: settle(*key, recount=key in repeated), days), 0)

    def partition(
        self,
        host: str,
        day: date,
        *,
        newest: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        severity: str | None = None,
        source: str | None = None,
        critical: bool = False,
    ) -> pa.Table:
        """Rows of one host and day, newest first (see the protocol); ``critical`` reads at QUORUM, not at LOCAL_ONE."""
        check(newest, severity)
        profile = driver.VERIFY if critical else driver.READ
        with driver.translated(self.address):
            return self.reader.partition(host, day, Asked(newest, since, until, severity, source), profile)

    def stream(
        self,
        host: str,
        day: date,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        severity: str | None = None,
        source: str | None = None,
        columns: Sequence[str] = (),
        critical: bool = False,
    ) -> Iterator[pa.Table]:
        """The same page by page (see the protocol); the next one is on its way meanwhile."""
        check(None, severity)
        names = tuple(columns_of(columns).names)
        with driver.translated(self.address):
            asked = Asked(None, since, until, severity, source)
            yield from self.reader.stream(host, day, asked, names, driver.VERIFY if critical else driver.READ)

    def stats(self, host: str, day: date, *, critical: bool = False) -> pa.Table:
        """Counts of one host and day (see the protocol); ``critical`` reads at QUORUM, not at LOCAL_ONE."""
        with driver.translated(self.address):
            return self.counts.stats(host, day, driver.VERIFY if critical else driver.READ)

    def hosts(self, *, critical: bool = False) -> pa.Table:
        """Every host with its first and last day and its rows (see the protocol)."""
        with driver.translated(self.address):
            return self.counts.hosts(driver.VERIFY if critical else driver.READ)

    def describe(self) -> Mapping[str, str]:
        """What and where it is; no secrets."""
        with driver.translated(self.address):
            version = answer(self.session, "SELECT release_version FROM system.local")["release_version"][0].as_py()
        return {"store": "cassandra", "location": str(self.address), "version": version}

    def verify(self, host: str, day: date) -> bool:
        """Whether the lines of a host and day, read at QUORUM, are as many as the counts say."""
        with driver.translated(self.address):
            return bool(self.counts.recount(host, day).equals(self.counts.stats(host, day, driver.VERIFY)))

    def examine(self) -> list[Finding]:
        """What is well with the cluster and the tables, and what is not (:mod:`workbench.logs.health`)."""
        from workbench.logs.health import examine

        return list(examine(self.session, self.address))

    def monitor(self) -> pd.DataFrame:
        """What ``nodetool tablestats`` tells, of every node (:mod:`workbench.logs.monitor`)."""
        from workbench.logs.monitor import tables

        with driver.translated(self.address):
            return tables(self.session, self.address.keyspace)
