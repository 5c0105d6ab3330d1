"""Benchmarks on real Cassandra nodes: only in keyspaces of their own, and none is left, however a run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.cassandra_server import of
from workbench.bench import run as runs
from workbench.bench.history import History, Run
from workbench.bench.measure import Plan
from workbench.bench.scratch import PREFIX, sweep
from workbench.errors import StoreError
from workbench.settings import Settings

PLAN = Plan(seconds=1, precision=0.5, load_seconds=0.2, sustained_seconds=1)
ROWS = 10_000
KEYSPACE = "wb_bench_own"
"""The user's own keyspace, which benchmarks must not touch."""


@pytest.fixture
def session(url: str, tmp_path: Path) -> Iterator[Any]:
    """A session that sees what is on the node."""
    from workbench.logs.cassandra import CassandraLogStore

    with CassandraLogStore(of(url, KEYSPACE), tmp_path / "looking") as store:
        yield store.session


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    """Those of a user whose lines are in KEYSPACE."""
    return Settings(data=tmp_path, logs_url=SecretStr(of(url, KEYSPACE)))


def scratch(session: Any) -> set[str]:
    """Scratch keyspaces on the node."""
    from workbench.logs.pages import answer

    names = answer(session, "SELECT keyspace_name FROM system_schema.keyspaces")["keyspace_name"].to_pylist()
    return {name for name in names if name.startswith(PREFIX)}


def made(data: Path) -> set[str]:
    """The keyspaces that runs in this data folder say they made."""
    ledgers = data.glob("bench/scratch/*.json")
    return {name for ledger in ledgers for _, name in json.loads(ledger.read_text(encoding="utf-8"))["made"]}


def measured(settings: Settings, pattern: str | None = None, rows: int = ROWS) -> tuple[Run, set[str]]:
    """A run of these cases, and the keyspaces that it made."""
    seen: set[str] = set()
    order = runs.Order(("cassandra",), rows, pattern, PLAN)
    return runs.execute(order, settings, said=lambda _: seen.update(made(settings.data))), seen


def test_a_run_has_every_figure_and_leaves_no_keyspace(url: str, settings: Settings, session: Any) -> None:
    done, seen = measured(settings)
    timed = {result.name: result for result in done.results if result.kind == "warm"}
    wanted = {case.name for case in runs.cases_of(runs.Order(("cassandra",), ROWS), settings)}
    left_out = {name.partition("/")[2].partition("@")[0] for name in done.evidence["left_out"]}
    assert timed.keys() | left_out == wanted
    assert left_out <= {"copy", "dsbulk", "sustained_rf3"}, "a case was left out that one node can measure"
    assert all(len(result.values) and (result.values > 0).all() for result in timed.values())

    held = timed["sustained_rf1"]
    assert held.rate is not None
    assert held.items_a_second(held.rate) > 1_000
    opened = done.result(held.case, "open")
    assert opened is not None
    assert opened.asked_rate == pytest.approx(held.rate * runs.ARRIVALS)
    assert "this client share" in held.title, "the node is on this machine, and nothing says so"
    assert {len(timed[f"batch_{name}_in_flight"].values) % each for name, each in
            {"one": 4, "two": 8, "eight": 32}.items()} == {0}, "the time of a batch is missing"  # fmt: skip
    assert done.evidence["cassandra"]["heaps"].keys() == {row["node"] for row in done.evidence["cassandra"]["tables"]}
    reads = [row["read_p99_ms"] for row in done.evidence["cassandra"]["tables"] if row["read_p99_ms"] is not None]
    assert 1 <= max(reads) < 60_000, (
        "thousands of lines are read in a few milliseconds, neither in micro- nor in seconds"
    )
    keyspaces = {row["keyspace"] for row in done.evidence["cassandra"]["tables"]}
    assert keyspaces == {"benchmark logs", "benchmark load", "benchmark index"}

    assert {name.rpartition("_")[2] for name in seen} == {"logs", "load", "index", "rf3"}
    assert seen.isdisjoint(scratch(session))
    assert History(settings.data / "bench" / "history").get("latest").id == done.id


