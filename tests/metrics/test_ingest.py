"""Imports: what is linked, merged, corrected, replaced, refused and removed; and that order never matters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts import (
    NOW,
    PROJECT,
    Row,
    at,
    change,
    deployment,
    extract,
    incident,
    links,
    load,
    load_rows,
    quick_folder,
    revert,
    shipped,
)
from tests.metrics.generated import histories
from workbench.errors import ParameterError, RejectedRowsError
from workbench.metrics import ingest, unchanged
from workbench.metrics.embedded import EmbeddedStore
from workbench.rows import Extract


def stored(store: EmbeddedStore, project: str = PROJECT) -> list[dict[str, Any]]:
    """The facts of a project in a form that compares: no line order, metadata as a value."""
    rows = store.read([project]).facts.to_pylist()
    for row in rows:
        row["metadata"] = json.loads(row["metadata"]) if row["metadata"] else {}
    return sorted(rows, key=lambda row: (row["phase_name"], row["cycle_id"], row["feature_id"]))


def only(store: EmbeddedStore, feature: str, phase: str = "maintenance") -> dict[str, Any]:
    (row,) = [one for one in stored(store) if (one["feature_id"], one["phase_name"]) == (feature, phase)]
    return row


D1 = deployment("d1", "2025-03-03 10:00")
D2 = deployment("d2", "2025-03-05 10:00")


# -- linking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (incident("i", "2025-03-20", names="d1"), ("d1", "named")),  # however late
        (incident("i", "2025-03-01", names="d1"), ("d1", "named")),  # even before it: its source says so
        (incident("i", "2025-03-04", names="d9"), (None, "unknown")),
        (incident("i", "2025-03-04"), ("d1", "time")),
        (incident("i", "2025-03-05 10:00"), ("d2", "time")),  # at the same instant
        (incident("i", "2025-03-05 09:59:59.999999"), ("d1", "time")),
        (incident("i", "2025-03-12 10:00"), ("d2", "time")),  # exactly 168 h later
        (incident("i", "2025-03-12 10:00:00.000001"), (None, "none")),
        (incident("i", "2025-03-03 09:59:59"), (None, "none")),  # before the first deployment
    ],
)
def test_incident_is_charged_by_name_then_by_time(
    store: EmbeddedStore, folder: Path, one: Row, expected: tuple[str | None, str]
) -> None:
    load_rows(store, [D1, D2, one], folder)
    assert links(store.read([PROJECT])) == {"i": expected}


def test_of_deployments_at_one_time_the_greatest_name_is_charged(store: EmbeddedStore, folder: Path) -> None:
    tied = [deployment(name, "2025-03-03 10:00") for name in ("b", "a", "B")]
    load_rows(store, [*tied, incident("i", "2025-03-03 11:00")], folder)
    assert links(store.read([PROJECT]))["i"] == ("b", "time")  # byte by byte: B < a < b


def test_the_gap_can_be_set_and_a_new_one_links_everything_again(store: EmbeddedStore, folder: Path) -> None:
    files = [extract("deployments", [D1]), extract("incidents", [incident("i", "2025-03-04 10:00")])]
    load(store, files, folder, link_hours=23.9)
    assert links(store.read([PROJECT]))["i"] == (None, "none")
    load(store, files[:1], folder, link_hours=24)
    assert links(store.read([PROJECT]))["i"] == ("d1", "time")


def test_a_deployment_that_comes_later_takes_the_incident(store: EmbeddedStore, folder: Path) -> None:
    load(store, [extract("deployments", [D1]), extract("incidents", [incident("i", "2025-03-06")])], folder)
    assert links(store.read([PROJECT]))["i"] == ("d1", "time")
    load(store, [extract("deployments", [D2])], folder)
    assert links(store.read([PROJECT]))["i"] == ("d2", "time")


def test_incidents_file_replaces_git_reverts_in_the_time_it_covers(store: EmbeddedStore, folder: Path) -> None:
    history = [shipped("c", "d1", "2025-03-03 10:00", 60), shipped("e", "d2", "2025-03-05 10:00", 60)]
    reverts = [
        revert("r1", "d1", "2025-03-03 10:00", 60, "d2"),
        revert("r2", "d2", "2025-03-05 10:00", 60, "d2"),
    ]
    load(store, [extract("git", history + reverts)], folder)
    assert links(store.read([PROJECT])) == {"r1": ("d1", "revert"), "r2": ("d2", "revert")}
    load(store, [extract("incidents", [], covers=("2025-03-01", "2025-03-05 10:00"))], folder)
    assert links(store.read([PROJECT])) == {"r1": (None, "replaced"), "r2": ("d2", "revert")}
    ingest.remove(store, PROJECT, source="incidents", link_hours=168)
    assert links(store.read([PROJECT])) == {"r1": ("d1", "revert"), "r2": ("d2", "revert")}


# -- one deployment, several sources ---------------------------------------------------------------------------------


def test_a_deployment_has_the_earliest_time_that_any_source_gives(store: EmbeddedStore, folder: Path) -> None:
    git = extract("git", [shipped("c", "d1", "2025-03-03 12:00", 60, metadata='{"time": "tag"}')])
    load(store, [git, extract("deployments", [D1])], folder)
    rows = [one for one in stored(store) if one["phase_name"] == "deployment"]
    assert {one["created_at"] for one in rows} == {at("2025-03-03 10:00")}
    assert only(store, "c", "deployment")["metadata"] == {"time": "tag", "reported_at": "2025-03-03 12:00:00"}


def test_what_a_row_itself_said_comes_back_when_the_other_source_goes(store: EmbeddedStore, folder: Path) -> None:
    git = extract("git", [shipped("c", "d1", "2025-03-03 12:00", 60, metadata='{"time": "tag"}')])
    load(store, [git], folder)
    before = stored(store)
    load(store, [extract("deployments", [D1])], folder)
    ingest.remove(store, PROJECT, source="deployments", link_hours=168)
    assert stored(store) == before


def test_a_row_whose_time_was_moved_is_unchanged_at_its_next_import(store: EmbeddedStore, folder: Path) -> None:
    """Its metadata went through JSON functions, which may write the same object in other words."""
    late = deployment("d1", "2025-03-03 12:00", metadata='{"url":  "x", "a": 1}')
    load(store, [extract("deployments", [late]), extract("git", [shipped("c", "d1", "2025-03-03 10:00", 60)])], folder)
    (again,) = load(store, [extract("deployments", [late, D2])], folder)
    assert (again.added, again.unchanged, again.rejected) == (1, 1, 0)


def test_change_of_a_file_gets_its_lead_time_from_its_deployment(store: EmbeddedStore, folder: Path) -> None:
    changes = extract(
        "changes",
        [
            change("c1", "d1", "2025-03-03 08:00"),
            change("c2", "d1", "2025-03-03 11:00"),  # after its deployment: a wrong clock
            change("c3", "d1", "2025-03-03 09:59:59.994999"),  # 5.001 ms: rounded to hundredths, half up
            change("c4", "nowhere", "2025-03-03 08:00"),
        ],
    )
    load(store, [changes], folder)
    assert all(one["phase_name"] == "planning" for one in stored(store))
    load(store, [extract("deployments", [D1])], folder)
    shipped_ones = {one["feature_id"]: one for one in stored(store) if one["feature_id"] and one["source"] == "derived"}
    assert {name: str(one["duration_seconds"]) for name, one in shipped_ones.items()} == {
        "c1": "7200.00",
        "c2": "None",
        "c3": "0.01",
    }
    assert shipped_ones["c2"]["metadata"] == {"no_lead_time": "negative"}


def test_a_shipped_change_does_not_carry_a_decision_that_stood_back(store: EmbeddedStore, folder: Path) -> None:
    """Git suggests rework, the deployments file says go: a change from a changes file must not bring rework back."""
    git = extract("git", [shipped("", "d1", "2025-03-03 10:00", None, decision="rework")])
    load(store, [git, extract("deployments", [D1]), extract("changes", [change("c", "d1", "2025-03-03")])], folder)
    assert {one["decision"] for one in stored(store) if one["phase_name"] == "deployment"} == {"go"}


# -- corrections -----------------------------------------------------------------------------------------------------


def test_later_version_wins_whatever_comes_first(store: EmbeddedStore, folder: Path) -> None:
    early = extract("incidents", [incident("i", "2025-03-04", updated="2025-03-04 12:00")])
    late = extract("incidents", [incident("i", "2025-03-04", 600, updated="2025-03-05")])
    load(store, [late, early], folder)
    assert only(store, "i")["decision"] == "fixed"


def test_without_versions_fixed_beats_open(store: EmbeddedStore, folder: Path) -> None:
    opened, fixed = (extract("incidents", [incident("i", "2025-03-04", after)]) for after in (None, 600))
    load(store, [fixed, opened], folder)
    assert only(store, "i")["decision"] == "fixed"
    (again,) = load(store, [opened], folder)
    assert again.state == "already imported"
    assert only(store, "i")["decision"] == "fixed"


def test_a_later_version_may_open_an_incident_again(store: EmbeddedStore, folder: Path) -> None:
    fixed = extract("incidents", [incident("i", "2025-03-04", 600, updated="2025-03-05")])
    opened = extract("incidents", [incident("i", "2025-03-04", updated="2025-03-06")])
    load(store, [fixed, opened], folder)
    assert only(store, "i")["decision"] == "open"


def test_an_incident_that_moves_to_another_deployment_is_still_one(store: EmbeddedStore, folder: Path) -> None:
    load_rows(store, [D1, D2], folder)
    first = extract("incidents", [incident("i", "2025-03-06", names="d1", updated="2025-03-06")])
    moved = extract("incidents", [incident("i", "2025-03-06", names="d2", updated="2025-03-07")])
    (_, summary) = load(store, [first, moved], folder)
    assert (summary.added, summary.changed) == (0, 1)
    assert only(store, "i")["charged_to"] == "d2"


def test_two_versions_of_equal_rank_are_a_conflict_and_the_stored_one_stays(store: EmbeddedStore, folder: Path) -> None:
    load(store, [extract("incidents", [incident("i", "2025-03-04", 600)])], folder)
    other = extract("incidents", [incident("i", "2025-03-04", 900), incident("j", "2025-03-04", 60)])
    (summary,) = load(store, [other], folder)
    assert (summary.added, summary.rejected) == (1, 1)
    assert str(only(store, "i")["duration_seconds"]) == "600.00"
    assert summary.reject_file is not None
    text = summary.reject_file.read_text(encoding="utf-8")
    assert '"incidents.csv",2,' in text
    assert "neither has a later updated_at" in text


def test_strict_refuses_everything(store: EmbeddedStore, folder: Path) -> None:
    load(store, [extract("incidents", [incident("i", "2025-03-04", 600)])], folder)
    before = stored(store)
    other = extract("incidents", [incident("i", "2025-03-04", 900), incident("j", "2025-03-04", 60)])
    with pytest.raises(RejectedRowsError, match="line 2"):
        load(store, [other], folder, strict=True)
    assert stored(store) == before


def test_dry_run_plans_what_the_import_then_does(store: EmbeddedStore, folder: Path) -> None:
    load_rows(store, [D1], folder)
    version = store.version()
    new = extract("deployments", [D2, deployment("d3", "2025-03-06")])
    (planned,) = load(store, [new], folder, dry_run=True)
    assert store.version() == version
    (done,) = load(store, [new], folder)
    names = ("added", "changed", "removed", "unchanged", "rejected")
    assert [getattr(planned, name) for name in names] == [getattr(done, name) for name in names] == [2, 0, 0, 0, 0]
    assert (planned.state, done.state) == ("planned", "imported")


def test_git_is_replaced_as_a_whole(store: EmbeddedStore, folder: Path) -> None:
    first = extract("git", [shipped("c1", "d1", "2025-03-03", 60), shipped("c2", "d2", "2025-03-04", 60)])
    second = extract("git", [shipped("c1", "d1", "2025-03-03", 60), shipped("c3", "d3", "2025-03-05", 60)])
    load(store, [extract("deployments", [deployment("x", "2025-03-01")]), first], folder)
    (summary,) = load(store, [second], folder)
    assert (summary.added, summary.removed, summary.unchanged) == (1, 1, 1)
    assert {one["cycle_id"] for one in stored(store)} == {"x", "d1", "d3"}
    imports = store.read([PROJECT]).imports.to_pylist()
    assert [one["source"] for one in imports] == ["deployments", "git"]


def test_same_file_again_changes_nothing(store: EmbeddedStore, folder: Path) -> None:
    file = extract("incidents", [incident("i", "2025-03-04", 600)])
    load(store, [file], folder)
    version = store.version()
    (again,) = load(store, [file], folder)
    assert (again.state, again.unchanged, store.version()) == ("already imported", 1, version)


# -- removing --------------------------------------------------------------------------------------------------------


def test_removed_incident_comes_back_with_its_file(store: EmbeddedStore, folder: Path) -> None:
    file = extract(
        "incidents",
        [incident("i", "2025-03-04", 600), incident("j", "2025-03-04")],
        features=[{"feature_id": "i", "title": "Private"}, {"feature_id": "j", "title": "Other"}],
    )
    load(store, [extract("deployments", [D1]), file], folder)
    before = stored(store)
    assert ingest.remove(store, PROJECT, incident="i", link_hours=168) == 1
    assert links(store.read([PROJECT])) == {"j": ("d1", "time")}
    assert store.read([PROJECT]).features["title"].to_pylist() == ["Other"]
    load(store, [file], folder)
    assert stored(store) == before
    assert store.read([PROJECT]).imports.num_rows == 2


def test_removed_project_is_gone_and_comes_back(store: EmbeddedStore, folder: Path) -> None:
    files = [extract("deployments", [D1, deployment("o", "2025-03-03", project="other")])]
    load(store, files, folder)
    assert ingest.remove(store, PROJECT, link_hours=168) == 1
    assert store.projects() == ("other",)
    load(store, files, folder)
    assert store.projects() == ("other", PROJECT)


def test_removing_a_source_brings_back_what_stood_behind_it(store: EmbeddedStore, folder: Path) -> None:
    """Two sources speak of one deployment and one change; the second import must lose nothing of the first."""
    git = extract(
        "git",
        [
            shipped("", "d1", "2025-03-03 09:00", None, decision="rework", metadata='{"time": "tag"}'),
            shipped("c", "d2", "2025-03-04 09:00", 60),
        ],
    )
    load(store, [git], folder)
    before = stored(store)
    load(store, [extract("deployments", [D1]), extract("changes", [change("c", "d2", "2025-03-04")])], folder)
    told = {(one["cycle_id"], one["feature_id"]): one for one in stored(store) if one["phase_name"] == "deployment"}
    assert told["d1", ""]["decision"] == "go"  # what a person says wins over git
    assert told["d1", ""]["created_at"] == at("2025-03-03 09:00")  # and the earliest time still counts
    assert str(told["d2", "c"]["duration_seconds"]) == "32400.00"
    ingest.remove(store, PROJECT, source="deployments", link_hours=168)
    ingest.remove(store, PROJECT, source="changes", link_hours=168)
    assert stored(store) == before


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"project": "nobody"}, "no project 'nobody'"),
        ({"project": PROJECT, "source": "git"}, "nothing from 'git'"),
        ({"project": PROJECT, "incident": "i9"}, "no incident 'i9'"),
    ],
)
def test_removing_what_is_not_there_says_so(
    store: EmbeddedStore, folder: Path, what: dict[str, str], says: str
) -> None:
    load_rows(store, [D1], folder)
    with pytest.raises(ParameterError, match=says):
        ingest.remove(store, **what, link_hours=168)


# -- an unchanged repository -----------------------------------------------------------------------------------------


def test_confirming_an_import_only_lets_its_coverage_grow(store: EmbeddedStore, folder: Path) -> None:
    load(store, [extract("git", [shipped("c", "d1", "2025-03-03", 60)], digest="abc")], folder)
    before = stored(store)
    summary = unchanged.confirm(store, "git", "abc", link_hours=168, now=NOW)
    assert summary is not None
    assert (summary.state, summary.unchanged, summary.projects) == ("already imported", 1, (PROJECT,))
    assert stored(store) == before
    assert store.read([PROJECT]).imports["covered_to"].to_pylist() == [NOW.replace(tzinfo=None)]


@pytest.mark.parametrize(("source", "digest", "hours"), [("git", "x", 168), ("export", "abc", 168), ("git", "abc", 24)])
def test_nothing_is_confirmed_that_was_imported_otherwise(
    store: EmbeddedStore, folder: Path, source: Any, digest: str, hours: float
) -> None:
    load(store, [extract("git", [shipped("c", "d1", "2025-03-03", 60)], digest="abc")], folder)
    assert unchanged.confirm(store, source, digest, link_hours=hours, now=NOW) is None


# -- order -----------------------------------------------------------------------------------------------------------


@st.composite
def splits(draw: st.DrawFn, rows: Sequence[Row]) -> list[Extract]:
    """The same rows in files: git's whole, those of the others split anyhow, some twice, in any order."""
    span = ("2025-03-01", "2025-05-01")
    files = []
    for source in sorted({one["source"] for one in rows}):
        own = draw(st.permutations([one for one in rows if one["source"] == source]))
        if source == "git":
            files.append(extract("git", own, span))
            continue
        cut = draw(st.integers(0, len(own)))
        twice = own[: draw(st.integers(0, len(own)))]
        files += [extract(source, part, span, projects=[PROJECT]) for part in (own[:cut], own[cut:], twice) if part]
    return draw(st.permutations(files))


