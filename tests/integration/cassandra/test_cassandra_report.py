"""The report on logs, the notebook, and the command, on a real Cassandra."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import log_sample
from tests.cassandra_server import of
from tests.cli.conftest import Command
from tests.cli.conftest import workbench as workbench
from tests.integration.cassandra.conftest import Open
from tests.notebooks import golden
from workbench import connect
from workbench.errors import ConfigurationError
from workbench.files import folder
from workbench.logs import driver
from workbench.reporting.logs import make_report

N = 600


@pytest.fixture
def address(open_store: Open, url: str, host: str, first_day: date) -> str:
    """A keyspace of this test alone with three days of a host, some of whose lines are hostile."""
    made = of(url, f"wb_rep_{host[-8:]}")
    store = open_store(address=made)
    store.migrate(replication="datacenter1:1")
    store.load(log_sample.batches(log_sample.table(log_sample.rows(host, first_day, N)), host))
    return made


@pytest.fixture
def window(first_day: date) -> dict[str, Any]:
    return {"start": first_day.isoformat(), "end": (first_day + timedelta(days=3)).isoformat()}


def test_the_report_reads_at_quorum_and_shows_the_nodes(
    address: str, host: str, window: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_LOGS_URL", address)
    made = make_report(window, data=str(tmp_path / "data"), out=str(tmp_path / "out"))
    page = Path(made["html"]).read_text(encoding="utf-8")
    assert "The nodes\u2019 own view" in page
    assert "infrastructure_log_stats" in page
    assert "127.0.0.1" in page
    assert "<script>alert(1)" not in page
    assert "\x1b" not in page
    assert "\0" not in page
    assert ":cassandra@" not in page, "the password stays out"
    figures = json.loads(Path(made["figures"]).read_text(encoding="utf-8"))
    assert {(one["host"], one["value"]) for one in figures["figures"] if one["metric"] == "lines"} == {(host, N)}


def test_counts_and_rows_of_a_report_are_asked_at_quorum(
    address: str, window: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = connect(data=str(tmp_path), logs_url=address).logs
    store: Any = logs.store
    asked: list[Any] = []
    execute = store.session.execute_async

    def watched(statement: Any, *args: Any, execution_profile: Any = None, **options: Any) -> Any:
        if not isinstance(statement, str):  # words are for the server's own tables
            asked.append(execution_profile)
        return execute(statement, *args, execution_profile=execution_profile, **options)

    monkeypatch.setattr(store.session, "execute_async", watched)
    answer = logs.report(**window)
    assert answer.lines == N
    assert answer.digest.days.num_rows == 3
    assert len(asked) > 3
    assert set(asked) == {driver.VERIFY}
    logs.close()


def test_the_notebook_runs(address: str, window: dict[str, Any], tmp_path: Path) -> None:
    notebook = folder("notebooks") / "infrastructure_logs.ipynb"
    done = golden.nbval(
        "--nbval-lax", str(notebook), data=tmp_path / "data", run_folder=tmp_path, WORKBENCH_LOGS_URL=address
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [one["value"] for one in figures["figures"] if one["metric"] == "lines"] == [N]


def test_monitor_from_python_and_from_the_command(
    address: str, workbench: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = connect(data=str(tmp_path), logs_url=address).logs
    frame = logs.monitor()
    assert set(frame["table_name"]) == {"infrastructure_logs", "infrastructure_log_stats"}
    assert (frame["pending_compactions"] >= 0).all()
    assert "Largest partition" in logs.server().markup
    logs.close()
    monkeypatch.setenv("WORKBENCH_LOGS_URL", address)
    assert "infrastructure_logs" in workbench("monitor", "cassandra").out
    tables = workbench("monitor", "cassandra", "--json").json["tables"]
    unread = [table for table in tables if table["scans"] == 0]
    assert unread
    assert all(table["scan_p50_ms"] is None for table in unread), "no scans, no percentile, and JSON without NaN"


def test_an_embedded_store_has_no_nodes(tmp_path: Path) -> None:
    logs = connect(data=str(tmp_path)).logs
    assert logs.server().markup == ""
    with pytest.raises(ConfigurationError, match="WORKBENCH_LOGS_URL"):
        logs.monitor()


def test_text_of_logs_is_inert_in_the_terminal(
    address: str, workbench: Command, host: str, first_day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_LOGS_URL", address)
    printed = workbench("logs", "tail", host, "--day", first_day, "--newest", N).out
    assert "<script>alert(1)</script>" in printed, "the terminal runs no script"
    assert "\x1b" not in printed
    assert "\0" not in printed
    assert str(N) in workbench("logs", "hosts").out


def test_migrate_makes_everything_and_says_what_it_needs(
    url: str, workbench: Command, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_LOGS_URL", of(url, f"wb_mig_{host[-8:]}"))
    refused = workbench("migrate")
    assert (refused.code, "--replication datacenter1:1" in refused.err) == (2, True), "never SimpleStrategy in silence"
    assert "no data centre 'dc9'" in workbench("migrate", "--replication", "dc9:1").err
    assert "2038" in workbench("migrate", "--replication", "datacenter1:1", "--days", 7000).err
    made = workbench("migrate", "--replication", "datacenter1:1", "--parts", 2, "--index", "severity", "--json").json
    assert made["store"] == "embedded", "the metrics need no migration"
    assert [text.split()[1] for text in made["logs"]["statements"]] == ["KEYSPACE", "TABLE", "TABLE", "INDEX"]
    assert workbench("migrate", "--json").json["logs"]["statements"] == []
    assert "nothing had to be done" in workbench("migrate").out
    for option, said in (
        (("--parts", 3), "2 parts"),
        (("--days", 30), "ALTER TABLE"),
        (("--window", 3), "ALTER TABLE"),
    ):
        done = workbench("migrate", *option)
        assert (done.code, said in done.err) == (1, True), "what is asked for is not passed over"


def test_a_person_at_a_terminal_is_asked_for_the_replication(
    url: str, workbench: Command, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_LOGS_URL", of(url, f"wb_ask_{host[-8:]}"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda text, default, err: f"{default}")
    done = workbench("migrate")
    assert "datacenter1 with 1 node" in done.err
    assert "'NetworkTopologyStrategy', 'datacenter1': 1" in done.out


def test_doctor_looks_at_the_cluster(address: str, workbench: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_LOGS_URL", address)
    checks = {check["name"]: check for check in workbench("doctor", "--json").json["checks"]}
    names = ("nodes", "schema", "clocks", "replication", "compaction", "time to live", "batches", "heap", "partitions")
    assert {f"Cassandra {name}" for name in names} <= set(checks)
    assert checks["Cassandra clocks"]["state"] == "ok"
    monkeypatch.setenv("WORKBENCH_LOGS_URL", "cassandra://127.0.0.1:1/logging")
    down = {check["name"]: check for check in workbench("doctor", "--json").json["checks"]}["Cassandra connection"]
    assert (down["state"], "No node answers" in down["detail"]) == ("problem", True)
