"""Times the Cassandra log store against the driver's own ways, in one run: ratios with their spread, pair by pair.

    python benchmarks/cassandra_logs.py URL [--rows N] [--peer-rows N] [--rounds N] [--replication dc1:3]
    python benchmarks/cassandra_logs.py URL --sustained 5000000 [--batch 1000]
    python benchmarks/cassandra_logs.py URL --syslog 1000000

URL is that of a running cluster (scripts/cassandra start). The benchmark makes a keyspace of its own there and drops
it. Loads go A, B, C, A, B, C …, so that a machine that changes its speed changes all of them. CPU is this process's.
cqlsh and DSBulk take part if they are installed (scripts/cassandra peers); their seconds are those that they report.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import BatchStatement, BatchType
from logs import write_lines

from workbench.bench import log_peers
from workbench.errors import StoreError
from workbench.log_rows import LOG_ROWS, PARTITION, SEVERITIES
from workbench.logs import driver, statements
from workbench.logs.cassandra import BATCH_BYTES, CassandraLogStore
from workbench.logs.loader import Loader, Options
from workbench.logs.protocol import LogBatch
from workbench.sources.log_options import LogOptions
from workbench.sources.logs import read

HOSTS, DAYS, CHUNK = 20, 5, 50_000
FIRST = datetime.now(UTC).date() - timedelta(days=DAYS + 1)
COLUMNS = list(LOG_ROWS.names)


def rows(count: int, seed: int) -> Iterator[LogBatch]:
    """Lines of about 490 bytes on the wire, over 20 hosts and 5 days, in order of time."""
    random = np.random.default_rng(seed)
    begin = (FIRST - date(1970, 1, 1)).days
    times = np.sort(random.integers(0, DAYS * 86_400_000, count))
    texts = pa.array([f"message {n} " + "lorem ipsum dolor sit amet " * 12 for n in range(1000)])

    def pick(values: list[Any], n: int, p: list[float] | None = None) -> pa.Array:
        return pa.array(values).take(pa.array(random.choice(len(values), n, p=p)))

    for chunk, start in enumerate(range(0, count, CHUNK)):
        at = times[start : start + CHUNK]
        n = len(at)
        identifiers = pa.Array.from_buffers(pa.binary(16), n, [None, pa.py_buffer(random.bytes(16 * n))])
        columns = {
            "hostname": pick([f"web-{host}" for host in range(HOSTS)], n),
            "log_date": pa.array((begin + at // 86_400_000).astype(np.int32)).cast(pa.date32()),
            "bucket": pa.array(np.zeros(n, np.int16)),
            "log_timestamp": pa.array(begin * 86_400_000 + at).cast(pa.timestamp("ms")),
            "log_id": identifiers,
            "severity": pick(list(SEVERITIES), n, [0.0005, 0.0005, 0.002, 0.02, 0.05, 0.1, 0.8, 0.027]),
            "source": pick(["sshd", "kernel", "cron", "nginx"], n),
            "facility": pick(["daemon", "kern"], n),
            "message": texts.take(pa.array(random.integers(0, 1000, n))),
            "process_name": pick(["nginx", "sshd"], n),
            "process_id": pa.array(random.integers(1, 30_000, n).astype(np.int32)),
            "user_name": pick(["root", "www-data"], n),
            "tags": pick(['["prod"]'], n),
            "extra": pick(["{}"], n),
            "ingested_at": pa.array(np.full(n, begin * 86_400_000)).cast(pa.timestamp("ms")),
        }
        yield LogBatch(pa.table(columns, schema=LOG_ROWS), "benchmark", f"{seed:032d}", chunk)


class Peer:
    """The driver as its documentation shows it."""

    def __init__(self, store: CassandraLogStore) -> None:
        address = store.address
        login = PlainTextAuthProvider(address.user, address.password) if address.user else None
        balance = TokenAwarePolicy(DCAwareRoundRobinPolicy(address.dc))
        profile = ExecutionProfile(balance, consistency_level=ConsistencyLevel.name_to_value[address.consistency])
        self.cluster = Cluster(
            list(address.hosts), address.port, auth_provider=login, execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            protocol_version=4,
        )  # fmt: skip
        self.session = self.cluster.connect()
        markers = ", ".join("?" * len(COLUMNS))
        fills = {"table": "infrastructure_logs", "columns": ", ".join(COLUMNS), "markers": markers}
        text = statements.text("insert_row", keyspace=address.keyspace, **fills)
        self.insert = self.session.prepare(text.replace(" USING TTL ?", ""))
        names = ", ".join(COLUMNS)
        where = f"FROM {address.keyspace}.infrastructure_logs WHERE hostname=? AND log_date=? AND bucket=0 LIMIT ?"
        self.select = self.session.prepare(f"SELECT {names} {where}")

    def singles(self, table: list[tuple[Any, ...]]) -> None:
        """One INSERT a row, 200 at a time."""
        execute_concurrent_with_args(self.session, self.insert, table, concurrency=200)

    def batches(self, table: list[tuple[Any, ...]]) -> None:
        """Unlogged batches of 1,000 rows of one partition, 8 at a time."""
        parts: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for row in table:
            parts.setdefault(row[:3], []).append(row)
        flying: deque[Any] = deque()
        for part in parts.values():
            for start in range(0, len(part), 1000):
                batch = BatchStatement(BatchType.UNLOGGED)
                for row in part[start : start + 1000]:
                    batch.add(self.insert, row)
                flying.append(self.session.execute_async(batch))
                if len(flying) >= 8:
                    flying.popleft().result()
        while flying:
            flying.popleft().result()

    def frame(self, host: str, day: date, limit: int) -> pd.DataFrame:
        """The rows of a partition as a DataFrame."""
        return pd.DataFrame(list(self.session.execute(self.select, (host, day, limit))), columns=COLUMNS)


def tuples(batches: list[LogBatch]) -> list[tuple[Any, ...]]:
    """Rows as the driver binds them, made before the clock starts."""
    made = []
    for batch in batches:
        columns = [batch.rows[name].to_pylist() for name in COLUMNS]
        columns[4] = [uuid.UUID(bytes=identifier) for identifier in columns[4]]
        made += list(zip(*columns, strict=True))
    return made


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def spread(values: list[float]) -> str:
    """Median, and the range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def programs(store: CassandraLogStore, folder: Path, turn: int, count: int) -> dict[str, float]:
    """Rows a second, by their own reports: cqlsh COPY FROM, DSBulk with rows in order of time and of partition."""
    found = {}
    table = pa.concat_tables([batch.rows for batch in rows(count, 2000 + turn)])
    order = {"cqlsh": "time", "dsbulk": "time", "dsbulk, sorted": "partition"}
    for title in order:
        name = title.partition(",")[0]
        program = log_peers.find(name)
        if program is None:
            print(f"  {name} is not installed: {log_peers.INSTALL}") if not turn else None
            continue
        keys = [(key, "ascending") for key in (*PARTITION, "log_timestamp")]
        path = folder / "rows.csv"
        log_peers.write_csv(table if order[title] == "time" else table.sort_by(keys), path)
        try:
            done = log_peers.LOADERS[name](program, store.address, COLUMNS, path)
        except StoreError as error:  # on a slow cluster cqlsh gives up on some of its requests
            print(f"  {error}")
        else:
            found[title] = done.rows / done.seconds
    return found


