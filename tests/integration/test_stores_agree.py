"""The same rows in every store give the same answers, to the last digit: windows, zones and projects as they come."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.facts import LINK_HOURS, change, deployment, incident, load_rows, revert, shipped
from workbench.metrics import queries
from workbench.metrics.dora import Question, measure
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.protocol import MetricStore
from workbench.model import Window, local_midnight, naive_utc

PROJECTS = ("shop", "Shop", "shop ", "shöp", "sho\u0308p", "🛒'\"\\", "%s", "NULL")
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo")
FIRST, DAYS = datetime(2024, 1, 1), 400
QUESTIONS = 150


def rows(seed: int) -> list[dict[str, Any]]:
    """Deployments, changes, incidents and reverts of every kind, many at the same instant or with the same duration."""
    dice = random.Random(seed)
    made: list[dict[str, Any]] = []
    for number, project in enumerate(PROJECTS):
        made.append(change("lost", "never deployed", FIRST, project=project))
        cycles = [f"d{n}" + dice.choice(("", " ", "é", "D")) for n in range(12 + 40 * (number % 3))]
        for n, cycle in enumerate(cycles):
            at = FIRST + timedelta(seconds=dice.randrange(DAYS * 86_400), microseconds=dice.choice((0, 1, 999_999)))
            decision = dice.choice(("go", "go", "go", "rework", "no-go"))
            if n % 2:
                made.append(deployment(cycle, at, decision, project=project))
                made += [
                    change(f"{cycle}-{m}", cycle, at - timedelta(seconds=dice.randrange(-50, 10**6)), project=project)
                    for m in range(dice.randrange(4))
                ]
            else:
                made += [
                    shipped(f"{cycle}-{m}", cycle, at, dice.choice((None, 0, 60, f"{dice.randrange(10**8) / 100:.2f}")),
                            project=project)
                    for m in range(1 + dice.randrange(30))
                ]  # fmt: skip
            if dice.random() < 0.4:
                fix = dice.choice((None, 0, 3600, dice.randrange(10**6)))
                names = dice.choice(("", "", cycle, cycle.upper(), "unknown"))
                began = at + timedelta(hours=dice.randrange(200))
                made.append(
                    incident(f"i{n}", began, fix, names, project=project, fixed_by=dice.choice((None, *cycles)))
                )
            if dice.random() < 0.2:
                made.append(revert(f"r{n}", cycle, at, 7200, dice.choice(cycles), project=project))
    return made


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MetricStore]:
    """Each with the same rows, imported."""
    folder: Path = tmp_path_factory.mktemp("agree")
    made: dict[str, MetricStore] = {"embedded": EmbeddedStore(folder / "data")}
    made |= {kind: servers.empty_store(kind) for kind in servers.KINDS}
    for store in made.values():
        load_rows(store, rows(7), folder / "rejects")
    return made


def moments(dice: random.Random) -> tuple[datetime, datetime, str]:
    """A window with its zone: whole local days, or any instants."""
    zone = dice.choice(ZONES)
    start = date(2023, 12, 20) + timedelta(days=dice.randrange(DAYS))
    end = start + timedelta(days=dice.choice((1, 6, 7, 28, 90, 200)))
    if dice.random() < 0.8:
        return local_midnight(start, zone), local_midnight(end, zone), zone
    cut = timedelta(seconds=dice.randrange(86_400), microseconds=dice.choice((0, 1, 999_999)))
    return local_midnight(start, zone) + cut, local_midnight(end, zone) + cut, zone


def test_stored_rows_are_the_same(stores: dict[str, MetricStore]) -> None:
    def kept(store: MetricStore) -> list[list[dict[str, Any]]]:
        state = store.read(PROJECTS)
        return [
            sorted(part.to_pylist(), key=lambda row: tuple(str(cell) for cell in row.values()))
            for part in (state.facts, state.features, state.imports)
        ]

    wanted = kept(stores["embedded"])
    assert len(wanted[0]) > 1000
    for name, store in stores.items():
        assert store.projects() == tuple(sorted(PROJECTS)), name
        assert kept(store) == wanted, name


@pytest.mark.parametrize("seed", range(4))
def test_every_figure_is_the_same(stores: dict[str, MetricStore], seed: int) -> None:
    """Figures, trends, counts and intervals of generated questions, in each store."""
    dice = random.Random(seed)
    seen = 0
    for _ in range(QUESTIONS // 4):
        start, end, zone = moments(dice)
        projects = tuple(sorted(dice.sample(PROJECTS, dice.randrange(1, len(PROJECTS)))))
        question = Question(
            projects,
            Window(start, end, zone),
            bucket=dice.choice(("day", "week", "month")),
            pooled=dice.random() < 0.3,
            link_hours=LINK_HOURS,
            now=datetime(2025, 6, 1, tzinfo=UTC),
        )
        answers = {name: measure(store, question) for name, store in stores.items()}
        wanted = answers["embedded"]
        seen += sum(figure.value is not None for figure in wanted.figures)
        for name, answer in answers.items():
            assert answer.figures == wanted.figures, (name, question)
            assert answer.trend == wanted.trend, (name, question)
            assert answer.incidents == wanted.incidents, (name, question)
    assert seen > 100, "hardly any question had an answer"


@pytest.mark.parametrize("name", sorted(queries.load()))
def test_every_query_answers_the_same(stores: dict[str, MetricStore], name: str) -> None:
    """Whole answers, order included, for generated parameters."""
    dice = random.Random(name)
    query = queries.get(name)
    seen = 0
    for _ in range(25):
        start, end, _ = moments(dice)
        given = parameters(query, dice, naive_utc(start), naive_utc(end))
        answers = {kind: store.query(query, given) for kind, store in stores.items()}
        seen += answers["embedded"].num_rows
        for kind, answer in answers.items():
            assert answer.equals(answers["embedded"]), (kind, name, given)
    assert seen, "no question had an answer"


def parameters(query: queries.Query, dice: random.Random, since: datetime, until: datetime) -> dict[str, Any]:
    """A value for every parameter that a query declares."""
    step = (until - since) / 9
    edges = [(0, since, until), *((n, since + step * n, since + step * (n + 1)) for n in range(1, 8))]
    days = [(n, since + n * timedelta(days=1), since + (n + 1) * timedelta(days=1)) for n in range(28)]
    values: dict[str, Any] = {
        "projects": sorted(dice.sample(PROJECTS, dice.randrange(1, len(PROJECTS)))),
        "pooled": dice.randrange(2),
        "since": since,
        "until": until,
        "now": until,
        "settled_before": since + step,
        "spans": queries.spans(edges),
        "days": queries.spans(days, [n // 7 for n in range(28)]),
        "bins": queries.bins([0, 60, Decimal("3600.5"), 86_400, 10**9]),
        "size": dice.choice((1, 10, 1000)),
        "only": dice.choice(("all", "failed", "rework", "charged", "unlinked")),
        "after_at": dice.choice((until, since + step * 5)),
        "after_project": dice.choice(PROJECTS),
        "after_cycle": "d3",
        "after_feature": "",
        "max_gap_microseconds": dice.choice((0, 3_600_000_000, 604_800_000_000)),
        "covered": "[]",
    }
    return {parameter.name: values[parameter.name] for parameter in query.parameters}
