"""The built-in sample: valid rows that look like a real team's, and stay the same from day to day."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

import pyarrow as pa
import pytest

from workbench.rows import FACT_KEY, FACTS, FEATURES, LINES
from workbench.sources.sample import read_sample

TODAY = date(2026, 3, 18)
MIDNIGHT = datetime(2026, 3, 18)


def rows(today: date = TODAY) -> dict[str, list[dict[str, Any]]]:
    return {extract.source: extract.facts.to_pylist() for extract in read_sample(today)}


def of(project: str, facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [fact for fact in facts if fact["project"] == project]


def test_it_keeps_the_contract_of_rows():
    extracts = read_sample(TODAY)
    assert [extract.source for extract in extracts] == ["deployments", "changes", "incidents"]
    for extract in extracts:
        extract.facts.validate(full=True)
        assert extract.facts.schema == pa.schema([*FACTS, *LINES])
        assert extract.features.schema == FEATURES
        assert extract.projects == ("checkout", "mobile-app", "search")
        assert extract.origin == "built-in sample"
        assert {notes["sample"] for notes in extract.notes.values()} == {1}
        assert extract.facts["created_at"].null_count == 0
    keys = [tuple(fact[name] for name in FACT_KEY) for facts in rows().values() for fact in facts]
    assert len(keys) == len(set(keys))


def test_it_covers_400_days_and_nothing_lies_in_the_future():
    for extract in read_sample(TODAY):
        for covered in extract.coverage:
            assert (covered.start, covered.end) == (MIDNIGHT - timedelta(days=400), MIDNIGHT + timedelta(days=1))
        assert max(extract.facts["created_at"].to_pylist()) < MIDNIGHT


def test_the_same_day_gives_the_same_sample():
    one, other = read_sample(TODAY), read_sample(TODAY)
    assert [extract.digest for extract in one] == [extract.digest for extract in other]
    assert all(a.facts.equals(b.facts) and a.features.equals(b.features) for a, b in zip(one, other, strict=True))
    assert read_sample(TODAY + timedelta(days=1))[0].digest != one[0].digest


@pytest.mark.parametrize("days", [1, 9])
def test_a_later_day_continues_the_story(days):
    """Importing it every day must not bring conflicts: rows stay, or an open incident gets fixed or moves on."""
    before, after = rows(), rows(TODAY + timedelta(days=days))
    edge = MIDNIGHT - timedelta(days=400 - days)
    for source, key in (("deployments", "cycle_id"), ("changes", "feature_id"), ("incidents", "feature_id")):
        later = {(fact["project"], fact[key]): fact for fact in after[source]}
        for fact in before[source]:
            known = later.get((fact["project"], fact[key]))
            if known is None:
                assert fact["created_at"] < edge + timedelta(days=10), f"{fact} is gone"
            elif known != fact:
                assert fact["decision"] == "open"
                assert known["decision"] == "fixed" or known["updated_at"] > fact["updated_at"]


def test_changes_belong_to_deployments_that_come_after_them():
    facts = rows()
    deployed = {(fact["project"], fact["cycle_id"]): fact["created_at"] for fact in facts["deployments"]}
    assert all(fact["created_at"] < deployed[fact["project"], fact["cycle_id"]] for fact in facts["changes"])
    shipped = {(fact["project"], fact["cycle_id"]) for fact in facts["changes"]}
    assert shipped == set(deployed), "every deployment ships something"


def test_incidents_are_as_varied_as_real_ones():
    facts = rows()
    deployed = {(fact["project"], fact["cycle_id"]): fact["created_at"] for fact in facts["deployments"]}
    named = [fact for fact in facts["incidents"] if fact["cycle_id"]]
    assert all(deployed[fact["project"], fact["cycle_id"]] < fact["created_at"] for fact in named)
    assert 0 < len(named) < len(facts["incidents"])
    assert Counter(fact["decision"] for fact in facts["incidents"])["open"] >= 1
    fixes = [fact for fact in facts["incidents"] if fact["fixed_by"]]
    assert fixes
    assert all(
        deployed[fact["project"], fact["fixed_by"]]
        == fact["created_at"] + timedelta(seconds=int(fact["duration_seconds"]))
        for fact in fixes
    ), "the deployment that fixes an incident ends it"


def test_one_incident_is_too_late_for_any_deployment():
    facts = rows()
    week = timedelta(hours=168)
    unlinked = [
        fact
        for fact in facts["incidents"]
        if not fact["cycle_id"]
        and not any(
            timedelta(0) <= fact["created_at"] - deployment["created_at"] <= week
            for deployment in of(fact["project"], facts["deployments"])
        )
    ]
    assert [fact["project"] for fact in unlinked] == ["search"]


@pytest.mark.parametrize(
    ("project", "per_week", "lead_hours", "failing"),
    [
        ("checkout", (6, 10), (10, 26), (0.06, 0.15)),
        ("search", (2, 5), (30, 80), (0.08, 0.2)),
        ("mobile-app", (0.3, 1), (120, 260), (0.05, 0.35)),
    ],
)
def test_each_project_has_its_own_pace(project, per_week, lead_hours, failing):
    facts = rows()
    deployments = of(project, facts["deployments"])
    deployed = {fact["cycle_id"]: fact["created_at"] for fact in deployments}
    leads = [
        (deployed[fact["cycle_id"]] - fact["created_at"]).total_seconds() / 3600
        for fact in of(project, facts["changes"])
    ]
    no_go = sum(fact["decision"] == "no-go" for fact in deployments)
    assert per_week[0] < len(deployments) / 400 * 7 < per_week[1]
    assert lead_hours[0] < median(leads) < lead_hours[1]
    assert failing[0] < (len(of(project, facts["incidents"])) + no_go) / len(deployments) < failing[1]


def test_nobody_deploys_at_the_turn_of_the_year_and_releases_keep_working_hours():
    facts = rows()["deployments"]
    releases = [fact["created_at"] for fact in facts if not fact["cycle_id"].endswith("-fix")]
    assert not [
        moment for moment in releases if (moment.month, moment.day) >= (12, 22) or (moment.month, moment.day) <= (1, 2)
    ]
    assert {moment.weekday() for moment in releases} == {0, 1, 2, 3, 4}
    assert {moment.hour for moment in releases} <= set(range(8, 18))


def test_names_are_there_to_show():
    for extract in read_sample(TODAY):
        assert extract.features.num_rows == extract.facts.num_rows
        for name in ("title", "author", "team", "url"):
            assert extract.features[name].null_count == 0
        assert all(url.startswith("https://example.com/") for url in extract.features["url"].to_pylist())
