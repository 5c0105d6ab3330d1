"""Real Cassandra for tests: one node that all share, or three that a test may stop (scripts/cassandra)."""

from __future__ import annotations

import subprocess
import uuid
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "cassandra"
CANNOT_RUN = 3
WARNINGS = pytest.mark.filterwarnings("ignore::DeprecationWarning:cassandra")
"""The driver uses what Python is about to drop."""


def script(*arguments: str) -> str:
    """Output of scripts/cassandra; a machine that cannot run it skips the test."""
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)
    if done.returncode == CANNOT_RUN:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return done.stdout


def started(nodes: str) -> str:
    """URL of a running cluster of 1 or 3, without keyspace."""
    pytest.importorskip("cassandra", reason="cassandra-driver is not installed (extra cassandra)")
    return script("start", nodes).strip().partition("=")[2]


def of(url: str, keyspace: str) -> str:
    """The URL of a keyspace there."""
    before, _, after = url.partition("/?")
    return f"{before}/{keyspace}?{after}"


@cache
def emptied_keyspace() -> str:
    """URL of this process' own keyspace, which keeps lines until 2037: tests have dates of their own."""
    from workbench.logs.cassandra import CassandraLogStore

    url = of(started("1"), f"wb_{uuid.uuid4().hex[:12]}")
    with CassandraLogStore(url, Path()) as store:
        store.migrate(replication="datacenter1:1", days=(date(2037, 1, 1) - datetime.now(UTC).date()).days, window=365)
    return url


def drop_keyspaces() -> None:
    """Remove what this process made here."""
    if emptied_keyspace.cache_info().currsize:
        _run(emptied_keyspace(), "DROP KEYSPACE {}")
        emptied_keyspace.cache_clear()


def empty() -> str:
    """URL of that keyspace, without any line."""
    url = emptied_keyspace()
    _run(url, "TRUNCATE {}.infrastructure_logs", "TRUNCATE {}.infrastructure_log_stats")
    return url


def _run(url: str, *statements: str) -> None:
    from workbench.logs.cassandra import CassandraLogStore

    with CassandraLogStore(url, Path()) as store:
        for statement in statements:
            store.session.execute(statement.format(store.address.keyspace), execution_profile="write", timeout=60)