def test_filters_give_the_same_lines_in_each_way(settings: Settings) -> None:
    """Else their times could not be compared."""
    from contextlib import ExitStack

    from workbench.bench import scratch as scratches
    from workbench.bench.catalogue import all_cases
    from workbench.bench.servers import Servers
    from workbench.bench.stage import Stage

    servers = Servers(settings)
    with scratches.scratch(settings.data / "bench" / "scratch", servers.removers) as place, ExitStack() as stack:
        stage = Stage(place, stack, servers, lambda _: None)
        cases = {case.name: case for case in all_cases(("cassandra",), ROWS)}

        def lines(name: str) -> set[bytes]:
            found: Any = cases[name].setup(stage).run()
            return set(found["log_id"].to_pylist())

        assert len(lines("filtered")) > 20
        assert lines("filtered") == lines("sai") == lines("arrow_filter")
        assert lines("clustering") < lines("filtered")
        assert lines("filtered_rare") == lines("sai_rare")
        assert lines("sai_everywhere") == lines("allow_filtering") >= lines("sai_rare")
        assert lines("allow_filtering"), "there is nothing to be found, so that an index has nothing to do"


def test_tables_of_the_benchmark_leave_no_snapshot_when_they_are_dropped(settings: Settings, session: Any) -> None:
    from workbench.bench.cassandra import CassandraServer
    from workbench.logs.pages import answer

    name = f"{PREFIX}0123456789ab_snap"
    server = CassandraServer(settings.logs_url.get_secret_value(), settings.data)  # type: ignore[union-attr]
    server.create(name)
    try:
        asked = "SELECT allow_auto_snapshot FROM system_schema.tables WHERE keyspace_name = %s"
        assert answer(session, asked, (name,))["allow_auto_snapshot"].to_pylist() == [False, False]
    finally:
        server.drop(name)


def test_no_other_keyspace_is_made_or_dropped(settings: Settings, keyspaces: dict[int, str], session: Any) -> None:
    from workbench.bench.cassandra import CassandraServer

    server = CassandraServer(settings.logs_url.get_secret_value(), settings.data)  # type: ignore[union-attr]
    theirs = keyspaces[1].rpartition("/")[2].partition("?")[0]
    for name in (theirs, "system_auth", f"{PREFIX}x", f"{PREFIX}0123456789ab_logs; DROP KEYSPACE {theirs}"):
        for refused in (server.create, server.drop, server.store):
            with pytest.raises(StoreError, match="A benchmark may not touch"):
                refused(name)
    assert theirs in session.cluster.metadata.keyspaces


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_keyspace_and_a_killed_one_is_cleaned_up_by_the_next(
    number: signal.Signals, settings: Settings, session: Any
) -> None:
    from workbench.bench.servers import Servers

    data = settings.data
    environment = {**os.environ, "WORKBENCH_LOGS_URL": settings.logs_url.get_secret_value()}  # type: ignore[union-attr]
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "bench", "--store", "cassandra",
               "--rows", "10k", "--case", "sustained_rf1", "--thorough", "--data", str(data)]  # fmt: skip
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("load held"):
                break
        names = made(data)
        assert names
        assert names <= scratch(session), "the run is under way, and its keyspaces are not there"
        time.sleep(0.5)  # into the load
        process.send_signal(number)
        process.stderr.read()
    assert process.returncode != 0
    if number == signal.SIGKILL:
        assert names <= scratch(session)
        assert sweep(data / "bench" / "scratch", Servers(settings).removers)
    assert names.isdisjoint(scratch(session))
    assert not made(data)
    assert not list(data.glob("bench/history/*")), "half a run was kept"


def test_three_nodes_are_measured_with_one_and_with_three_replicas(tmp_path: Path, three: str) -> None:
    settings = Settings(data=tmp_path, logs_url=SecretStr(three))
    done, seen = measured(settings, "sustained")
    rates = {result.name: result.rate for result in done.results if result.kind == "warm"}
    assert rates.keys() == {"sustained_rf1", "sustained_rf3"}
    assert all(rates.values())
    assert not done.evidence["left_out"]
    assert {name.rpartition("_")[2] for name in seen} == {"rf1", "load"}
    cassandra = done.evidence["cassandra"]
    assert "error" not in cassandra, cassandra["error"]
    assert len(cassandra["heaps"]) == len({row["node"] for row in cassandra["tables"]}) == 3
    assert cassandra["shared"]["nodes"] == 3
    assert all("3 nodes and this client share" in result.title for result in done.results)
    own = three.rpartition("/")[2].partition("?")[0]
    assert {row["keyspace"] for row in cassandra["tables"]} == {own, "benchmark rf1", "benchmark load"}
    assert cassandra["keyspace"] == own
    mine = [row for row in cassandra["tables"] if row["keyspace"] == own]
    assert not any(row["writes"] for row in mine), "the user's own tables were written"


def test_a_cluster_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, logs_url=SecretStr("cassandra://127.0.0.9:1/nobody"))
    with pytest.raises(StoreError, match="No node answers"):
        measured(settings, "write_one")
