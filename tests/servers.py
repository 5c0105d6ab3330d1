"""Real MySQL and MariaDB servers for tests, from scripts/servers, each test process with databases of its own."""

from __future__ import annotations

import atexit
import itertools
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from workbench.metrics import mysql_engine, mysql_schema
from workbench.metrics.mysql import MySQLStore

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "servers"
CANNOT_RUN = 3
KINDS = ("mariadb", "mysql")
_numbers = itertools.count()


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
    """A new, empty database, dropped at the end of this process."""
    schema = f"workbench_test_{os.getpid()}_{next(_numbers)}"
    sql(name, f"CREATE DATABASE {schema}")
    atexit.register(_drop, name, schema)
    return mysql_engine.Connect(url=f"{url(name)}/{schema}", **options)  # type: ignore[arg-type]


def _drop(name: str, schema: str) -> None:
    try:
        sql(name, f"DROP DATABASE IF EXISTS {schema}")
    except Exception as error:
        print(f"{schema} stays on {name}: {error}", file=sys.stderr)


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
