"""Real MySQL and MariaDB servers for tests, from scripts/servers, each test process with databases of its own."""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

import pytest

from workbench.metrics import mysql_engine, mysql_schema
from workbench.metrics.mysql import MySQLStore

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "servers"
USERS = SCRIPT.parent.parent / ".servers" / "users"
CANNOT_RUN = 3
_ASKED = "WORKBENCH_TEST_WITH_MYSQL84"
_numbers = itertools.count()
_made: list[tuple[str, str]] = []


def hold() -> IO[str]:
    """Keep the servers for this test session, beside others that may use them; what it gives has to stay open."""
    USERS.parent.mkdir(exist_ok=True)
    users = USERS.open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def release(users: IO[str]) -> None:
    """The last session to end stops the servers; WORKBENCH_TEST_KEEP_SERVERS=1 lets them run on."""
    with users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if os.environ.get("WORKBENCH_TEST_KEEP_SERVERS") != "1":
            run("stop")


def _kinds() -> tuple[str, ...]:
    """What runs everywhere, and MySQL 8.4 where its URL is given or a docker engine answers; asked once a session."""
    if (here := os.environ.get(_ASKED)) is None:
        given = os.environ.get("WORKBENCH_TEST_MYSQL84_URL")
        here = os.environ[_ASKED] = "1" if given or run("docker").returncode == 0 else "0"  # workers inherit it
    return ("mariadb", "mysql", "mysql84") if here == "1" else ("mariadb", "mysql")


@cache
def url(name: str) -> str:
    """A running server's URL without a database. Skips where this machine cannot run it; asked once a process."""
    pytest.importorskip("MySQLdb", reason="mysqlclient is not installed (extra mysql)")
    done = run("start", name)
    if done.returncode == CANNOT_RUN:
        pytest.skip(f"{name}: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1].partition("=")[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """scripts/servers with these arguments."""
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def database(name: str, **options: object) -> mysql_engine.Connect:
    """A new, empty database, dropped at the end of this test session."""
    schema = f"workbench_test_{os.getpid()}_{next(_numbers)}"
    sql(name, f"CREATE DATABASE {schema}")
    _made.append((name, schema))
    return mysql_engine.Connect(url=f"{url(name)}/{schema}", **options)  # type: ignore[arg-type]


def drop_databases() -> None:
    """Remove what this process made; a server that a test has ended took its databases along."""
    if not _made:
        return
    import MySQLdb

    while _made:
        name, schema = _made.pop()
        with suppress(MySQLdb.OperationalError):
            sql(name, f"DROP DATABASE IF EXISTS {schema}")


def sql(name: str, *statements: str, schema: str = "information_schema") -> list[tuple[str | None, ...]]:
    """Run statements as the server's administrator; the rows of the last one as text."""
    import MySQLdb
    from sqlalchemy import make_url

    there = make_url(url(name))
    rows: list[tuple[str | None, ...]] = []
    connection = MySQLdb.connect(
        host=there.host, port=there.port, user=there.username, password=there.password, database=schema, autocommit=True
    )
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = [tuple(None if cell is None else str(cell) for cell in row) for row in cursor.fetchall()]
    finally:
        connection.close()
    return rows


def crash(name: str) -> None:
    """End a server without a goodbye."""
    done = run("kill", name)
    assert done.returncode == 0, done.stderr


def restart(name: str) -> None:
    """Bring it back, with its data."""
    done = run("start", name)
    assert done.returncode == 0, done.stderr


@cache
def _shared(name: str) -> mysql_engine.Connect:
    connect = database(name)
    mysql_schema.migrate(connect)
    return connect


def empty_store(name: str) -> MySQLStore:
    """A store over this process' own database of that server, emptied."""
    connect = _shared(name)
    schema = connect.url.rpartition("/")[2]
    sql(name, *(f"DELETE FROM {table}" for table in mysql_schema.TABLES), schema=schema)
    return MySQLStore(connect)


KINDS = _kinds()
"""The servers that tests run on, by name."""
