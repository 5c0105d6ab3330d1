"""What the doctor finds on real servers: nothing on a good database, and each fault with what to run about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from tests import servers
from tests.cli.conftest import Command
from workbench.metrics import mysql_schema
from workbench.metrics.mysql_doctor import examine
from workbench.metrics.mysql_engine import Connect
from workbench.metrics.mysql_indexes import INDEXES, UNIQUE
from workbench.metrics.mysql_privileges import ROLES
from workbench.metrics.mysql_server import Finding


def states(found: list[Finding]) -> dict[str, str]:
    """Name -> state."""
    return {finding.name: finding.state for finding in found}


def name_of(connect: Connect) -> str:
    """The database."""
    return str(make_url(connect.url).database)


@pytest.fixture
def user(kind: str, connect: Connect) -> Iterator[tuple[str, Connect]]:
    """A new user without privileges, and how it connects."""
    name = f"doc_{name_of(connect)[-12:]}"
    there = make_url(connect.url)
    servers.sql(kind, f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY 'Pass-1-word'")
    url = f"mysql://{name}:Pass-1-word@{there.host}:{there.port}/{there.database}"
    yield f"'{name}'@'127.0.0.1'", Connect(url)
    servers.sql(kind, f"DROP USER '{name}'@'127.0.0.1'")


def test_good_database_has_no_problem(connect: Connect) -> None:
    found = examine(connect)
    assert set(states(found).values()) == {"ok"}, found
    looked_at = " ".join(states(found))
    for word in ("connection", "version", "schema", "privileges", "time zone", "isolation", "sql_mode", "time limit",
                 "indexes", "local_infile", "pool"):  # fmt: skip
        assert word in looked_at, f"nothing is said about {word}"
    assert str(make_url(connect.url).password) not in repr(found)
    assert "IDENTIFIED" not in repr(found), "MariaDB's SHOW GRANTS holds the hash of the password"


def test_known_indexes_are_those_of_the_migrations(kind: str, connect: Connect) -> None:
    made = servers.sql(
        kind,
        "SELECT table_name, index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index), MAX(non_unique) "
        f"FROM information_schema.statistics WHERE table_schema = '{name_of(connect)}' AND index_name <> 'PRIMARY' "
        "GROUP BY table_name, index_name",
    )
    assert {(table, name): columns for table, name, columns, _ in made} == INDEXES
    assert {name for _, name, _, repeats in made if repeats == "0"} == UNIQUE


def test_missing_hidden_and_changed_indexes_are_healed_by_what_is_said(kind: str, connect: Connect) -> None:
    hide = "IGNORED" if kind == "mariadb" else "INVISIBLE"
    servers.sql(
        kind,
        "ALTER TABLE dora_metrics DROP INDEX dora_metrics_window",
        f"ALTER TABLE dora_metrics ALTER INDEX dora_metrics_feature {hide}",
        "ALTER TABLE features DROP INDEX features_name, ADD INDEX features_name (project)",
        schema=name_of(connect),
    )
    found = [finding for finding in examine(connect) if finding.state == "problem"]
    assert len(found) == 3, found
    servers.sql(kind, *(finding.remedy for finding in found), schema=name_of(connect))
    assert set(states(examine(connect)).values()) == {"ok"}


def test_empty_and_newer_schema(kind: str, connect: Connect) -> None:
    schema = name_of(connect)
    servers.sql(kind, "UPDATE workbench_schema SET version_num = '9999'", schema=schema)
    newer = {finding.name: finding for finding in examine(connect)}["MySQL schema"]
    assert (newer.state, newer.remedy) == ("problem", "Upgrade dora-workbench.")
    servers.sql(kind, "DROP TABLE workbench_schema", *(f"DROP TABLE {t}" for t in mysql_schema.TABLES), schema=schema)
    empty = {finding.name: finding for finding in examine(connect)}["MySQL schema"]
    assert empty.state == "problem"
    assert "workbench migrate" in empty.remedy


@pytest.mark.parametrize(("role", "words"), [("reader", "may read"), ("loader", "may read, import")])
def test_users_of_one_kind_are_in_order(kind: str, user: tuple[str, Connect], role: str, words: str) -> None:
    name, connect = user
    servers.sql(kind, f"GRANT {', '.join(ROLES[role])} ON {name_of(connect)}.* TO {name}")
    found = {finding.name: finding for finding in examine(connect)}
    assert set(states(list(found.values())).values()) == {"ok"}, found
    assert found["MySQL privileges"].detail.endswith(words)


def test_half_a_loader_is_told_which_grant_is_missing(kind: str, user: tuple[str, Connect]) -> None:
    name, connect = user
    servers.sql(kind, f"GRANT SELECT, INSERT ON {name_of(connect)}.* TO {name}")
    finding = {finding.name: finding for finding in examine(connect)}["MySQL privileges"]
    assert finding.state == "note"
    servers.sql(kind, finding.remedy.partition(";")[0])
    assert states(examine(connect))["MySQL privileges"] == "ok"


def test_privileges_by_a_role_count(kind: str, user: tuple[str, Connect]) -> None:
    name, connect = user
    role = re.sub(r"\W", "", name)[:20] + "r"
    default = f"SET DEFAULT ROLE {role} FOR {name}" if kind == "mariadb" else f"SET DEFAULT ROLE {role} TO {name}"
    servers.sql(
        kind,
        f"CREATE ROLE {role}",
        f"GRANT SELECT ON {name_of(connect)}.* TO {role}",
        f"GRANT {role} TO {name}",
        default,
    )
    try:
        assert states(examine(connect))["MySQL privileges"] == "ok"
    finally:
        servers.sql(kind, f"DROP ROLE {role}")


def test_limits_that_contradict_each_other(connect: Connect) -> None:
    odd = replace(connect, statement_limit=60, read_timeout=60, pool_recycle=10**6, pool_overflow=5000)
    notes = {finding.name: finding.remedy for finding in examine(odd) if finding.state == "note"}
    assert set(notes) == {"MySQL time limit", "MySQL idle time", "MySQL connections"}
    assert all("WORKBENCH_" in remedy for remedy in notes.values())


def test_server_that_forbids_files_and_shows_half_imports(victim: str) -> None:
    """Faults of a whole server, on one that nobody else uses; what is said heals them."""
    connect = servers.database(victim)
    mysql_schema.migrate(connect)
    isolation = "tx_isolation" if "mariadb" in victim else "transaction_isolation"
    servers.sql(victim, "SET GLOBAL local_infile = 0", f"SET GLOBAL {isolation} = 'READ-COMMITTED'")
    wrong = {finding.name: finding for finding in examine(connect) if finding.state != "ok"}
    try:
        assert set(wrong) == {"MySQL local_infile", "MySQL isolation"}
        assert wrong["MySQL local_infile"].detail.startswith("The server")
        servers.sql(victim, *(finding.remedy.partition(";")[0] for finding in wrong.values()))
        assert set(states(examine(connect)).values()) == {"ok"}
    finally:
        servers.sql(victim, "SET GLOBAL local_infile = 1", f"SET GLOBAL {isolation} = 'REPEATABLE-READ'")


@pytest.mark.parametrize("url", ["mysql://u:hidden-word@127.0.0.1:1/dora", "nonsense://u:hidden-word@x/y"])
def test_no_way_to_the_server_is_one_problem_without_the_password(
    workbench: Command, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", url)
    done = workbench("doctor", "--json")
    assert done.code == 1
    problems = [check for check in done.json["checks"] if check["state"] == "problem"]
    assert len(problems) == 1
    assert problems[0]["remedy"]
    assert "hidden-word" not in done.out + done.err


def test_doctor_command_on_a_server(workbench: Command, monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    monkeypatch.setenv("WORKBENCH_METRICS_URL", connect.url)
    done = workbench("doctor")
    assert "MySQL isolation" in done.out
    assert "REPEATABLE-READ" in done.out
    assert str(make_url(connect.url).password) not in done.out
    assert done.code == 0
