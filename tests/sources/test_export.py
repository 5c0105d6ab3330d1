"""Reading an existing dora_metrics table that somebody exported."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from workbench.errors import ParameterError, SourceError
from workbench.rows import FACTS, LINES, Coverage, Extract
from workbench.sources import events, export
from workbench.sources.events import EventOptions

HEADER = "id,cycle_id,feature_id,phase_name,decision,duration_seconds,metadata,created_at\n"


def read(folder: Path, rows: str, header: str = HEADER, **options: str) -> Extract:
    path = folder / "metrics.csv"
    path.write_text(header + rows, encoding="utf-8", newline="")
    return export.read(path, **options)


def refused(extract: Extract) -> list[tuple[int, str]]:
    return list(zip(extract.rejects["line"].to_pylist(), extract.rejects["reason"].to_pylist(), strict=True))


def test_a_row_is_taken_as_it_is(tmp_path):
    extract = read(tmp_path, '7,c1,f1,deployment,go,3600.50,"{""author"": ""Ann""}",2024-03-01 10:00:00.123456\n')
    assert extract.facts.schema == pa.schema([*FACTS, *LINES])
    assert extract.facts.to_pylist() == [
        {
            "project": "metrics",
            "cycle_id": "c1",
            "feature_id": "f1",
            "phase_name": "deployment",
            "decision": "go",
            "duration_seconds": Decimal("3600.50"),
            "charged_to": None,
            "link_rule": None,
            "fixed_by": None,
            "source": "export",
            "updated_at": None,
            "metadata": '{"author": "Ann"}',
            "created_at": datetime(2024, 3, 1, 10, 0, 0, 123456),
            "line": 2,
        }
    ]
    assert extract.notes == {"metrics": {"knows_failures": 1}}
    assert extract.coverage[0].project == "metrics"


def test_naive_times_are_utc_unless_another_zone_is_stated(tmp_path):
    row = "1,c1,f1,planning,go,,,2024-07-01 10:00:00\n"
    assert read(tmp_path, row).facts["created_at"].to_pylist() == [datetime(2024, 7, 1, 10)]
    there = read(tmp_path, row, zone="Europe/Berlin")
    assert there.facts["created_at"].to_pylist() == [datetime(2024, 7, 1, 8)]
    with pytest.raises(ParameterError, match="no time zone"):
        read(tmp_path, row, zone="Nowhere")


def test_the_project_is_the_column_then_the_option_then_the_file(tmp_path):
    header = "project,cycle_id,feature_id,phase_name,decision,created_at\n"
    rows = "a,c1,,deployment,go,2024-03-01 10:00:00\n,c2,,deployment,go,2024-03-01 10:00:00\n"
    assert read(tmp_path, rows, header).facts["project"].to_pylist() == ["a", "metrics"]
    assert read(tmp_path, rows, header, project="b").projects == ("a", "b")


@pytest.mark.parametrize("null", ["", r"\N", "NULL"])
def test_nulls_as_servers_spell_them(tmp_path, null):
    header = "cycle_id,feature_id,phase_name,decision,duration_seconds,metadata,updated_at,fixed_by,created_at\n"
    extract = read(tmp_path, f"c1,{null},deployment,go,{null},{null},{null},{null},2024-03-01 10:00:00\n", header)
    (row,) = extract.facts.to_pylist()
    assert row["feature_id"] == ""
    assert [row[name] for name in ("duration_seconds", "metadata", "updated_at", "fixed_by")] == [None] * 4


def test_spellings_of_phase_and_decision(tmp_path):
    extract = read(
        tmp_path,
        "1,c1,,Deployment,no_go,,,2024-03-01 10:00:00\n"
        "2,c2,,TESTING,No Go,,,2024-03-01 10:00:00\n"
        "3,c3,,planning,review,,,2024-03-01 10:00:00\n",
    )
    assert extract.facts.select(["phase_name", "decision"]).to_pylist() == [
        {"phase_name": "deployment", "decision": "no-go"},
        {"phase_name": "testing", "decision": "no-go"},
        {"phase_name": "planning", "decision": "review"},
    ]


def test_a_negative_lead_time_is_no_lead_time_and_says_so(tmp_path):
    extract = read(
        tmp_path,
        "1,c1,f1,deployment,go,-0.01,,2024-03-01 10:00:00\n"
        '2,c2,f1,deployment,go,-5,"{""a"": null}",2024-03-01 10:00:00\n'
        "3,c3,f1,deployment,go,0,,2024-03-01 10:00:00\n",
    )
    assert extract.facts["duration_seconds"].to_pylist() == [None, None, Decimal("0.00")]
    found = [text and json.loads(text) for text in extract.facts["metadata"].to_pylist()]
    assert found == [{"no_lead_time": "negative"}, {"a": None, "no_lead_time": "negative"}, None]


def test_durations_are_rounded_half_up(tmp_path):
    rows = "".join(f"{n},c{n},,testing,go,{n}.005,,2024-03-01 10:00:00\n" for n in (1, 2))
    assert read(tmp_path, rows).facts["duration_seconds"].to_pylist() == [Decimal("1.01"), Decimal("2.01")]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('{"a": 1}', {"a": 1}),
        ("just text", {"text": "just text"}),
        ('{"a": NaN}', {"text": '{"a": NaN}'}),
        ('{"a": 1,}', {"text": '{"a": 1,}'}),
        ('{"nan": "inf,]"}', {"nan": "inf,]"}),
        ("[1, 2]", {"text": "[1, 2]"}),
        ('{"s": "<script>"}', {"s": "<script>"}),
    ],
)
def test_metadata_is_a_json_object_or_becomes_one(tmp_path, written, kept):
    quoted = '"' + written.replace('"', '""') + '"'
    extract = read(tmp_path, f"1,c1,,planning,go,,{quoted},2024-03-01 10:00:00\n")
    assert json.loads(extract.facts["metadata"][0].as_py()) == kept


def test_an_incident_in_a_cycle_of_its_own_says_that_it_names_no_deployment(tmp_path):
    extract = read(
        tmp_path,
        "1,c1,f1,deployment,go,,,2024-03-01 10:00:00\n"
        "2,c2,f2,maintenance,fixed,60,,2024-03-01 11:00:00\n"
        "3,c1,f3,maintenance,open,,,2024-03-01 11:00:00\n"
        "4,,f4,maintenance,open,,,2024-03-01 11:00:00\n"
        '5,c5,f5,maintenance,open,,"{""a"": 1}",2024-03-01 11:00:00\n'
        "6,c6,f1,deployment,wrong,,,2024-03-01 10:00:00\n"
        "7,c6,f6,maintenance,open,,,2024-03-01 11:00:00\n",
    )
    remarks = {row["feature_id"]: json.loads(row["metadata"] or "{}") for row in extract.facts.to_pylist()}
    assert remarks == {
        "f1": {},
        "f2": {"names_no_deployment": True},
        "f3": {},
        "f4": {},
        "f5": {"a": 1, "names_no_deployment": True},
        "f6": {"names_no_deployment": True},
    }
    assert set(extract.facts["cycle_id"].to_pylist()) == {"c1", "c2", "", "c5", "c6"}, "the key stays as it is"


def test_in_a_table_of_our_own_an_unknown_name_stays_a_name(tmp_path):
    header = (
        "project,cycle_id,feature_id,phase_name,decision,charged_to,fixed_by,link_rule,source,updated_at,created_at\n"
    )
    extract = read(
        tmp_path, "a,c9,f1,maintenance,fixed,c1,c2,time,incidents,2024-03-02 10:00:00,2024-03-01 10:00:00\n", header
    )
    (row,) = extract.facts.to_pylist()
    assert (row["metadata"], row["fixed_by"], row["charged_to"], row["link_rule"]) == (None, "c2", None, None)
    assert (row["source"], row["updated_at"]) == ("export", datetime(2024, 3, 2, 10))
    assert extract.coverage == (Coverage("a", datetime(2024, 3, 1, 10), datetime(2024, 3, 2, 10, 0, 0, 1)),)
    assert "ignored_columns" not in extract.notes["a"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("c1,f1,shipping,go,,2024-03-01 10:00", "unknown phase_name: shipping"),
        ("c1,f1,,go,,2024-03-01 10:00", "phase_name is missing"),
        ("c1,f1,testing,maybe,,2024-03-01 10:00", "unknown decision: maybe"),
        ("c1,f1,testing,,,2024-03-01 10:00", "decision is missing"),
        ("c1,f1,testing,open,,2024-03-01 10:00", "decision open does not fit the phase testing"),
        ("c1,f1,maintenance,go,,2024-03-01 10:00", "decision go does not fit the phase maintenance"),
        (",f1,testing,go,,2024-03-01 10:00", "cycle_id is missing"),
        (",,maintenance,open,,2024-03-01 10:00", "cycle_id is missing"),
        ("c1,f1,testing,go,,", "created_at is missing"),
        ("c1,f1,testing,go,,0000-00-00 00:00:00", "created_at is not an ISO 8601 date and time"),
        ("c1,f1,testing,go,fast,2024-03-01 10:00", "duration_seconds is not a number below 10,000,000,000"),
        ("c1,f1,testing,go,nan,2024-03-01 10:00", "duration_seconds is not a number below 10,000,000,000"),
        ("c1,f1,testing,go,12345678901,2024-03-01 10:00", "duration_seconds is not a number below 10,000,000,000"),
        ("c1,f1,testing,go,-1,2024-03-01 10:00", "duration_seconds is negative"),
        ("c1,f1,maintenance,fixed,-1,2024-03-01 10:00", "duration_seconds is negative"),
        (f"{'c' * 101},f1,testing,go,,2024-03-01 10:00", "cycle_id is longer than 100 characters"),
        (f"c1,{'f' * 101},testing,go,,2024-03-01 10:00", "feature_id is longer than 100 characters"),
    ],
)
def test_rows_are_refused_with_a_reason(tmp_path, row, reason):
    header = "cycle_id,feature_id,phase_name,decision,duration_seconds,created_at\n"
    extract = read(tmp_path, row + "\n", header)
    assert refused(extract) == [(2, reason)]
    assert extract.facts.num_rows == 0


def test_doubles_and_contradictions_go_by_cycle_feature_and_phase(tmp_path):
    extract = read(
        tmp_path,
        "1,c1,f1,planning,go,,,2024-03-01 10:00:00\n"
        "2,c1,f1,planning,go,,,2024-03-01 10:00:00\n"
        "3,c1,f1,testing,go,,,2024-03-01 10:00:00\n"
        "4,c2,f1,planning,go,1,,2024-03-01 10:00:00\n"
        "5,c2,f1,planning,go,2,,2024-03-01 10:00:00\n"
        "6,c3,f1,maintenance,open,,,2024-03-01 10:00:00\n"
        "7,c3,f1,maintenance,fixed,9,,2024-03-01 10:00:00\n",
    )
    assert extract.facts["line"].to_pylist() == [2, 4, 8]
    assert refused(extract) == [
        (3, "duplicate of line 2"),
        (5, "conflicts with line 6"),
        (6, "conflicts with line 5"),
    ]
    assert extract.notes["metrics"]["superseded"] == 1


def test_csv_and_parquet_with_server_types_say_the_same(tmp_path):
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.uint64()),
            "cycle_id": ["c1", "c2"],
            "feature_id": ["f1", "f2"],
            "phase_name": ["deployment", "maintenance"],
            "decision": ["go", "fixed"],
            "duration_seconds": pa.array([Decimal("12.50"), Decimal("60.00")], pa.decimal128(12, 2)),
            "metadata": ['{"a": 1}', None],
            "created_at": pa.array([datetime(2024, 3, 1, 10), datetime(2024, 3, 1, 11)], pa.timestamp("us")),
        }
    )
    parquet.write_table(table, tmp_path / "metrics.parquet")
    text = (
        '1,c1,f1,deployment,go,12.50,"{""a"": 1}",2024-03-01 10:00:00\n'
        "2,c2,f2,maintenance,fixed,60.00,,2024-03-01 11:00:00\n"
    )
    one, other = export.read(tmp_path / "metrics.parquet"), read(tmp_path, text)
    assert one.facts.drop_columns(["line"]).to_pylist() == other.facts.drop_columns(["line"]).to_pylist()
    assert one.facts["line"].to_pylist() == [1, 2]


def test_an_events_import_recognises_an_export(tmp_path):
    (tmp_path / "metrics.csv").write_text(HEADER + "1,c1,f1,deployment,go,,,2024-03-01 10:00:00\n")
    (extract,) = events.read([tmp_path / "metrics.csv"], EventOptions(project="p"))
    assert (extract.source, extract.projects) == ("export", ("p",))
    assert extract.digest == export.read(tmp_path / "metrics.csv", project="p").digest
    assert export.looks_like_export(["Cycle_ID", "feature_id", "phase_name", "decision", "created_at"])
    assert not export.looks_like_export(["id", "deployed_at", "decision"])


def test_another_file_is_no_export(tmp_path):
    with pytest.raises(SourceError, match="no export of dora_metrics: it has no column phase_name"):
        read(tmp_path, "", "cycle_id,feature_id,decision,created_at\n")


def test_unknown_columns_are_named(tmp_path):
    header = "cycle_id,feature_id,phase_name,decision,created_at,extra\n"
    extract = read(tmp_path, "c1,,deployment,go,2024-03-01 10:00:00,x\n", header)
    assert extract.notes["metrics"]["ignored_columns"] == "extra"
