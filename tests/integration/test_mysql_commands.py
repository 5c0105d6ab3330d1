"""``workbench migrate`` and ``workbench doctor`` on real servers."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from tests import django_table, servers
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


def test_doctor_and_adoption_of_a_django_table(workbench: Command, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The doctor has nothing against a table that is only read; adopted, it is one of ours."""
    rows = [row for row in django_table.made_rows(60) if (row["duration_seconds"] or 0) >= 0]
    theirs = django_table.create(kind, rows)
    monkeypatch.setenv("WORKBENCH_METRICS_URL", theirs.url)
    refused = workbench("migrate", "--adopt")
    assert refused.code == 2
    assert "--project" in refused.err

    monkeypatch.setenv("WORKBENCH_LEGACY_PROJECT", "shop")
    read_only = workbench("doctor", "--json")
    assert read_only.code == 0, read_only.out
    assert "MySQL schema" not in read_only.out
    monkeypatch.delenv("WORKBENCH_LEGACY_PROJECT")

    done = workbench("migrate", "--adopt", "--project", "shop", "--json")
    assert done.code == 0, done.err
    assert done.json["rows"]["state"] == "imported"
    assert done.json["steps"]
    assert [one["project"] for one in workbench("projects", "--json").json["projects"]] == ["shop"]
    after = {check["name"]: check for check in workbench("doctor", "--json").json["checks"]}
    assert after["MySQL schema"]["state"] == "ok"
    assert after["MySQL indexes"]["state"] == "ok"
    assert secret(theirs) not in refused.err + read_only.out + done.out + done.err


def test_doctor_says_how_the_replica_is(workbench: Command, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """A server that follows nobody does not know how far it is behind; one that is down is no problem, but a note."""
    made = servers.database(kind)
    monkeypatch.setenv("WORKBENCH_METRICS_URL", made.url)
    workbench("migrate")
    for url, word in ((made.url, "not known"), ("mysql://u:hidden-word@127.0.0.1:1/dora", "The primary answers")):
        monkeypatch.setenv("WORKBENCH_METRICS_REPLICA_URL", url)
        done = workbench("doctor", "--json")
        found = {check["name"]: check for check in done.json["checks"]}["MySQL replica"]
        assert found["state"] == "note"
        assert word in found["detail"]
        assert "hidden-word" not in done.out + done.err