@settings(max_examples=10)
@given(st.data(), histories())
def test_order_of_imports_splits_and_doubles_do_not_matter(data: st.DataObject, rows: list[Row]) -> None:
    """Two ways to bring the same rows in end in the same facts and links."""
    found = []
    for name in ("one", "two"):
        with quick_folder() as folder:
            store = EmbeddedStore(folder)
            summaries = load(store, data.draw(splits(rows), label=name), folder)
            assert not any(summary.rejected for summary in summaries)
            found.append(stored(store))
    assert found[0] == found[1]


@settings(max_examples=10)
@given(st.data(), st.lists(st.tuples(st.none() | st.integers(0, 3), st.booleans(), st.sampled_from(["", "d1", "d2"]))))
def test_the_latest_version_wins_in_any_order(
    data: st.DataObject, versions: list[tuple[int | None, bool, str]]
) -> None:
    """Versions of one incident with different ranks, each in a file of its own."""
    ranked = {(updated is not None, updated or 0, fixed): (updated, fixed, names) for updated, fixed, names in versions}
    files = [
        extract(
            "incidents",
            [
                incident(
                    "i",
                    "2025-03-04",
                    600 if fixed else None,
                    names,
                    updated=None if updated is None else f"2025-03-1{updated}",
                )
            ],
        )
        for updated, fixed, names in ranked.values()
    ]
    if not files:
        return
    with quick_folder() as folder:
        store = EmbeddedStore(folder)
        load(store, data.draw(st.permutations(files)), folder)
        updated, fixed, names = ranked[max(ranked)]
        row = only(store, "i")
        assert (row["decision"] == "fixed", row["cycle_id"]) == (fixed, names)
        assert row["updated_at"] == (None if updated is None else at(f"2025-03-1{updated}"))
