"""docs/metrics.md: its tables go in, its results must come out, and what this test holds must be written there."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests.facts import PROJECT, at, change, deployment, extract, incident, links, load
from workbench.metrics.dora import Measurement, Question, measure
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.quality import inspect
from workbench.model import Figure, Window

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.replace("**", "").split())
COVERS = ("2025-02-03", "2025-04-07")
WINDOW = Window.between(at("2025-03-03"), at("2025-03-31"))
ASKED = at("2025-04-07")


def written(name: str) -> list[dict[str, str]]:
    """One table of the page."""
    (found,) = re.findall(rf"```csv {name}\n(.*?)```", PAGE, re.DOTALL)
    return list(csv.DictReader(found.splitlines()))


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    """The history of the page."""
    store = EmbeddedStore(tmp_path)
    deployments = [deployment(one["id"], one["deployed_at"], one["decision"]) for one in written("deployments")]
    changes = [change(one["id"], one["deployment"], one["authored_at"]) for one in written("changes")]
    incidents = [
        incident(
            one["id"], one["began_at"], one["fixed_after"] or None, one["deployment"], fixed_by=one["fixed_by"] or None
        )
        for one in written("incidents")
    ]
    rows = {"deployments": deployments, "changes": changes, "incidents": incidents}
    load(store, [extract(source, own, COVERS) for source, own in rows.items()], tmp_path)  # type: ignore[arg-type]
    return store


def measured(store: EmbeddedStore, edition: str = "2025") -> Measurement:
    now = ASKED.replace(tzinfo=WINDOW.end.tzinfo)
    return measure(store, Question((PROJECT,), WINDOW, edition=edition, now=now))


def figure(answer: Measurement, metric: str, statistic: str) -> Figure:
    (found,) = [one for one in answer.figures if (one.metric, one.statistic) == (metric, statistic)]
    return found


def test_links_are_those_of_the_table(store: EmbeddedStore) -> None:
    table = re.findall(r"^\| (i\d) \| (\S+) \| (\w+) \|", PAGE, re.MULTILINE)
    assert len(table) == 7
    expected = {name: (None if charged == "–" else charged, rule) for name, charged, rule in table}
    assert links(store.read([PROJECT])) == expected


@pytest.mark.parametrize(
    ("metric", "statistic", "value", "n", "low", "high", "previous", "change", "said"),
    [
        ("deployment_frequency", "per_week", 1.75, 7, 0.7036, 3.6057, 0.5, 2.5, ("1.75", "0.7036 to 3.6057", "+250 %")),
        ("deployment_frequency", "median_days_per_week", 1.5, 4, None, None, 0.5, 2.0, ("1.5 days", "0.5 days")),
        ("lead_time", "median", 16200, 8, 3600, 604800, None, None, ("16200 s", "3600 s to 604800 s")),
        ("lead_time", "mean", 97200, 8, None, None, None, None, ("97200 s",)),
        ("lead_time", "p90", 604800, 8, 21600, None, None, None, ("604800 s", "21600 s")),
        ("change_fail_rate", "rate", 4 / 7, 7, 0.2505, 0.8418, 0, 4 / 7, ("0.5714", "0.2505 to 0.8418")),
        ("recovery_time", "median", 7200, 3, None, None, None, None, ("7200 s",)),
        ("recovery_time", "mean", 148200, 3, None, None, None, None, ("148200 s",)),
        ("recovery_time", "p90", 435600, 3, 1800, None, None, None, ("435600 s", "1800 s")),
        ("rework_rate", "rate", 2 / 7, 7, 0.0822, 0.6411, 0, 2 / 7, ("0.2857", "0.0822 to 0.6411")),
    ],
)
def test_figures_are_those_of_the_page(
    store: EmbeddedStore,
    metric: str,
    statistic: str,
    value: float,
    n: int,
    low: float | None,
    high: float | None,
    previous: float | None,
    change: float | None,
    said: tuple[str, ...],
) -> None:
    found = figure(measured(store), metric, statistic)
    assert (found.value, found.n, found.previous, found.change) == (value, n, previous, change)
    for mine, expected in ((found.low, low), (found.high, high)):
        assert mine == (None if expected is None else pytest.approx(expected, abs=5e-5))
    for text in said:
        assert text in TEXT


@pytest.mark.parametrize(
    ("edition", "expected"),
    [("2025", ["6/10", "8/10", "4.3/10", "8/10", "7.1/10"]), ("2023", ["high", "elite", "low", "high", None])],
)
def test_levels_are_those_of_the_page(store: EmbeddedStore, edition: str, expected: list[str | None]) -> None:
    answer = measured(store, edition)
    headlines = [one.level for one in answer.figures if one.statistic in ("per_week", "rate", "median")]
    assert headlines == expected
    others = [one.level for one in answer.figures if one.statistic in ("mean", "p90", "median_days_per_week")]
    assert set(others) == {None}


def test_failures_are_told_apart(store: EmbeddedStore) -> None:
    rule = figure(measured(store), "change_fail_rate", "rate").rule
    assert (
        "4 of 7 deployments failed: 1 by their own decision, 1 named by an incident, 0 reverted later, 2 charged"
        in rule
    )
    assert "too young to be settled: 0." in rule


def test_open_and_unlinked_incidents_stand_beside_the_recovery_time(store: EmbeddedStore) -> None:
    beside = measured(store).incidents
    assert (beside.open, beside.oldest_seconds, beside.unlinked) == (1, 172800, 2)
    assert "172800 s old" in TEXT


def test_quality_section_lists_what_has_no_place(store: EmbeddedStore) -> None:
    answer = measured(store)
    found = inspect(store, Question((PROJECT,), WINDOW, now=ASKED.replace(tzinfo=WINDOW.end.tzinfo)), answer.coverage)
    assert {(one.check, one.count) for one in found.findings} == {
        ("no_lead_time_negative", 1),
        ("unlinked_incidents", 2),
    }
    assert [one["incident"] for one in found.unlinked] == ["i4", "i7"]
