"""Real Cassandra for the tests of this folder: one node, or three that a test may stop (scripts/cassandra)."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.cassandra_server import WARNINGS, of, started

HERE = Path(__file__).parent

Open = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("integration")
            item.add_marker(WARNINGS)


@pytest.fixture(scope="session")
def url() -> str:
    """URL of one running node, without keyspace."""
    return started("1")


@pytest.fixture(scope="session")
def keyspaces(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, str]]:
    """URLs of two keyspaces of this process: with 1 part a day, and with 4."""
    pytest.importorskip("cassandra", reason="cassandra-driver is not installed (extra cassandra)")
    from workbench.logs.cassandra import CassandraLogStore

    made = {}
    for parts in (1, 4):
        made[parts] = of(url, f"wb_{uuid.uuid4().hex[:12]}")
        with CassandraLogStore(made[parts], tmp_path_factory.mktemp("state")) as store:
            store.migrate(replication="datacenter1:1", parts=parts)
    yield made
    from workbench.logs import driver

    for address in made.values():
        with CassandraLogStore(address, Path()) as store:
            store.session.execute(f"DROP KEYSPACE {store.address.keyspace}", execution_profile=driver.WRITE, timeout=60)


@pytest.fixture
def open_store(keyspaces: dict[int, str], tmp_path: Path) -> Iterator[Open]:
    """Opens a store on the shared keyspace; each has its own folder of checkpoints."""
    from workbench.logs.cassandra import CassandraLogStore

    opened: list[CassandraLogStore] = []

    def make(parts: int = 1, address: str | None = None, **options: Any) -> CassandraLogStore:
        opened.append(CassandraLogStore(address or keyspaces[parts], tmp_path / f"state{len(opened)}", **options))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def host() -> str:
    """A host of this test alone."""
    return f"host-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def first_day() -> date:
    """The first of three days that are over."""
    return datetime.now(UTC).date() - timedelta(days=5)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[str]:
    """URL of a new keyspace of RF 3 on three nodes, for this test alone: it may stop them."""
    pytest.importorskip("cassandra", reason="cassandra-driver is not installed (extra cassandra)")
    from workbench.logs.cassandra import CassandraLogStore

    with FileLock(Path(tempfile.gettempdir()) / f"workbench-cassandra-three-{os.getuid()}.lock"):
        address = of(started("3"), f"wb_{uuid.uuid4().hex[:12]}")
        with CassandraLogStore(address, tmp_path / "state") as store:
            store.migrate(replication="datacenter1:3")
        yield address
        started("3")
