"""What each kind of events file means, and why a row is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from workbench.errors import ParameterError, SourceError
from workbench.rows import Coverage, Extract
from workbench.sources import events
from workbench.sources.events import EventOptions
from workbench.sources.events_columns import recognise

MORNING = datetime(2024, 3, 1, 10)


def read(folder: Path, content: str, name: str = "file.csv", **options: object) -> Extract:
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    (extract,) = events.read([path], EventOptions(**{"project": "shop", **options}))  # type: ignore[arg-type]
    return extract


def facts(extract: Extract, *columns: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in columns) for row in extract.facts.to_pylist()]


def refused(extract: Extract) -> list[tuple[int, str]]:
    return list(zip(extract.rejects["line"].to_pylist(), extract.rejects["reason"].to_pylist(), strict=True))


def test_a_deployment_becomes_one_deployment_row_without_a_change(tmp_path):
    extract = read(tmp_path, "id,deployed_at,project\nd1,2024-03-01T11:00:00+01:00,a\n")
    (row,) = extract.facts.to_pylist()
    assert row == {
        "project": "a",
        "cycle_id": "d1",
        "feature_id": "",
        "phase_name": "deployment",
        "decision": "go",
        "duration_seconds": None,
        "charged_to": None,
        "link_rule": None,
        "fixed_by": None,
        "source": "deployments",
        "updated_at": None,
        "metadata": None,
        "created_at": MORNING,
        "line": 2,
    }
    assert "knows_failures" not in extract.notes["a"], "a file that tells no outcome knows no failures"


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("decision", "go", "go"),
        ("decision", " No-Go ", "no-go"),
        ("decision", "rework", "rework"),
        ("status", "SUCCESS", "go"),
        ("status", "succeeded", "go"),
        ("status", "ok", "go"),
        ("status", "finished", "go"),
        ("status", "failed", "no-go"),
        ("status", "failure", "no-go"),
        ("status", "error", "no-go"),
        ("status", "Rolled Back", "no-go"),
        ("outcome", "rolled-back", "no-go"),
    ],
)
def test_outcomes_of_deployments(tmp_path, column, value, expected):
    extract = read(tmp_path, f"id,deployed_at,{column}\nd1,2024-03-01T10:00Z,{value}\n")
    assert facts(extract, "decision") == [(expected,)]
    assert extract.notes["shop"]["knows_failures"] == 1


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("decision", "review", "unknown decision: review"),
        ("decision", "", "decision is missing"),
        ("status", "purple", "unknown status: purple"),
        ("status", "cancelled", "not a finished deployment: cancelled"),
        ("status", "Skipped", "not a finished deployment: Skipped"),
        ("status", "in_progress", "not a finished deployment: in_progress"),
    ],
)
def test_other_outcomes_are_refused(tmp_path, column, value, reason):
    extract = read(tmp_path, f"id,deployed_at,{column}\nd1,2024-03-01T10:00Z,{value}\n")
    assert refused(extract) == [(2, reason)]
    assert extract.facts.num_rows == 0


def test_only_production_counts_and_the_others_are_counted(tmp_path):
    values = ["production", "PROD", "live", "staging", "", "qa"]
    rows = "".join(f"d{n},2024-03-01T10:00Z,{value}\n" for n, value in enumerate(values))
    extract = read(tmp_path, f"id,deployed_at,environment\n{rows}")
    assert facts(extract, "cycle_id") == [("d0",), ("d1",), ("d2",)]
    assert extract.notes["shop"]["other_environments"] == 3
    assert refused(extract) == []


def test_a_change_starts_when_it_was_authored_else_committed(tmp_path):
    extract = read(
        tmp_path,
        "id,deployment,authored_at,committed_at\n"
        "c1,d1,2024-03-01T10:00Z,2024-03-01T12:00Z\n"
        "c2,d1,,2024-03-01T12:00Z\n"
        "c3,d1,,\n"
        "c4,d1,yesterday,2024-03-01T12:00Z\n"
        "c5,,2024-03-01T10:00Z,\n",
    )
    columns = ("cycle_id", "feature_id", "phase_name", "decision", "duration_seconds", "created_at", "source")
    assert facts(extract, *columns) == [
        ("d1", "c1", "planning", "go", None, MORNING, "changes"),
        ("d1", "c2", "planning", "go", None, datetime(2024, 3, 1, 12), "changes"),
    ]
    assert extract.notes["shop"] == {"committed_used": 1}
    assert refused(extract) == [
        (4, "authored_at and committed_at are missing"),
        (5, "authored_at is not an ISO 8601 date and time"),
        (6, "deployment is missing"),
    ]


def test_an_incident_is_open_or_has_its_seconds_to_recover(tmp_path):
    extract = read(
        tmp_path,
        "id,began_at,resolved_at,deployment,fixed_by\n"
        "i1,2024-03-01T10:00:00Z,2024-03-01T11:00:00.005Z,d1,d2\n"
        "i2,2024-03-01T10:00:00Z,2024-03-01T10:00:00.004999Z,,\n"
        "i3,2024-03-01T10:00:00Z,,,\n"
        "i4,2024-03-01T10:00:00Z,2024-03-01T09:59:59.999999Z,,\n",
    )
    columns = ("feature_id", "cycle_id", "decision", "duration_seconds", "fixed_by", "created_at", "phase_name")
    assert facts(extract, *columns) == [
        ("i1", "d1", "fixed", Decimal("3600.01"), "d2", MORNING, "maintenance"),
        ("i2", "", "fixed", Decimal("0.00"), None, MORNING, "maintenance"),
        ("i3", "", "open", None, None, MORNING, "maintenance"),
    ]
    assert refused(extract) == [(5, "ends before it begins")]


def test_an_incident_of_three_centuries_still_has_a_duration(tmp_path):
    extract = read(tmp_path, "id,began_at,resolved_at\ni1,1970-01-01T00:00Z,2262-12-31T23:59:59.999Z\n")
    assert facts(extract, "duration_seconds") == [(Decimal("9246182400.00"),)]


def test_the_status_of_an_incident_must_agree_with_its_end(tmp_path):
    extract = read(
        tmp_path,
        "id,began_at,resolved_at,status\n"
        "i1,2024-03-01T10:00Z,2024-03-01T11:00Z,Resolved\n"
        "i2,2024-03-01T10:00Z,,investigating\n"
        "i3,2024-03-01T10:00Z,,\n"
        "i4,2024-03-01T10:00Z,,closed\n"
        "i5,2024-03-01T10:00Z,2024-03-01T11:00Z,open\n"
        "i6,2024-03-01T10:00Z,,false alarm\n",
    )
    assert facts(extract, "feature_id", "decision") == [("i1", "fixed"), ("i2", "open"), ("i3", "open")]
    assert refused(extract) == [
        (5, "resolved_at is missing, but status is closed"),
        (6, "resolved_at is given, but status is open"),
        (7, "unknown status: false alarm"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",2024-03-01T10:00Z,p,", "id is missing"),
        ("  ,2024-03-01T10:00Z,p,", "id is missing"),
        ("d1,,p,", "deployed_at is missing"),
        ("d1,2024-03-01T10:00Z,,", "no project"),
        ("d1,2024-03-01T10:00Z,p,soon", "updated_at is not an ISO 8601 date and time"),
        (f"{'d' * 101},2024-03-01T10:00Z,p,", "id is longer than 100 characters"),
        (f"d1,2024-03-01T10:00Z,{'p' * 101},", "project is longer than 100 characters"),
    ],
)
def test_rows_are_refused_with_a_reason(tmp_path, row, reason):
    extract = read(tmp_path, f"id,deployed_at,project,updated_at\n{row}\n", project=None)
    assert refused(extract) == [(2, reason)]


def test_a_hundred_characters_outside_of_the_basic_plane_are_not_too_long(tmp_path):
    extract = read(tmp_path, f"id,deployed_at\n{'😀' * 100},2024-03-01T10:00Z\n")
    assert facts(extract, "cycle_id") == [("😀" * 100,)]


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "../x", "a/b", "'; DROP TABLE x; --", '"', "naïve 😀", " padded ", "=1+1", "NULL"],
)
def test_names_come_through_as_they_are(tmp_path, text):
    quoted = '"' + text.replace('"', '""') + '"'
    extract = read(tmp_path, f"id,deployed_at,project,title\n{quoted},2024-03-01T10:00Z,{quoted},{quoted}\n")
    assert facts(extract, "project", "cycle_id") == [(text, text)]
    assert extract.features["title"].to_pylist() == [text]
    assert extract.projects == (text,)


def test_names_to_show_are_kept_for_every_row_that_has_any(tmp_path):
    extract = read(
        tmp_path,
        "id,began_at,title,author,team,url,updated_at\n"
        "i1,2024-03-01T10:00Z,Down,Ann,Core,https://example.com/i1,2024-03-02T10:00Z\n"
        "i2,2024-03-01T10:00Z,,,,,\n",
    )
    assert extract.features.to_pylist() == [
        {
            "project": "shop",
            "feature_id": "i1",
            "title": "Down",
            "author": "Ann",
            "team": "Core",
            "url": "https://example.com/i1",
            "source": "incidents",
            "updated_at": datetime(2024, 3, 2, 10),
        }
    ]


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ("2024-03-01T10:00:00Z", None, MORNING),
        ("2024-03-01 10:00:00Z", None, MORNING),
        ("2024-03-01T10:00Z", None, MORNING),
        ("2024-03-01T12:00:00+02:00", None, MORNING),
        ("2024-03-01 12:00:00 +0200", None, MORNING),
        ("2024-03-01T04:30-0530", None, MORNING),
        ("2024-03-01 12:00:00+02", None, MORNING),
        ("2024-03-01T10:00:00.123456789Z", None, datetime(2024, 3, 1, 10, 0, 0, 123456)),
        ("2024-03-01T10:00:00.999999999Z", None, datetime(2024, 3, 1, 10, 0, 0, 999999)),
        ("2024-03-01T10:00:00.5Z", None, datetime(2024, 3, 1, 10, 0, 0, 500000)),
        ("2024-03-01T24:00:00Z", None, datetime(2024, 3, 2)),
        ("1970-01-01T00:00:00Z", None, datetime(1970, 1, 1)),
        ("2262-12-31T23:59:59Z", None, datetime(2262, 12, 31, 23, 59, 59)),
        ("2024-03-01T11:00:00", "Europe/Berlin", MORNING),
        ("2024-03-01T10:00:00Z", "Europe/Berlin", MORNING),
        ("2024-10-27T02:30:00", "Europe/Berlin", datetime(2024, 10, 27, 0, 30)),  # twice that night: the first
        ("2024-10-27T03:00:00", "Europe/Berlin", datetime(2024, 10, 27, 2, 0)),
        ("2024-03-31T03:00:00", "Europe/Berlin", datetime(2024, 3, 31, 1, 0)),
        ("2024-07-01T12:00:00", "Pacific/Kiritimati", datetime(2024, 6, 30, 22)),
    ],
)
def test_times(tmp_path, written, zone, expected):
    extract = read(tmp_path, f"id,deployed_at\nd1,{written}\n", zone=zone)
    assert facts(extract, "created_at") == [(expected,)]


UNREADABLE = "is not an ISO 8601 date and time"


@pytest.mark.parametrize(
    ("written", "zone", "reason"),
    [
        ("2024-03-01T10:00:00", None, "has no offset (state a zone: --zone)"),
        ("2024-03-31T02:30:00", "Europe/Berlin", "does not exist in Europe/Berlin (clocks went forward)"),
        ("1969-12-31T23:59:59Z", None, "is outside of the years 1970 to 2262"),
        ("1970-01-01T00:30:00", "Europe/Berlin", "is outside of the years 1970 to 2262"),
        ("2263-01-01T00:00:00Z", None, "is outside of the years 1970 to 2262"),
        ("0001-01-01T00:00:00", "Asia/Tokyo", "is outside of the years 1970 to 2262"),
        ("1709287200", None, UNREADABLE),
        ("1709287200000", "UTC", UNREADABLE),
        ("2024-03-01", "UTC", UNREADABLE),
        ("2024-02-30T10:00:00Z", None, UNREADABLE),
        ("2024-03-01T24:00:01Z", None, UNREADABLE),
        ("2024-03-01T10:00:60Z", None, UNREADABLE),
        ("2024-03-01T10:00:00+15:00", None, UNREADABLE),
        ("01.03.2024 10:00", "UTC", UNREADABLE),
        ("2024-03-01T10:00:00.1234567891Z", None, UNREADABLE),
    ],
)
def test_times_that_are_refused(tmp_path, written, zone, reason):
    extract = read(tmp_path, f"id,deployed_at\nd1,{written}\n", zone=zone)
    assert refused(extract) == [(2, f"deployed_at {reason}")]


def test_a_row_that_is_there_twice_counts_once(tmp_path):
    row = "i1,2024-03-01T10:00Z,x\n"
    extract = read(tmp_path, f"id,began_at,title\n{row}{row}{row}")
    assert facts(extract, "line") == [(2,)]
    assert refused(extract) == [(3, "duplicate of line 2"), (4, "duplicate of line 2")]


def test_a_later_version_takes_the_place_of_earlier_ones(tmp_path):
    extract = read(
        tmp_path,
        "id,began_at,title,updated_at\n"
        "i1,2024-03-01T10:00Z,second,2024-03-03T10:00Z\n"
        "i1,2024-03-01T10:00Z,first,2024-03-02T10:00Z\n"
        "i1,2024-03-01T10:00Z,undated,\n",
    )
    assert extract.features["title"].to_pylist() == ["second"]
    assert (refused(extract), extract.notes["shop"]["superseded"]) == ([], 2)


def test_without_a_date_of_update_fixed_beats_open(tmp_path):
    extract = read(tmp_path, "id,began_at,resolved_at\ni1,2024-03-01T10:00Z,2024-03-01T11:00Z\ni1,2024-03-01T10:00Z,\n")
    assert facts(extract, "decision", "line") == [("fixed", 2)]
    assert extract.notes["shop"] == {"superseded": 1}


def test_contradictions_of_equal_rank_are_all_refused(tmp_path):
    extract = read(
        tmp_path,
        "id,deployed_at\nd1,2024-03-01T10:00Z\nd1,2024-03-01T11:00Z\nd1,2024-03-01T10:00Z\nd2,2024-03-01T10:00Z\n",
    )
    assert facts(extract, "cycle_id") == [("d2",)]
    assert refused(extract) == [
        (2, "conflicts with line 3"),
        (3, "conflicts with line 2"),
        (4, "conflicts with line 3"),
    ]


def test_the_same_id_in_two_projects_is_two_rows(tmp_path):
    extract = read(tmp_path, "id,deployed_at,project\nd1,2024-03-01T10:00Z,a\nd1,2024-03-01T11:00Z,A\n")
    assert facts(extract, "project") == [("a",), ("A",)]


def test_coverage_reaches_from_the_first_to_the_last_time_of_each_project(tmp_path):
    extract = read(
        tmp_path,
        "id,began_at,resolved_at,project,updated_at\n"
        "i1,2024-03-01T10:00Z,2024-03-01T12:00Z,a,\n"
        "i2,2024-03-02T10:00Z,,a,2024-03-05T00:00Z\n"
        "i3,2024-03-01T10:00Z,,b,\n"
        "i4,1980-03-01T10:00Z,nonsense,b,\n",
    )
    assert extract.coverage == (
        Coverage("a", MORNING, datetime(2024, 3, 5, 0, 0, 0, 1)),
        Coverage("b", MORNING, datetime(2024, 3, 1, 10, 0, 0, 1)),
    )


def test_a_stated_coverage_counts_even_without_rows(tmp_path):
    covers = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC))
    stated = (datetime(2024, 1, 1), datetime(2024, 4, 1))
    empty = read(tmp_path, "id,began_at\n", covers=covers)
    assert empty.coverage == (Coverage("shop", *stated),)
    full = read(tmp_path, "id,began_at,project\ni1,2024-03-01T10:00Z,a\n", covers=covers, project=None)
    assert full.coverage == (Coverage("a", *stated),)
    assert full.digest != read(tmp_path, "id,began_at,project\ni1,2024-03-01T10:00Z,a\n", project=None).digest


@pytest.mark.parametrize(
    "covers",
    [
        (datetime(2024, 1, 1), datetime(2024, 4, 1)),
        (datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)),
    ],
)
def test_a_senseless_coverage_is_a_wrong_parameter(tmp_path, covers):
    with pytest.raises(ParameterError, match="covered time"):
        read(tmp_path, "id,began_at\n", covers=covers)


@pytest.mark.parametrize(
    ("columns", "file", "kind"),
    [
        ("id deployed_at", "x.csv", "deployments"),
        ("Deployment-ID DeployedAt", "x.csv", "deployments"),
        ("sha deployment authored_at", "x.csv", "changes"),
        ("id deploy_id commit_date", "x.csv", "changes"),
        ("id began_at", "x.csv", "incidents"),
        ("key created_at resolved_at", "x.csv", "incidents"),
        ("id created_at", "my-incidents.csv", "incidents"),
        ("id created_at", "Releases.jsonl", "deployments"),
    ],
)
def test_the_kind_is_recognised(columns, file, kind):
    assert recognise(columns.split(), file) == kind


def test_an_unclear_kind_asks_for_it(tmp_path):
    with pytest.raises(SourceError, match=r"x\.csv could be deployments or incidents.*--kind"):
        recognise(["id", "created_at"], "x.csv")
    with pytest.raises(SourceError, match=r"\(a, b\) fit no kind.*deployments: id, deployed_at"):
        recognise(["a", "b"], "x.csv")
    with pytest.raises(SourceError, match=r"no column deployment, which a file of changes needs"):
        read(tmp_path, "id,created_at,authored_at\n", kind="changes")


def test_a_given_kind_is_obeyed(tmp_path):
    extract = read(tmp_path, "id,created_at\nx,2024-03-01T10:00Z\n", kind="incidents")
    assert facts(extract, "phase_name", "decision") == [("maintenance", "open")]


def test_every_file_is_an_extract_of_its_own(tmp_path):
    (tmp_path / "a.csv").write_text("id,deployed_at\nd1,2024-03-01T10:00Z\n")
    (tmp_path / "b.csv").write_text("id,began_at\ni1,2024-03-01T10:00Z\n")
    extracts = events.read([tmp_path / "a.csv", tmp_path / "b.csv"], EventOptions(project="p"))
    assert [(extract.source, extract.origin) for extract in extracts] == [
        ("deployments", "a.csv"),
        ("incidents", "b.csv"),
    ]