def loads(store: CassandraLogStore, peer: Peer, count: int, peer_count: int, rounds: int) -> None:
    """Rows a second of the loader, of the driver's batches and of its single inserts."""
    found: dict[str, list[float]] = defaultdict(list)
    cost: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 1):  # the first warms the server up
        batches = list(rows(count, turn))
        loader = Loader(store.session, store.address, store.target, store.state, Options(resume=False))
        few = tuples(list(rows(peer_count, 1000 + turn)))
        some = few[: max(1, peer_count // 8)]
        calls: dict[str, tuple[int, Callable[[], object]]] = {
            "loader": (count, partial(loader.run, batches)),
            "driver batches": (len(few), partial(peer.batches, few)),
            "single inserts": (len(some), partial(peer.singles, some)),
        }
        for name, (n, call) in calls.items():
            wall, cpu = timed(call)
            if turn:
                found[name].append(n / wall)
                cost[name].append(cpu / n * 1e6)
        for name, rate in programs(
            store, store.state, turn, 4 * peer_count
        ).items():  # their start-up has to count little
            if turn:
                found[name].append(rate)
        print(f"  round {turn}: {batches_said(loader)}")
    for name in found:
        spent = f", {spread(cost[name])} us of CPU a row" if name in cost else ""
        print(f"{name}: {spread(found[name])} rows/s{spent}")
    for name in [name for name in list(found)[1:] if len(found[name]) == rounds]:
        ratios = [a / b for a, b in zip(found["loader"], found[name], strict=True)]
        print(f"loader / {name}: {spread(ratios)}")


def batches_said(loader: Loader) -> str:
    """How long batches took, and how many were on their way at once."""
    times = np.array(loader.latencies) * 1e3
    windows = [int(traffic.window) for traffic in loader.flow.nodes.values()]
    return f"a batch p50 {np.median(times):.1f} ms, p99 {np.percentile(times, 99):.1f} ms, in flight {windows}"


def sustained(store: CassandraLogStore, count: int) -> None:
    """One long load, and how the rate held: rows a second of each tenth. The rows are made before the clock starts."""
    Loader(store.session, store.address, store.target, store.state, Options(resume=False)).run(rows(200_000, 0))
    batches = list(rows(count, 1))
    marks: list[tuple[float, int]] = [(time.perf_counter(), 0)]

    def mark(done: int, _total: int | None) -> None:
        if done - marks[-1][1] >= count // 10:
            marks.append((time.perf_counter(), done))

    loader = Loader(store.session, store.address, store.target, store.state, Options(resume=False, progress=mark))
    wall, cpu = timed(partial(loader.run, batches))
    rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(marks)]
    said = f"{count / wall:,.0f} rows/s, {cpu / count * 1e6:.2f} us of CPU a row"
    print(f"{count:,} rows, batches of {store.batch_rows}: {said}")
    print(f"  {batches_said(loader)}; rows/s of each tenth: {', '.join(f'{rate:,.0f}' for rate in rates)}")


def syslog(store: CassandraLogStore, count: int, rounds: int) -> None:
    """From a file of RFC 3164 lines to acknowledged rows, parsing included."""
    path = store.state / "syslog"
    first = datetime(FIRST.year, FIRST.month, FIRST.day)
    found, cost = [], []
    write_lines(path, count, first)
    options = LogOptions(year=first.year)
    for turn in range(rounds + 1):
        loader = Loader(store.session, store.address, store.target, store.state, Options(resume=False))
        wall, cpu = timed(lambda: loader.run(read([path], options)))  # noqa: B023 - called at once
        if turn:
            found.append(count / wall)
            cost.append(cpu / count * 1e6)
    size = path.stat().st_size / count
    print(
        f"syslog, {size:.0f} bytes a line, to acknowledged rows: {spread(found)} rows/s, {spread(cost)} us of CPU a row"
    )


def reads(store: CassandraLogStore, peer: Peer, rounds: int) -> None:
    """A partition into Arrow, and into a DataFrame by the driver."""
    day = FIRST + timedelta(days=1)
    for limit in (1000, 10_000):
        walls: list[tuple[float, float]] = []
        cpus: list[tuple[float, float]] = []
        for turn in range(4 * rounds):
            host = f"web-{turn % HOSTS}"
            ours = timed(partial(store.partition, host, day, newest=limit))
            theirs = timed(partial(peer.frame, host, day, limit))
            if turn >= rounds:
                walls.append((ours[0], theirs[0]))
                cpus.append((ours[1], theirs[1]))
        print(
            f"newest {limit}: {spread([a * 1e3 for a, _ in walls])} ms; driver {spread([b * 1e3 for _, b in walls])} ms"
        )
        print(f"  of the driver's time: {spread([a / b for a, b in walls])}, CPU: {spread([a / b for a, b in cpus])}")


def whole_day(store: CassandraLogStore, host: str, day: date, severity: str) -> pa.Table:
    """Read a whole day, and filter it here."""
    return store.partition(host, day).filter(pc.field("severity") == severity)


def filters(store: CassandraLogStore, rounds: int, title: str) -> None:
    """Lines of one severity: filtered by the server, or read and filtered here."""
    day = FIRST + timedelta(days=1)
    for severity in ("info", "error", "emergency"):
        server, here = [], []
        for turn in range(3 * rounds):
            host = f"web-{turn % HOSTS}"
            server.append(timed(partial(store.partition, host, day, severity=severity))[0] * 1e3)
            here.append(timed(partial(whole_day, store, host, day, severity))[0] * 1e3)
        print(f"{title}, severity {severity}: by the server {spread(server)} ms; whole day, here {spread(here)} ms")


def counts(store: CassandraLogStore, rounds: int) -> None:
    """Counts of a day, after a load that settled them."""
    day = FIRST + timedelta(days=1)
    store.load(rows(HOSTS * 500, 0), resume=False)
    taken = [timed(partial(store.stats, f"web-{turn % HOSTS}", day))[0] * 1e3 for turn in range(10 * rounds)]
    print(f"counts of a day: {spread(taken)} ms; it has {store.partition('web-1', day).num_rows} lines")


def opened(url: str, state: Path, batch: int) -> CassandraLogStore:
    """A store whose batches are of so many rows, and of as many bytes as these need."""
    return CassandraLogStore(url, state, batch_rows=batch, batch_bytes=max(BATCH_BYTES, 1100 * batch))


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--peer-rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--replication", default="datacenter1:1")
    parser.add_argument("--sustained", type=int, help="nothing but one load of so many rows")
    parser.add_argument("--batch", type=int, default=1000, help="rows of a batch of the loader")
    parser.add_argument("--syslog", type=int, help="nothing but loads of a syslog file of so many lines")
    parser.add_argument("--index", type=float, help="also with an SAI index on severity, built in so many seconds")
    options = parser.parse_args()
    before, _, after = options.url.partition("/?")
    url = f"{before}/bench_{uuid.uuid4().hex[:12]}?{after}"
    with tempfile.TemporaryDirectory() as state, opened(url, Path(state), options.batch) as store:
        store.migrate(replication=options.replication)
        peer = Peer(store)
        try:
            if options.sustained:
                return sustained(store, options.sustained)
            if options.syslog:
                return syslog(store, options.syslog, options.rounds)
            loads(store, peer, options.rows, options.peer_rows, options.rounds)
            reads(store, peer, options.rounds)
            filters(store, options.rounds, "no index")
            counts(store, options.rounds)
            if options.index:
                store.migrate(index=("severity",))
                time.sleep(options.index)
                filters(store, options.rounds, "SAI index")
        finally:
            drop = f"DROP KEYSPACE {store.address.keyspace}"
            store.session.execute(drop, timeout=120, execution_profile=driver.WRITE)
            peer.cluster.shutdown()


if __name__ == "__main__":
    main()
