"""Benchmarks on real MySQL and MariaDB servers: only in schemas of their own, and none is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests import servers
from workbench.bench import run as runs
from workbench.bench.measure import Plan
from workbench.bench.mysql import MySQLServer
from workbench.bench.scratch import PREFIX, sweep
from workbench.bench.summary import lines
from workbench.errors import StoreError
from workbench.metrics import mysql_engine
from workbench.settings import Settings


@pytest.fixture
def settings(connect: mysql_engine.Connect, tmp_path: Path) -> Settings:
    """A database of the user's own on that server, which benchmarks must not touch."""
    return Settings(data=tmp_path, metrics_url=SecretStr(connect.url))


def schemas(kind: str) -> list[str]:
    """Scratch schemas on the server."""
    return [str(row[0]) for row in servers.sql(kind, f"SHOW DATABASES LIKE '{PREFIX}%'")]


def test_a_run_measures_and_leaves_no_schema(kind: str, settings: Settings, connect: mysql_engine.Connect) -> None:
    user = connect.url.rpartition("/")[2]
    before = servers.sql(kind, "SELECT COUNT(*) FROM dora_metrics", schema=user)
    order = runs.Order(("mysql",), 10_000, "mysql/*", Plan(seconds=2, precision=0.5, load_seconds=0.1))
    made: set[str] = set()

    def said(_text: str) -> None:
        for ledger in settings.data.glob("bench/scratch/*.json"):
            made.update(name for _, name in json.loads(ledger.read_text(encoding="utf-8"))["made"])

    done = runs.execute(order, settings, said=said)
    assert {result.name for result in done.results} >= {"dashboard", "single_indexes", "checkout", "plain_inserts"}
    assert done.machine["servers"]["mysql"]["product"].casefold() == kind.removesuffix("84")
    assert [plan["query"] for plan in done.evidence["mysql"]["plans"]]
    said_by_server = done.evidence["mysql"]
    if kind == "mysql":
        assert "deployment_counts" in {one["name"] for one in said_by_server["digests"]}
        assert "LOAD DATA" not in str(said_by_server["digests"]), "how the benchmark fills its schema is no question"
    else:
        assert any("performance_schema" in note for note in said_by_server["notes"])
    assert {row["table"] for row in said_by_server["sizes"]} >= {"dora_metrics", "features"}
    unknown = {one.verdict for line in lines(done) for one in line.judged if one.target.clock == "server"}
    assert ("not known" in unknown) is (kind == "mariadb")
    pool = done.evidence["mysql"]["pool"]
    assert 0 < pool["waits"] <= pool["checkouts"], "twenty callers on fifteen connections have to wait"
    assert len(made) == 3, "the dashboard, and two copies with fewer indexes"
    assert made.isdisjoint(schemas(kind))
    assert servers.sql(kind, "SELECT COUNT(*) FROM dora_metrics", schema=user) == before
    timed = done.result("mysql/dashboard@10k", "warm")
    assert timed is not None
    assert (len(timed.server) > 0) is (kind != "mariadb"), "MariaDB counts no statements unless it is set up to"
    assert all(0 < seconds < 60 for seconds in timed.server)


def test_what_a_killed_run_left_on_the_server_is_removed(kind: str, settings: Settings, tmp_path: Path) -> None:
    server = MySQLServer(mysql_engine.from_settings(settings))
    name = f"{PREFIX}0123456789ab_10k"
    server.drop(name)
    server.create(name)
    (tmp_path / f"{PREFIX}0123456789ab.json").write_text(f'{{"format": 1, "made": [["mysql", "{name}"]]}}')
    assert sweep(tmp_path, {"mysql": server.drop}) == [f"{PREFIX}0123456789ab"]
    assert name not in schemas(kind)


def test_no_other_name_is_made_or_dropped(settings: Settings, connect: mysql_engine.Connect) -> None:
    server = MySQLServer(mysql_engine.from_settings(settings))
    user = connect.url.rpartition("/")[2]
    for refused in (server.create, server.drop, server.in_schema):
        with pytest.raises(StoreError, match="A benchmark may not touch"):
            refused(user)
