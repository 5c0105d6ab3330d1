"""bench.logs.report: a small store, the answer worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.log_examples import MIDNIGHT, batches, row
from workbench import connect
from workbench.errors import ParameterError, StoreError

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = {"start": "2026-03-01", "end": "2026-03-02", "now": NOW}


@pytest.fixture
def logs(tmp_path):
    return connect(data=str(tmp_path)).logs


def fill(logs, *rows):
    logs.store.load(batches(list(rows)))


def test_totals_errors_and_processes(logs):
    fill(
        logs,
        row(10, "all good"),
        row(20, "it FAILED badly"),
        row(3700, "stated", severity="error", extra=None),
        row(3800, "an error by words, but stated as info", extra=None),
        row(3900, "x", host="db-1", process_name="kernel"),
        row(86_400, "the day after"),
        row(MIDNIGHT - timedelta(seconds=1), "the day before"),
    )
    answer = logs.report(**WINDOW)
    totals = {host.host: (host.lines, host.read, host.errors) for host in answer.hosts}
    assert totals == {"db-1": (1, 1, 0), "web-1": (4, 4, 2)}
    processes = [tuple(one.values()) for one in answer.processes.to_pylist()]
    assert processes == [("app", 4, 2, 1), ("kernel", 1, 0, 1)]
    volume = {
        (one["host"], one["hour"].hour): one["lines"]
        for one in answer.volume.group_by(["host", "hour"])
        .aggregate([("lines", "sum")])
        .rename_columns(["host", "hour", "lines"])
        .to_pylist()
    }
    assert volume == {("web-1", 0): 2, ("web-1", 1): 2, ("db-1", 1): 1}


def test_window_is_counted_in_the_days_of_its_zone(logs):
    fill(
        logs,
        row(MIDNIGHT - timedelta(minutes=30), "in"),
        row(MIDNIGHT - timedelta(minutes=90), "out"),
        row(82_800, "out"),
    )
    answer = logs.report(**WINDOW, timezone="Europe/Berlin")
    assert answer.lines == 1
    assert [host.read for host in answer.hosts] == [1]


def test_new_messages_are_those_that_the_window_before_does_not_have(logs):
    fill(
        logs,
        row(-3600, "user 17 from 10.0.0.1 port 5"),
        row(60, "user 4711 from 10.9.9.9 port 80"),
        row(120, "disk sda7 error at 0xdeadbeef"),
        row(180, "disk sdb9 error at 0xcafebabe", host="db-1"),
        row(240, "request f47ac10b-58cc-4372-a567-0e02b2c3d479 done"),
    )
    new = logs.report(**WINDOW).new_messages.to_pylist()
    assert [(one["template"], one["errors"]) for one in new] == [
        ("disk sda<n> error at <hex>", 1),
        ("disk sdb<n> error at <hex>", 1),
        ("request <id> done", 0),
    ]
    assert (new[0]["sample"], new[0]["lines"], new[0]["hosts"]) == ("disk sda7 error at 0xdeadbeef", 1, ["web-1"])
    assert new[0]["first_seen"] == MIDNIGHT + timedelta(seconds=120)


def test_nothing_is_new_where_nothing_is_known_of_the_time_before(logs):
    fill(logs, row(60, "hello"))
    answer = logs.report(**WINDOW)
    assert answer.new_messages is None
    assert answer.as_json()["new_messages"] is None


def test_cut_reading_is_said_and_counts_stay_whole(logs):
    fill(logs, *(row(second, f"m{second}") for second in range(50)))
    answer = logs.report(**WINDOW, newest=10)
    (host,) = answer.hosts
    assert (host.lines, host.read) == (50, 10)
    assert [finding.count for finding in answer.findings if finding.check == "not_all_read"] == [40]


def test_findings_about_hosts_severities_and_dates(logs):
    fill(
        logs,
        row(60, "a", host="unknown"),
        row(60, "b", extra=None),
        row(60, "c", host="later", ingested_at=MIDNIGHT - timedelta(days=3)),
        row(90_000, "d", host="silent"),
    )
    found = {(finding.check, finding.host): finding.count for finding in logs.report(**WINDOW).findings}
    assert found == {
        ("missing_host", "unknown"): 1,
        ("no_lines", "silent"): 0,
        ("assumed_severity", ""): 2,
        ("future_dates", "later"): 1,
    }


def test_figures_are_json_with_null_where_there_is_no_data(logs, tmp_path):
    fill(logs, row(60, "a"), row(90_000, "b", host="silent"))
    path = logs.report(**WINDOW).save(tmp_path)
    told = json.loads(path.read_text())
    assert told["format"] == 1
    assert told["window"] == {
        "start": "2026-03-01T00:00:00+00:00",
        "end": "2026-03-02T00:00:00+00:00",
        "timezone": "UTC",
    }
    values = {(figure["host"], figure["metric"]): figure["value"] for figure in told["figures"]}
    assert values[("web-1", "lines")] == 1
    assert values[("web-1", "error_lines")] == 0
    assert values[("silent", "error_lines")] is None
    assert told["severities"] == {"info": 1}


def test_questions_that_make_no_sense(logs):
    with pytest.raises(StoreError, match="workbench import logs"):
        logs.report()
    fill(logs, row(60))
    with pytest.raises(ParameterError, match="no logs of a host 'nobody'"):
        logs.report("nobody")
    with pytest.raises(ParameterError, match="0 lines"):
        logs.report(newest=0)
    with pytest.raises(ParameterError, match="No host"):
        logs.report([])
    with pytest.raises(ParameterError, match="either days"):
        logs.report(days=3, start="2026-03-01", end="2026-03-02")
