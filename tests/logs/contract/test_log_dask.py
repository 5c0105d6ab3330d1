"""bench.logs.dask: the same lines, read by workers of a real cluster in processes of their own."""

from __future__ import annotations

import os
import pickle
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.log_examples import MIDNIGHT, batches, row
from tests.log_stores import PARAMETERS
from workbench import connect
from workbench.errors import ConfigurationError, ParameterError, StoreError

dd = pytest.importorskip("dask.dataframe", reason="dask is not installed (extra dask)")
distributed = pytest.importorskip("distributed", reason="distributed is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # of Dask's own; its processes are not ours to judge


@pytest.fixture
def rows(log_store):
    made = [
        row(MIDNIGHT + timedelta(days=day, minutes=7 * number), f"{host} {day} {number}", host=host,
            severity="error" if number % 5 == 0 else "info", process_id=None if number % 2 else number)
        for host in ("db-1", "web-1") for day in range(3) for number in range(100)
    ]  # fmt: skip
    log_store.load(batches(made))
    return made


@pytest.fixture
def secret(log_settings, log_store, rows):
    """The settings with a user and a password of this test, which can be looked for."""
    if "logs_url" not in log_settings:
        yield log_settings, "nothing to find"
        return
    name, password = f"wb_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    store: Any = log_store
    run = store.session.execute
    run(f"CREATE ROLE {name} WITH PASSWORD = '{password}' AND LOGIN = true AND SUPERUSER = true", timeout=60)
    url = log_settings["logs_url"].replace("cassandra:cassandra@", f"{name}:{password}@")
    yield log_settings | {"logs_url": url}, password
    run(f"DROP ROLE {name}", timeout=60)


def cluster(environment: dict[str, str]) -> Any:
    return distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, env=environment, silence_logs=50
    )


@pytest.fixture
def client(secret) -> Iterator[Any]:
    """Two processes that know of the store what the settings say."""
    settings, _ = secret
    environment = {"WORKBENCH_LOGS_URL": settings["logs_url"]} if "logs_url" in settings else {}
    with cluster(environment) as workers, distributed.Client(workers) as client:
        yield client


def test_workers_read_what_the_store_has(client, secret, rows):
    settings, password = secret
    lines = connect(**settings).logs.dask(since="2026-03-01", until="2026-03-03")
    assert lines.npartitions == 4
    assert password not in repr(lines)
    assert password.encode() not in pickle.dumps(dict(lines.optimize().__dask_graph__()))
    wanted = [one for one in rows if one["log_date"].day < 3]
    found = lines.compute()
    assert (
        found["message"].tolist()
        == connect(**settings).logs.stream(until="2026-03-03").read_all()["message"].to_pylist()
    )
    assert sorted(found["message"]) == sorted(one["message"] for one in wanted)
    counts = lines.groupby(["hostname", "severity"]).size().compute().to_dict()
    assert counts == {(host, name): n for host in ("db-1", "web-1") for name, n in (("error", 40), ("info", 160))}
    assert lines["process_id"].sum().compute() == sum(one["process_id"] or 0 for one in wanted)
    assert (lines.dtypes == found.dtypes).all(), "types do not depend on what is missing"
    assert os.getpid() not in client.run(os.getpid).values()


def test_questions_reach_the_workers(client, secret):
    logs = connect(**secret[0]).logs
    lines = logs.dask("web-1", "2026-03-02T01:00:00", "2026-03-02T02:00:00", severity="error", columns=["message"])
    assert list(lines.columns) == ["message"]
    assert lines.compute()["message"].tolist() == ["web-1 1 15", "web-1 1 10"]
    nothing = logs.dask(since="2027-01-01")
    assert len(nothing.compute()) == 0
    assert list(nothing.columns)[:3] == ["hostname", "log_date", "bucket"]


def test_lines_that_came_since_are_seen_by_a_new_frame(client, secret, log_store):
    logs = connect(**secret[0]).logs
    before = logs.dask().persist()
    assert len(before) == 600
    log_store.load(batches([row(1, "one more")], digest="later"))
    assert (len(logs.dask()), len(before)) == (601, 600)


def test_only_needed_columns_are_read(log_settings, rows, monkeypatch):
    from workbench.logs.ranges import Range

    asked: list[tuple[str, ...]] = []
    read = Range.read

    def watched(self, store, part):
        asked.append(self.columns)
        return read(self, store, part)

    monkeypatch.setattr(Range, "read", watched)
    monkeypatch.setenv("WORKBENCH_LOGS_URL", log_settings.get("logs_url", ""))
    lines = connect(**log_settings).logs.dask()
    assert lines["severity"].value_counts().compute(scheduler="threads").to_dict() == {"info": 480, "error": 120}
    assert set(asked) == {("severity",)}


@pytest.mark.parametrize("log_settings", [PARAMETERS[0]], indirect=True)
def test_a_worker_without_the_login_says_what_it_needs(secret):
    url = secret[0]["logs_url"]
    lines = connect(**secret[0]).logs.dask()
    for environment, said in (
        ({}, "for every worker"),
        ({"WORKBENCH_LOGS_URL": url.replace("/wb_", "/other_")}, "Set it to the same"),
    ):
        with (
            cluster(environment) as workers,
            distributed.Client(workers),
            pytest.raises(ConfigurationError, match=said),
        ):
            lines.compute()


def test_wrong_questions_are_refused_before_anything_runs(logs, log_store):
    with pytest.raises(StoreError, match="import logs"):
        logs.dask()
    log_store.load(batches([row(1)]))
    with pytest.raises(ParameterError, match="nobody"):
        logs.dask("nobody")
