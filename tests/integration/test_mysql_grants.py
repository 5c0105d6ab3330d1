"""The grants of docs/mysql.md are enough for what they are for, and for nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests import django_table, servers
from tests.facts import LINK_HOURS, PROJECT, deployment, table
from workbench.errors import StoreError
from workbench.metrics import mysql_adopt, mysql_engine, mysql_schema, queries
from workbench.metrics.mysql import MySQLStore
from workbench.metrics.mysql_django import DjangoStore
from workbench.metrics.protocol import State
from workbench.rows import FACTS, FEATURES, IMPORTS
from workbench.sources import export

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "mysql.md"
NOTHING = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())


def state(*cycles: str) -> State:
    """Deployments."""
    return replace(NOTHING, facts=table(deployment(cycle, "2025-01-01") for cycle in cycles))


@pytest.fixture
def users(kind: str) -> dict[str, mysql_engine.Connect]:
    """A database as each user of the document sees it, made by the document's own script with other names."""
    there = make_url(servers.database(kind).url)
    found = re.search(r"^```sql\n(CREATE DATABASE .*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S)
    assert found, "the script is gone"
    script = re.sub(r"\bdora\b", str(there.database), found[1])
    seen = {}
    for role, password in re.findall(r"'(\w+)'@'%' IDENTIFIED BY '([^']+)'", script):
        name = f"{role}_{(there.database or '')[-12:]}"
        script = script.replace(f"'{role}'@'%'", f"'{name}'@'127.0.0.1'")
        seen[role] = mysql_engine.Connect(f"mysql://{name}:{password}@{there.host}:{there.port}/{there.database}")
    statements = filter(str.strip, script.split(";"))
    servers.sql(kind, f"DROP DATABASE {there.database}", *statements)
    return seen


def test_each_user_can_do_its_work_and_no_more(users: dict[str, mysql_engine.Connect]) -> None:
    assert set(users) == {"reader", "loader", "migrator"}
    with pytest.raises(StoreError, match="grants"):
        mysql_schema.migrate(users["loader"])
    mysql_schema.migrate(users["migrator"])
    reader, loader = MySQLStore(users["reader"]), MySQLStore(users["loader"])
    with pytest.raises(StoreError, match="grants"), reader.lock([PROJECT]):
        reader.write(PROJECT, NOTHING, state("a"))
    with loader.lock([PROJECT]):
        loader.write(PROJECT, NOTHING, state("a", "b", "c"))
        loader.write(PROJECT, state("a", "b", "c"), state("c", "d"))
    assert sorted(reader.read([PROJECT]).facts["cycle_id"].to_pylist()) == ["c", "d"]
    assert reader.query(queries.get("coverage"), {"projects": [PROJECT]}).num_rows == 0
    assert reader.projects() == (PROJECT,)
    mysql_schema.migrate(users["migrator"], mysql_schema.NOTHING)


def test_a_django_table_is_read_by_the_reader_and_adopted_by_the_migrator(
    kind: str, users: dict[str, mysql_engine.Connect], tmp_path: Path
) -> None:
    there = make_url(users["migrator"].url)
    database, user = there.database or "", f"'{there.username}'@'127.0.0.1'"
    servers.sql(kind, django_table.TABLE, schema=database)
    django_table.insert(kind, mysql_engine.Connect(f"{servers.url(kind)}/{database}"), django_table.made_rows(30))
    options: dict[str, Any] = {"project": PROJECT, "link_hours": LINK_HOURS, "rejects_folder": tmp_path}
    reader = DjangoStore(users["reader"], export.from_table, **options)
    assert reader.read([PROJECT]).facts.num_rows == 30
    reader.close()
    servers.sql(kind, f"GRANT CREATE TEMPORARY TABLES ON {database}.* TO {user}")
    assert mysql_adopt.adopt(users["migrator"], export.from_table, **options).rows.state == "imported"
    assert MySQLStore(users["reader"]).projects() == (PROJECT,)
