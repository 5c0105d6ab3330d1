"""Tests on real servers: everything in this folder is marked, and runs on MySQL and on MariaDB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.cli.conftest import workbench as workbench  # the command, as a fixture here, too
from workbench.metrics import mysql_engine, mysql_schema
from workbench.metrics.mysql import MySQLStore

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("integration")


@pytest.fixture(params=servers.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a running server."""
    name: str = request.param
    servers.url(name)
    return name


@pytest.fixture
def connect(kind: str) -> mysql_engine.Connect:
    """A new database with the newest schema."""
    made = servers.database(kind)
    mysql_schema.migrate(made)
    return made


@pytest.fixture
def store(connect: mysql_engine.Connect) -> Iterator[MySQLStore]:
    """An empty store in a database of its own."""
    made = MySQLStore(connect)
    yield made
    made.close()


@pytest.fixture
def victim(kind: str) -> str:
    """A server that this process may kill; each process has its own."""
    name = f"{kind}-victim{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    servers.url.cache_clear()
    servers.url(name)
    return name
