"""Pages of the rows behind a number: each row exactly once, in one order, whatever the size of a page."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.facts import deployment, incident, load_rows, shipped
from workbench.errors import ParameterError
from workbench.metrics.dora import Question
from workbench.metrics.drilldown import LARGEST_PAGE, Drilldown
from workbench.metrics.embedded import EmbeddedStore
from workbench.model import METRICS, Window

WINDOW = Window.between(date(2025, 3, 3), date(2025, 3, 31))
KEYS = {
    "deployment_frequency": ("project", "deployment"),
    "lead_time": ("project", "deployment", "change"),
    "change_fail_rate": ("project", "deployment"),
    "recovery_time": ("project", "names", "incident"),
    "rework_rate": ("project", "deployment"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedStore:
    """Two projects whose deployments share times: on every third of eight days several at one instant."""
    folder = tmp_path_factory.mktemp("drilldown")
    rows = []
    for project in ("a", "b"):
        for number in range(23):
            when = f"2025-03-{3 + number // 3:02d} 12:00"
            cycle, decision = f"d{number:02d}", ("go", "no-go", "rework")[number % 3]
            rows.append(deployment(cycle, when, decision, project=project))
            rows += [shipped(f"c{n}", cycle, when, 60 * n, project=project) for n in range(number % 4)]
            rows.append(incident(f"i{number}", when, 60 if number % 2 else None, cycle, project=project))
    store = EmbeddedStore(folder)
    load_rows(store, rows, folder)
    return store


def pages(store: EmbeddedStore, metric: str, size: int, *projects: str) -> list[dict[str, Any]]:
    drilldown, found = Drilldown(store, Question(projects, WINDOW)), []
    for page in range(1, 1000):
        rows = drilldown.page(metric, page, size).to_pylist()
        found += rows
        if not rows:
            return found
    raise AssertionError("no end")


@pytest.mark.parametrize("metric", METRICS)
def test_every_row_once_and_newest_first_for_any_size(store: EmbeddedStore, metric: str) -> None:
    whole = pages(store, metric, LARGEST_PAGE, "a", "b")
    time = "began_at" if metric == "recovery_time" else "deployed_at"
    keys = [tuple(row[name] for name in KEYS[metric]) for row in whole]
    assert len(keys) == len(set(keys)) > 10
    newest_first = sorted(whole, key=lambda row: (-row[time].timestamp(), *(row[name] for name in KEYS[metric])))
    assert whole == newest_first
    for size in (1, 2, 3, 7, 23, len(whole) - 1, len(whole), len(whole) + 1):
        assert pages(store, metric, size, "a", "b") == whole, f"pages of {size}"


def test_rates_list_the_deployments_that_count(store: EmbeddedStore) -> None:
    failed = pages(store, "change_fail_rate", 100, "a")
    assert len(failed) == 23  # each has an incident charged
    rework = pages(store, "rework_rate", 100, "a")
    assert {row["decision"] for row in rework} == {"rework"}
    assert len(rework) == 7


def test_a_page_may_be_asked_for_in_any_order(store: EmbeddedStore) -> None:
    whole = pages(store, "lead_time", LARGEST_PAGE, "a", "b")
    drilldown = Drilldown(store, Question(("a", "b"), WINDOW))
    for page in (4, 2, 5, 1, 3):
        assert drilldown.page("lead_time", page, 5).to_pylist() == whole[5 * page - 5 : 5 * page]


@pytest.mark.parametrize("page", [2, 3, 500])
def test_beyond_the_end_is_empty_with_the_same_columns(store: EmbeddedStore, page: int) -> None:
    drilldown = Drilldown(store, Question(("a",), WINDOW))
    rows = drilldown.page("deployment_frequency", page, 23)  # exactly one page is full
    assert rows.num_rows == 0
    assert rows.column_names == drilldown.page("deployment_frequency", 1, 23).column_names


@pytest.mark.parametrize(("page", "size"), [(0, 10), (-1, 10), (1, 0), (1, 1001), (1, -5)])
def test_impossible_pages_are_refused(store: EmbeddedStore, page: int, size: int) -> None:
    with pytest.raises(ParameterError, match="1 to 1000 rows"):
        Drilldown(store, Question(("a",), WINDOW)).page("lead_time", page, size)


def test_unknown_metric_names_the_known_ones(store: EmbeddedStore) -> None:
    with pytest.raises(ParameterError, match="deployment_frequency"):
        Drilldown(store, Question(("a",), WINDOW)).page("velocity")
