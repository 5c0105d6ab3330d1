"""Reading files of records: formats, encodings, line numbers, and records that are none."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from workbench.errors import ParameterError, SourceError
from workbench.rows import FACTS, FEATURES, LINES, REJECTS, Extract
from workbench.sources import events
from workbench.sources.events import EventOptions

CSV = "id,project,deployed_at\nd1,shop,2024-03-01T10:00:00Z\nd2,shop,2024-03-02T10:00:00Z\n"


def read(folder: Path, content: str | bytes, name: str = "deployments.csv", **options: object) -> Extract:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (extract,) = events.read([path], EventOptions(**options))  # type: ignore[arg-type]
    return extract


def lines(extract: Extract) -> dict[str, int]:
    return dict(zip(extract.facts["cycle_id"].to_pylist(), extract.facts["line"].to_pylist(), strict=True))


def refused(extract: Extract) -> list[tuple[int, str]]:
    return list(zip(extract.rejects["line"].to_pylist(), extract.rejects["reason"].to_pylist(), strict=True))


def test_an_extract_has_the_agreed_columns(tmp_path):
    extract = read(tmp_path, CSV)
    assert extract.facts.schema == pa.schema([*FACTS, *LINES])
    assert extract.features.schema == FEATURES
    assert extract.rejects.schema == REJECTS
    assert (extract.source, extract.origin, extract.replaces) == ("deployments", "deployments.csv", False)
    extract.facts.validate(full=True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_dialects_of_csv_say_the_same(tmp_path, delimiter, ending, mark, pack):
    text = mark + CSV.replace(",", delimiter).replace("\n", ending)
    assert lines(read(tmp_path, pack(text.encode()))) == {"d1": 2, "d2": 3}


def test_a_last_line_without_an_end_counts(tmp_path):
    assert lines(read(tmp_path, CSV.rstrip("\n"))) == {"d1": 2, "d2": 3}


def test_line_numbers_are_physical_with_blank_lines_and_quoted_line_breaks(tmp_path):
    text = (
        'id,project,deployed_at,title\n\nd1,shop,2024-03-01T10:00:00Z,"one\ntwo, ""three""\n"\n\n'
        "d2,shop,2024-03-02T10:00:00Z,plain\n"
    )
    extract = read(tmp_path, text)
    assert lines(extract) == {"d1": 3, "d2": 7}
    assert extract.features["title"].to_pylist() == ['one\ntwo, "three"\n', "plain"]


def test_a_header_may_hold_quotes_and_line_breaks(tmp_path):
    text = '"id","project","deployed_at","what\nit is"\nd1,shop,2024-03-01T10:00:00Z,x\n'
    extract = read(tmp_path, text)
    assert lines(extract) == {"d1": 3}
    assert extract.notes["shop"]["ignored_columns"] == "what\nit is"


def test_broken_lines_are_refused_one_by_one_and_the_rest_is_read(tmp_path):
    text = (
        "id,project,deployed_at,title\n"
        'd1,shop,2024-03-01T10:00:00Z,"never closed\n'
        "d2,shop,2024-03-01T10:00:00Z,fine\n"
        "d3,shop,2024-03-01T10:00:00Z\n"
        "d4,shop,2024-03-01T10:00:00Z,a,b\n"
        'd5,shop,2024-03-01T10:00:00Z,"closed" early\n'
        'd6,shop,2024-03-01T10:00:00Z,a 5" screen\n'
        'd7,shop,2024-03-01T10:00:00Z,"a, b"\n'
    )
    extract = read(tmp_path, text)
    assert lines(extract) == {"d2": 3, "d6": 7, "d7": 8}
    assert refused(extract) == [
        (2, "a quote is not closed, or stands inside of a value"),
        (4, "3 values for 4 columns"),
        (5, "5 values for 4 columns"),
        (6, "a quote is not closed, or stands inside of a value"),
    ]
    assert extract.rejects["text"].to_pylist()[1] == "d3,shop,2024-03-01T10:00:00Z"
    assert extract.features["title"].to_pylist() == ["fine", 'a 5" screen', "a, b"]


def test_a_line_that_is_not_utf8_is_refused_alone(tmp_path):
    extract = read(tmp_path, CSV.encode() + b"d\xff,shop,2024-03-01T10:00:00Z\nd\xc3\xa9,shop,2024-03-01T10:00:00Z\n")
    assert lines(extract) == {"d1": 2, "d2": 3, "dé": 5}
    assert refused(extract) == [(4, "not UTF-8")]
    assert extract.rejects["text"].to_pylist() == ["d�,shop,2024-03-01T10:00:00Z"]


def test_the_text_of_a_reject_is_cut(tmp_path):
    extract = read(tmp_path, CSV + "d3,shop," + "é" * 2000 + "\n")
    assert extract.rejects["text"].to_pylist() == [("d3,shop," + "é" * 2000)[:500]]


def test_many_lines_of_every_length_keep_their_numbers(tmp_path):
    rows = [f'd{n},shop,2024-03-01T10:00:00Z,"{"x" * (n % 97)}{chr(10) * (n % 3)}"' for n in range(3000)]
    text = "id,project,deployed_at,title\n" + "\n".join(rows) + "\n"
    expected = {f"d{n}": 2 + n + sum(m % 3 for m in range(n)) for n in range(3000)}
    assert lines(read(tmp_path, text)) == expected


def test_json_lines(tmp_path):
    text = (
        '{"id": "d1", "project": "shop", "deployed_at": "2024-03-01T10:00:00Z", "title": "\\u00e9\\ud83d\\ude00"}\n'
        "\n"
        "[1, 2]\n"
        '{"id": "d2", \n'
        '"text"\n'
        '{"deployed_at": "2024-03-02T10:00:00Z", "project": "shop", "id": 17, "title": null, "a/b~c": {"x": 1}}\n'
    )
    extract = read(tmp_path, text, "deployments.jsonl")
    assert lines(extract) == {"d1": 1, "17": 6}
    assert refused(extract) == [(n, "not a JSON object") for n in (3, 4, 5)]
    assert extract.features["title"].to_pylist() == ["é😀"]
    assert extract.notes["shop"] == {"ignored_columns": "a/b~c"}


def test_json_in_one_array_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(SourceError, match=r"one JSON array\. Give one object a line"):
        read(tmp_path, '[\n{"id": "d1"}\n]', "deployments.json")


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_parquet_numbers_its_rows_and_takes_timestamps(tmp_path, zone):
    moment = pa.array([1709287200123456789, None, -(10**9)], pa.int64()).cast(pa.timestamp("ns", tz="America/New_York"))
    table = pa.table({"id": ["a", "b", "c"], "project": pa.array(["p"] * 3).dictionary_encode(), "deployed_at": moment})
    parquet.write_table(table, tmp_path / "x.parquet")
    (extract,) = events.read([tmp_path / "x.parquet"], EventOptions(zone=zone))
    assert lines(extract) == {"a": 1}
    assert str(extract.facts["created_at"][0]) == "2024-03-01 10:00:00.123456"
    assert refused(extract) == [
        (2, "deployed_at is missing"),
        (3, "deployed_at is outside of the years 1970 to 2262"),
    ]
    assert json.loads(extract.rejects["text"][0].as_py()) == {"id": "b", "project": "p", "deployed_at": None}


def test_naive_parquet_times_need_a_zone(tmp_path):
    times = pa.array(["2024-07-01T12:00:00"]).cast(pa.timestamp("ms"))
    parquet.write_table(pa.table({"id": [7], "project": ["p"], "deployed_at": times}), tmp_path / "x.parquet")
    (without,) = events.read([tmp_path / "x.parquet"])
    (local,) = events.read([tmp_path / "x.parquet"], EventOptions(zone="Europe/Berlin"))
    assert refused(without) == [(1, "deployed_at has no offset (state a zone: --zone)")]
    assert str(local.facts["created_at"][0]) == "2024-07-01 10:00:00"
    assert local.facts["cycle_id"].to_pylist() == ["7"]


def test_a_parquet_column_that_is_no_text_says_which(tmp_path):
    ids = pa.array([b"\xff"], pa.binary())
    parquet.write_table(pa.table({"id": ids, "deployed_at": ["2024-03-01T10:00Z"]}), tmp_path / "x.parquet")
    with pytest.raises(SourceError, match="The column 'id' cannot be read as text"):
        events.read([tmp_path / "x.parquet"], EventOptions(project="p"))


@pytest.mark.parametrize(
    ("text", "kind"), [(CSV, "deployments"), ('{"id":"d1","project":"p","deployed_at":"2024-03-01T10:00Z"}', None)]
)
def test_standard_input_is_told_by_its_first_character(monkeypatch, text, kind):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    (extract,) = events.read(["-"], EventOptions(kind=kind))
    assert extract.origin == "standard input"
    assert "d1" in lines(extract)


def test_a_header_alone_is_no_rows(tmp_path):
    extract = read(tmp_path, "id,deployed_at\n")
    assert (extract.facts.num_rows, extract.rejects.num_rows, extract.coverage) == (0, 0, ())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"\n  \n", "nothing but blank lines"),
        ("a.csv", CSV.encode("utf-16"), "UTF-16"),
        ("a.csv", b"\xff\xfa,b\n1,2\n", "header of a.csv cannot be read"),
        ("a.csv", b"id,id,deployed_at\n", "two columns named 'id'"),
        ("a.csv", (",".join(f"c{n}" for n in range(600)) + "\n").encode(), "600 columns"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-9], "damaged or cut off gzip"),
        ("a.parquet", b"PAR", "not a Parquet file"),
        ("a.parquet", b"PAR1PAR1", "cannot be read as parquet"),
        ("a.jsonl", b"nonsense\n", "fit no kind"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path, name, content, message):
    with pytest.raises(SourceError, match=message):
        read(tmp_path, content, name)


def test_a_missing_file_and_a_folder_say_so(tmp_path):
    with pytest.raises(SourceError, match=r"none\.csv cannot be read: No such file"):
        events.read([tmp_path / "none.csv"])
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        events.read([tmp_path])


def test_an_unknown_zone_is_a_wrong_parameter(tmp_path):
    with pytest.raises(ParameterError, match="no time zone named 'Mars'"):
        read(tmp_path, CSV, zone="Mars")


def test_the_digest_follows_content_and_meaning_not_the_name(tmp_path):
    first = read(tmp_path, CSV).digest
    assert read(tmp_path, CSV, "other-deployments.csv").digest == first
    others = [
        read(tmp_path, CSV + "\n"),
        read(tmp_path, CSV, project="x"),
        read(tmp_path, CSV, zone="UTC"),
    ]
    assert len({first, *(extract.digest for extract in others)}) == 4
