"""JSON Lines, Parquet and Arrow tables: which column means what."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sources.log_files import load, written
from workbench.errors import ParameterError, SourceError


def lines(folder, *objects, **options):
    text = "\n".join(item if isinstance(item, str) else json.dumps(item) for item in objects) + "\n"
    return load(written(folder, text, name="app.jsonl"), **options)


TIME = "2026-03-01T10:00:00.1239Z"
MOMENT = datetime(2026, 3, 1, 10, 0, 0, 123000)


def test_usual_names_are_understood_and_the_rest_is_kept(tmp_path):
    (row,) = lines(
        tmp_path, {"@timestamp": TIME, "Host": "web-1", "level": "WARN", "msg": "hi", "PID": 5, "req": {"id": 7}}
    ).rows
    assert (row["log_timestamp"], row["hostname"], row["severity"]) == (MOMENT, "web-1", "warning")
    assert (row["message"], row["process_id"], row["source"]) == ("hi", 5, "jsonl")
    assert json.loads(row["extra"]) == {"req": {"id": 7}}


def test_mapping_wins_over_usual_names(tmp_path):
    (row,) = lines(
        tmp_path, {"when": TIME, "message": "a", "event": "b"}, columns={"log_timestamp": "when", "message": "event"}
    ).rows
    assert row["message"] == "b"
    assert json.loads(row["extra"]) == {"message": "a", "severity": "assumed"}


def test_lines_that_name_things_differently_in_one_file(tmp_path):
    loaded = lines(tmp_path, {"time": TIME, "severity": "err"}, {"ts": TIME, "level": "crit"})
    assert loaded.column("severity") == ["error", "critical"]
    assert loaded.column("log_timestamp") == [MOMENT, MOMENT]


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01 11:00:00.123+01:00",
        1772359200.123,
        1772359200123,
        1772359200123456,
        1772359200123456789,
        "1772359200.123",
    ],
)
def test_times_as_text_and_as_numbers_of_any_unit(tmp_path, value):
    assert lines(tmp_path, {"time": value}).column("log_timestamp") == [MOMENT]


def test_time_without_offset_is_of_the_zone(tmp_path):
    loaded = lines(tmp_path, {"time": "2026-03-01T10:00:00"}, zone="Europe/Berlin")
    assert loaded.column("log_timestamp") == [datetime(2026, 3, 1, 9)]


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("FATAL", "critical"),
        ("panic", "emergency"),
        ("0", "emergency"),
        (7, "debug"),
        ("Information", "info"),
        (None, "info"),
        ("loud", "info"),
    ],
)
def test_severity_words(tmp_path, word, severity):
    (row,) = lines(tmp_path, {"time": TIME, "level": word}).rows
    assert row["severity"] == severity
    assert ("assumed" in (row["extra"] or "")) == (word in (None, "loud"))


def test_tags_are_a_json_array(tmp_path):
    loaded = lines(tmp_path, *({"time": TIME, "tags": tags} for tags in (["a", "b"], "x", None, '{"a":1}')))
    assert loaded.column("tags") == ['["a","b"]', '["x"]', None, '["{\\"a\\":1}"]']


def test_own_ids_are_kept(tmp_path):
    uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    loaded = lines(tmp_path, {"time": TIME, "log_id": uuid}, {"time": TIME, "log_id": "other"}, {"time": TIME})
    ids = loaded.column("log_id")
    assert ids[0].hex() == uuid.replace("-", "")
    assert len(set(ids)) == 3


def test_refused_lines(tmp_path):
    bad = [
        {"time": "yesterday"},
        {"msg": "x"},
        {"time": -5},
        {"time": 1e30},
        "nope",
        "[]",
        '{"time": "\ud800"}'.encode("utf-8", "replace").decode(),
        {"time": TIME, "host": "h" * 256},
    ]
    loaded = lines(tmp_path, {"time": TIME}, *bad, "", {"time": TIME})
    assert [reject["line"] for reject in loaded.rejects] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert len(loaded.rows) == 2
    assert loaded.lines == loaded.accounted == 11


def test_null_characters_become_replacement_characters(tmp_path):
    assert lines(tmp_path, {"time": TIME, "msg": "a\0b"}).column("message") == ["a\ufffdb"]


def test_parquet_with_timestamps_bytes_and_nested_values(tmp_path):
    moments = pa.array([MOMENT.replace(tzinfo=UTC), None], pa.timestamp("us", "UTC"))
    table = pa.table(
        {
            "ts": moments,
            "Host": ["a", "b"],
            "n": [1, 2],
            "log_id": pa.array([b"\x01" * 16, None], pa.binary(16)),
            "x": [{"y": 1}, None],
        }
    )
    path = tmp_path / "logs.parquet"
    pq.write_table(table, path)
    loaded = load(path)
    (row,) = loaded.rows
    assert (row["log_timestamp"], row["hostname"], row["log_id"]) == (MOMENT, "a", b"\x01" * 16)
    assert json.loads(row["extra"]) == {"n": 1, "x": {"y": 1}, "severity": "assumed"}
    assert [(reject["line"], reject["reason"]) for reject in loaded.rejects] == [(2, "has no time")]


def test_what_was_stored_reads_back_as_the_same_rows(tmp_path):
    loaded = lines(
        tmp_path, {"time": TIME, "host": "a", "msg": "x", "z": 1}, {"time": TIME, "level": "err", "tags": ["t"]}
    )
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.concat_tables([batch.rows for batch in loaded.batches]), path)
    ignored = {"ingested_at", "extra"}
    again = [{k: v for k, v in row.items() if k not in ignored} for row in load(path).rows]
    assert again == [{k: v for k, v in row.items() if k not in ignored} for row in loaded.rows]


def test_parquet_without_a_time_and_damaged_parquet(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="no column with the time"):
        load(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="Parquet"):
        load(written(tmp_path, b"PAR1 nothing more", name="b.parquet"))


def test_mapping_of_columns_that_there_are_not(tmp_path):
    with pytest.raises(ParameterError, match="no column 'when'"):
        lines(tmp_path, {"time": TIME}, columns={"log_timestamp": "when"})
    with pytest.raises(ParameterError, match="no column 'colour'"):
        lines(tmp_path, {"time": TIME}, columns={"colour": "time"})


def test_text_that_is_no_utf_8_is_replaced_and_counted(tmp_path):
    """Arrow says that a string is UTF-8; not every writer of Parquet keeps that."""
    junk = pa.array([b"caf\xe9", b"fine", None]).view(pa.string())
    table = pa.table({"time": [TIME] * 3, "msg": junk, "host": ["a", "b", "c"]})
    pq.write_table(table, tmp_path / "junk.parquet")
    loaded = load(tmp_path / "junk.parquet")
    assert loaded.column("message") == ["caf\ufffd", "fine", None]
    assert loaded.notes["replaced_characters"] == 1


def test_parquet_that_is_damaged_inside_says_so(tmp_path):
    path = tmp_path / "torn.parquet"
    pq.write_table(pa.table({"time": [TIME] * 2000}), path)
    path.write_bytes(path.read_bytes()[:4] + bytes(60) + path.read_bytes()[64:])
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        load(path)


def test_large_parquet_shows_how_far_it_is(tmp_path):
    path = tmp_path / "large.parquet"
    pq.write_table(pa.table({"time": pa.array(range(150_000), pa.timestamp("s"))}), path)
    places = [batch.position for batch in load(path).batches]
    size = path.stat().st_size
    assert (len(places), places[-1]) == (3, size)
    assert places[0] == size * 65_536 // 150_000


def test_mapping_of_a_parquet_file(tmp_path):
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({"when": [TIME], "event": ["hi"], "box": ["db-1"]}), path)
    (row,) = load(path, columns={"log_timestamp": "when", "message": "event", "hostname": "box"}).rows
    assert (row["log_timestamp"], row["message"], row["hostname"]) == (MOMENT, "hi", "db-1")
