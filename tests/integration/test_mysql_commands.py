"""``workbench migrate`` and ``workbench doctor`` on real servers."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from tests import servers
from tests.cli.conftest import Command
from workbench.metrics import mysql, mysql_engine


@pytest.fixture
def empty(kind: str, monkeypatch: pytest.MonkeyPatch) -> mysql_engine.Connect:
    """An empty database, named in the environment."""
    made = servers.database(kind)
    monkeypatch.setenv("WORKBENCH_METRICS_URL", made.url)
    return made


def secret(connect: mysql_engine.Connect) -> str:
    """The password, which nothing may print."""
    return str(make_url(connect.url).password)


def test_migrate_up_again_and_down(workbench: Command, empty: mysql_engine.Connect, kind: str) -> None:
    first = workbench("migrate", "--json")
    assert (first.json["before"], first.json["after"]) == ("", mysql.REVISION)
    assert secret(empty) not in first.out
    again = workbench("migrate")
    assert again.code == 0
    assert "already" in again.out

    tables = f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{make_url(empty.url).database}'"
    all_of_them = servers.sql(kind, tables)
    refused = workbench("migrate", "--to", "base")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert servers.sql(kind, tables) == all_of_them, "a refused migration removed tables"
    down = workbench("migrate", "--to", "base", "--yes")
    assert down.code == 0
    assert "went from" in down.out
    assert servers.sql(kind, tables) == [("1",)], "only the revision's own table stays"


def test_migrate_refuses_what_it_does_not_know(workbench: Command, empty: mysql_engine.Connect, kind: str) -> None:
    unknown = workbench("migrate", "--to", "nosuch")
    assert unknown.code == 2
    assert "0001" in unknown.err
    workbench("migrate")
    servers.sql(kind, "UPDATE workbench_schema SET version_num = '9999'", schema=str(make_url(empty.url).database))
    newer = workbench("migrate")
    assert newer.code == 1
    assert "newer workbench" in newer.err
    assert "Traceback" not in newer.err


def test_migrate_without_a_server_is_one_sentence(workbench: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", "mysql://u:hidden-word@127.0.0.1:1/dora")
    done = workbench("migrate")
    assert done.code == 1
    assert "127.0.0.1:1/dora" in done.err
    assert "hidden-word" not in done.err + done.out
