"""Every figure of hundreds of random windows over random histories, against a second reading of the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts import Row, quick_folder, table
from tests.metrics.generated import START, histories
from tests.metrics.oracle import history, values
from workbench.metrics.coverage import days_between
from workbench.metrics.dora import Question, measure
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.link import assemble
from workbench.metrics.protocol import State
from workbench.model import Bucket, Window, local_midnight, naive_utc
from workbench.rows import FACTS, FEATURES, IMPORTS

NEEDS = {
    "deployment_frequency": ("deployments",),
    "lead_time": ("deployments", "changes"),
    "change_fail_rate": ("deployments", "incidents"),
    "recovery_time": ("deployments", "incidents"),
    "rework_rate": ("deployments", "incidents"),
}
KNOWS = {
    "git": ("deployments", "changes", "incidents"),
    "deployments": ("deployments",),
    "changes": ("changes",),
    "incidents": ("incidents",),
}
Covers = dict[str, tuple[datetime, datetime]]
PROJECTS = ("a", "b", "c")

covers = st.dictionaries(
    st.sampled_from(sorted(KNOWS)),
    st.tuples(st.integers(-10, 30), st.integers(1, 50)).map(
        lambda days: (START + timedelta(days=days[0]), START + timedelta(days=days[0] + days[1]))
    ),
)
windows = st.builds(
    lambda first, days, zone: Window.between(
        date(2025, 3, 3) + timedelta(days=first), date(2025, 3, 3) + timedelta(days=first + days), zone
    ),
    st.integers(-3, 35),
    st.integers(1, 40),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu"]),
)


def stored(folder: Path, projects: dict[str, tuple[list[Row], Covers]], link_hours: float) -> EmbeddedStore:
    store = EmbeddedStore(folder)
    imports = pa.Table.from_pylist(
        [
            {
                "project": project, "source": source, "origin": "x", "digest": "0", "covered_from": span[0],
                "covered_to": span[1], "rows_read": 0, "rejected": 0, "imported_at": START, "notes": "{}",
            }
            for project, (_, known) in projects.items()
            for source, span in known.items()
        ],
        IMPORTS,
    )  # fmt: skip
    facts = assemble(table(one for rows, _ in projects.values() for one in rows), imports, link_hours)
    nothing = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
    for project in projects:
        parts = (part.filter(pc.equal(part["project"], project)) for part in (facts, nothing.features, imports))
        with store.lock([project]):
            store.write(project, nothing, State(*parts))
    return store


def covered(window: Window | Bucket, known: Covers, facts: Sequence[str]) -> tuple[datetime, datetime] | None:
    start, end = naive_utc(window.start), naive_utc(window.end)
    for fact in facts:
        spans = [known[source] for source in known if fact in KNOWS[source]]
        if not spans:
            return None
        start, end = max(start, min(s for s, _ in spans)), min(end, max(e for _, e in spans))
    return (start, end) if start < end else None


def days_of(week: Bucket, timezone: str) -> list[tuple[datetime, datetime]]:
    edges = [naive_utc(local_midnight(week.start.date() + timedelta(days=n), timezone)) for n in range(8)]
    return list(pairwise(edges))


def expected(
    rows: list[Row], known: Covers, window: Window, link_hours: float
) -> dict[tuple[str, str], tuple[float | None, int]]:
    made, incidents = history(rows, known.get("incidents"), link_hours)
    spans = {metric: covered(window, known, facts) for metric, facts in NEEDS.items()}
    days = {
        metric: days_between(span[0].replace(tzinfo=UTC), span[1].replace(tzinfo=UTC), window.timezone)
        if span
        else None
        for metric, span in spans.items()
    }
    weeks = [
        days_of(week, window.timezone)
        for week in window.buckets("week")
        if not week.partial and covered(week, known, ("deployments",)) == (naive_utc(week.start), naive_utc(week.end))
    ]
    return values(made, incidents, window.utc, days, weeks, spans["change_fail_rate"])


@settings(max_examples=40)
@given(
    st.fixed_dictionaries({project: st.tuples(histories(project), covers) for project in PROJECTS}),
    st.lists(windows, min_size=3, max_size=3),
    st.sampled_from([168.0, 24.0, 6.5]),
)
def test_figures_are_those_of_the_definitions(
    projects: dict[str, tuple[list[Row], Covers]], asked: list[Window], link_hours: float
) -> None:
    with quick_folder() as folder:
        store = stored(folder, projects, link_hours)
        for window in asked:
            answer = measure(store, Question(PROJECTS, window, link_hours=link_hours, now=datetime.now(UTC)))
            for project, (rows, known) in projects.items():
                now = expected(rows, known, window, link_hours)
                before = expected(rows, known, window.previous(), link_hours)
                for figure in (one for one in answer.figures if one.project == project):
                    key = (figure.metric, figure.statistic)
                    assert (figure.value, figure.n) == now[key], key
                    assert figure.previous == before[key][0], key


@settings(max_examples=8)
@given(st.fixed_dictionaries({project: st.tuples(histories(project), covers) for project in PROJECTS}), windows)
def test_a_time_zone_moves_buckets_and_nothing_else(
    projects: dict[str, tuple[list[Row], Covers]], window: Window
) -> None:
    """The same instants counted in another zone: the totals stay; rates by day may follow the length of its days."""
    with quick_folder() as folder:
        store = stored(folder, projects, 168.0)
        there = Window(window.start, window.end, "Pacific/Auckland")
        here, away = (measure(store, Question(PROJECTS, one, now=datetime.now(UTC))) for one in (window, there))
        for one, two in zip(here.figures, away.figures, strict=True):
            if one.metric != "deployment_frequency":
                assert (one.value, one.n, one.low, one.high) == (two.value, two.n, two.low, two.high)
            elif one.statistic == "per_week":
                assert one.n == two.n
        assert here.incidents == away.incidents
        for answer in (here, away):  # whatever the buckets, they hold the window's deployments and no other
            for project in PROJECTS:
                trend = [p.n for p in answer.trend if (p.project, p.metric) == (project, "deployment_frequency")]
                total = [f.n for f in answer.figures if (f.project, f.statistic) == (project, "per_week")]
                assert [sum(trend)] == total
