"""What holds for any events file: order does not matter, nothing is lost, nothing raises but a SourceError."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.errors import SourceError
from workbench.rows import Extract
from workbench.sources import events
from workbench.sources.events import EventOptions

FEWER = settings(max_examples=max(settings().max_examples // 2, 1))
"""Every example writes and reads files."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TIMES = st.sampled_from(["2024-03-01T10:00Z", "2024-03-01T11:00:00+01:00", "2024-03-02T00:00Z", "", "never"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["a", "b", "c", "", "<b>"]),
            "project": st.sampled_from(["p", "q", ""]),
            "began_at": TIMES,
            "resolved_at": TIMES,
            "title": TEXT,
            "updated_at": TIMES,
        }
    ),
    max_size=8,
)


def read(content: bytes, name: str, **options: object) -> Extract:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        (extract,) = events.read([path], EventOptions(**options))  # type: ignore[arg-type]
    return extract


def as_csv(rows: list[dict[str, str]]) -> bytes:
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, ["id", "project", "began_at", "resolved_at", "title", "updated_at"])
    writer.writeheader()
    writer.writerows(rows)
    return sheet.getvalue().encode()


def as_json(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def said(extract: Extract) -> set[str]:
    facts = extract.facts.drop_columns(["line"]).to_pylist()
    return {repr(row) for row in [*facts, *extract.features.to_pylist()]}


def reasons(extract: Extract) -> list[str]:
    """Without the lines they name: a CSV file has its header before."""
    return sorted(reason.rstrip("0123456789") for reason in extract.rejects["reason"].to_pylist())


def accounted_for(extract: Extract) -> int:
    counts = [
        int(notes.get(name, 0)) for notes in extract.notes.values() for name in ("superseded", "other_environments")
    ]
    return int(extract.facts.num_rows) + int(extract.rejects.num_rows) + sum(counts)


@FEWER
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, other = read(as_csv(rows), "incidents.csv"), read(as_csv(shuffled), "incidents.csv")
    assert said(one) == said(other)
    assert (one.coverage, one.notes) == (other.coverage, other.notes)
    assert accounted_for(one) == accounted_for(other) == len(rows), "every record is kept, refused or superseded"


@FEWER
@given(ROWS.filter(bool))
def test_csv_and_json_lines_say_the_same(rows):
    one = read(as_csv(rows), "x.csv")
    other = read(as_json(rows), "x.jsonl")
    assert said(one) == said(other)
    assert (one.coverage, one.notes) == (other.coverage, other.notes)
    assert reasons(one) == reasons(other)


@FEWER
@given(
    st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2262, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
@example([datetime(2024, 10, 27, 0, 30), datetime(2024, 10, 27, 1, 30)], "Europe/Berlin")
def test_times_survive_being_written_in_any_zone(moments, zone):
    local = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for moment in moments]
    aware, naive = (
        read(
            "".join(["id,deployed_at\n", *(f"{n},{time}\n" for n, time in enumerate(times))]).encode(),
            "x.csv",
            **options,
        )
        for times, options in (
            ([time.isoformat() for time in local], {"project": "p"}),
            ([time.replace(tzinfo=None) for time in local], {"project": "p", "zone": zone}),
        )
    )
    assert aware.facts["created_at"].to_pylist() == moments
    first = [time.replace(fold=0).astimezone(UTC).replace(tzinfo=None) for time in local]
    assert naive.facts["created_at"].to_pylist() == first, "of a repeated hour it is the first"


BYTES = st.binary(max_size=60) | st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r\n", b"\r", b"\x00", b"\xff", b"x", b"2024-03-01T10:00Z", b'""', b" ", b"{", b"}"]
    )
).map(b"".join)


@FEWER
@given(BYTES)
@example(b'a,"x\nb,"\n')
@example(b'"a\n",2024-03-01T10:00Z\n\r,\n"')
def test_any_bytes_below_a_header_are_kept_or_refused(body):
    extract = read(b"id,deployed_at\nd,2024-03-01T10:00Z\n" + body, "x.csv", project="p")
    lines = [*extract.facts["line"].to_pylist(), *extract.rejects["line"].to_pylist()]
    assert 2 in lines, "what comes before the mess is told apart from it"
    assert len(lines) == len(set(lines)), "a line begins one record at most"
    physical = (b"id,deployed_at\nd,2024-03-01T10:00Z\n" + body).split(b"\n")
    assert all(physical[line - 1].strip(b" \t\r") for line in lines), "a record begins on a line that is not blank"
    if b'"' not in body:
        filled = sum(1 for line in physical if line.strip(b" \t\r"))
        assert accounted_for(extract) == filled - 1, "without quotes every line that is not blank is a record"


@FEWER
@given(BYTES)
def test_any_bytes_among_json_lines_are_kept_or_refused(body):
    good = b'{"id": "d", "deployed_at": "2024-03-01T10:00Z"}\n'
    extract = read(good + body, "x.jsonl", project="p")
    filled = sum(1 for line in (good + body).split(b"\n") if line.strip(b" \t\r"))
    assert accounted_for(extract) == filled
    assert extract.facts["line"].to_pylist() == [1]


@FEWER
@given(
    BYTES | BYTES.map(gzip.compress) | BYTES.map(lambda body: b"PAR1" + body + b"PAR1"),
    st.sampled_from(["x.csv", "x.jsonl", "x.json", "x.parquet", "x", "x.csv.gz"]),
    st.sampled_from([None, "deployments", "incidents"]),
)
def test_any_file_is_read_or_refused_by_a_source_error(content, name, kind):
    with contextlib.suppress(SourceError):
        read(content, name, kind=kind, project="p")


@FEWER
@given(BYTES.map(lambda body: body.replace(b"{", b"")), st.sampled_from(["x", "x.csv", "x.jsonl"]))
def test_a_refused_file_comes_with_a_remedy(content, name):
    with pytest.raises(SourceError) as refusal:
        read(content, name, project="p")
    assert refusal.value.what
    assert refusal.value.remedy
