"""bench.logs: what can be loaded from Python, and what a load tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest

from workbench import connect
from workbench.errors import ParameterError, SourceError

TIMES = pd.to_datetime(["2026-03-01T10:00:00", "2026-03-01T11:00:00"])


@pytest.fixture
def logs(tmp_path):
    return connect(data=str(tmp_path)).logs


def test_mapping_of_a_frame(logs):
    frame = pd.DataFrame({"when": TIMES, "box": ["a", "a"]})
    with pytest.raises(SourceError, match="no column with the time"):
        logs.load(frame)
    assert logs.load(frame, mapping={"log_timestamp": "when", "hostname": "box"}).loaded == 2


def test_loads_are_remembered_the_newest_first(logs, tmp_path):
    assert logs.past_loads() == []
    path = tmp_path / "syslog"
    path.write_text("Mar  1 10:00:00 app: x\nnonsense\n")
    logs.load(path)
    logs.load(pd.DataFrame({"time": TIMES}))
    logs.load(path, dry_run=True)
    newest, oldest = logs.past_loads()
    assert newest["origins"] == ["DataFrame"]
    assert (oldest["origins"], oldest["rejected"], oldest["notes"]["missing_host"]) == (["syslog"], 1, 1)
    with (tmp_path / "log_loads.jsonl").open("a") as file:
        file.write('{"torn')
    assert len(logs.past_loads()) == 2


def test_load_that_fails_keeps_what_came_before_and_its_rejects(logs, tmp_path):
    path = tmp_path / "syslog"
    path.write_text("Mar  1 10:00:00 h app: x\nnonsense\n")
    with pytest.raises(SourceError):
        logs.load([path, tmp_path / "missing"])
    (load,) = logs.past_loads()
    assert load["rejected"] == 1
    assert len(load["reject_files"]) == 1


@pytest.mark.parametrize("data", [[], 7, {"a": 1}])
def test_data_that_cannot_be_loaded(logs, data):
    with pytest.raises(ParameterError):
        logs.load(data)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_timestamps_of_every_unit_and_zone(logs, unit, zone):
    seconds = int(datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp())
    ticks = seconds * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    table = pa.table({"time": pa.array([ticks]).cast(pa.timestamp(unit, zone)), "host": ["a"]})
    assert logs.load(table).first == datetime(2026, 3, 1, 10)


def test_columns_of_uncommon_types_are_kept_as_json(logs):
    columns = {
        "Host": ["a"], "host": ["b"], "list": [[1]], "none": pa.nulls(1), "bytes": [b"\xff"], "o'clock": ["x"],
        "word": pa.array(["w"]).dictionary_encode(), "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
    }  # fmt: skip
    logs.load(pa.table({"time": TIMES[:1], **columns}))
    (row,) = logs.partition("a", "2026-03-01").to_pylist()
    told = json.loads(row["extra"])
    expected = {"host": "b", "list": [1], "o'clock": "x", "word": "w", "map": {"k": 1}, "severity": "assumed"}
    assert expected.items() <= told.items()
    assert "none" not in told
