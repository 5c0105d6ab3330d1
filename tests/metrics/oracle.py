"""The definitions of docs/metrics.md once more, in plain Python over plain rows: slow, and written from the text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.facts import Row

Interval = tuple[datetime, datetime]


@dataclass
class Deployment:
    cycle: str
    time: datetime
    decision: str
    leads: list[Fraction | None]
    failed: bool = False
    fixes: bool = False


@dataclass
class Incident:
    row: Row
    charged_to: str | None = None
    rule: str = "none"


def history(
    rows: Sequence[Row], incident_cover: Interval | None, link_hours: float
) -> tuple[dict[str, Deployment], list[Incident]]:
    """The deployments and incidents of one project, from the rows that its sources gave."""
    told = {(one["cycle_id"], one["feature_id"]) for one in rows if one["source"] not in ("git", "changes")}
    kept = [one for one in rows if one["source"] != "git" or (one["cycle_id"], one["feature_id"]) not in told]
    made: dict[str, Deployment] = {}
    for cycle in {one["cycle_id"] for one in rows if one["phase_name"] == "deployment"}:
        everything = [one for one in rows if one["phase_name"] == "deployment" and one["cycle_id"] == cycle]
        own = [one for one in kept if one["phase_name"] == "deployment" and one["cycle_id"] == cycle]
        decisions = {one["decision"] for one in own}
        decision = "no-go" if "no-go" in decisions else "rework" if "rework" in decisions else "go"
        leads = [_fraction(one["duration_seconds"]) for one in own if one["feature_id"]]
        made[cycle] = Deployment(cycle, min(one["created_at"] for one in everything), decision, leads)
    for one in rows:
        if one["source"] == "changes" and one["cycle_id"] in made:
            lead = made[one["cycle_id"]].time - one["created_at"]
            known = lead >= timedelta(0)
            made[one["cycle_id"]].leads.append(Fraction(lead // timedelta(microseconds=1), 10**6) if known else None)
    incidents = [_linked(one, made, incident_cover, link_hours) for one in kept if one["phase_name"] == "maintenance"]
    for incident in incidents:
        if incident.charged_to is not None:
            made[incident.charged_to].failed = True
        if incident.rule != "replaced" and incident.row.get("fixed_by") in made:
            made[incident.row["fixed_by"]].fixes = True
    for deployment in made.values():
        deployment.failed |= deployment.decision == "no-go"
    return made, incidents


def _linked(one: Row, made: Mapping[str, Deployment], cover: Interval | None, link_hours: float) -> Incident:
    began = one["created_at"]
    if one["source"] == "git" and cover and cover[0] <= began < cover[1]:
        return Incident(one, None, "replaced")
    if one["cycle_id"]:
        known = one["cycle_id"] in made
        rule = "unknown" if not known else "revert" if one["source"] == "git" else "named"
        return Incident(one, one["cycle_id"] if known else None, rule)
    before = [each for each in made.values() if each.time <= began <= each.time + timedelta(hours=link_hours)]
    if not before:
        return Incident(one, None, "none")
    return Incident(one, max(before, key=lambda each: (each.time, each.cycle)).cycle, "time")


def _fraction(value: Any) -> Fraction | None:
    return None if value is None else Fraction(value)


def values(
    made: Mapping[str, Deployment],
    incidents: Sequence[Incident],
    window: Interval,
    covered_days: Mapping[str, float | None],
    weeks: Sequence[Sequence[Interval]],
    judged: Interval | None,
) -> dict[tuple[str, str], tuple[float | None, int]]:
    """Value and n of every figure.

    Args:
        window: naive UTC.
        covered_days: per metric the covered days of the window; None: no data.
        weeks: the days of each complete, covered Monday week.
        judged: the part of the window in which incidents are known, too: rates are about its deployments only.
    """
    inside = [each for each in made.values() if window[0] <= each.time < window[1]]
    leads = sorted(lead for each in inside for lead in each.leads if lead is not None)
    begun = [each for each in incidents if window[0] <= each.row["created_at"] < window[1] and each.charged_to]
    recoveries = sorted(Fraction(each.row["duration_seconds"]) for each in begun if each.row["decision"] == "fixed")
    n = len(inside)
    rated = [each for each in inside if judged and judged[0] <= each.time < judged[1]]
    m = len(rated)
    days = covered_days["deployment_frequency"]
    hit = [sum(any(a <= each.time < b for each in made.values()) for a, b in week) for week in weeks]
    found: dict[tuple[str, str], tuple[Fraction | float | None, int]] = {
        ("deployment_frequency", "per_week"): (n * 7 / days if days else None, n),
        ("deployment_frequency", "median_days_per_week"): (_median([Fraction(one) for one in sorted(hit)]), len(hit)),
        ("change_fail_rate", "rate"): (Fraction(sum(each.failed for each in rated), m) if m else None, m),
        ("rework_rate", "rate"): (
            Fraction(sum(each.decision == "rework" or each.fixes for each in rated), m) if m else None,
            m,
        ),
    }
    for metric, durations in (("lead_time", leads), ("recovery_time", recoveries)):
        k = len(durations)
        found[metric, "median"] = (_median(durations), k)
        found[metric, "mean"] = (sum(durations, Fraction(0)) / k if k else None, k)
        found[metric, "p90"] = (durations[math.ceil(Fraction(9 * k, 10)) - 1] if k else None, k)
    return {
        key: (None if value is None or covered_days[key[0]] is None else float(value), count)
        for key, (value, count) in found.items()
    }


def _median(ordered: Sequence[Fraction]) -> Fraction | None:
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
