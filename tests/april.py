"""A store with a few known rows of April 2025, and a look at what really reaches it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.facts import PROJECT, change, deployment, extract, incident, load
from workbench.metrics import queries
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.recorded import Listeners, RecordedStore
from workbench.metrics.statements import Statement

APRIL = {"since": datetime(2025, 4, 1), "until": datetime(2025, 5, 1)}


@pytest.fixture(scope="session")
def april(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a filled store, to be copied and not changed."""
    folder = tmp_path_factory.mktemp("april") / "data"
    filled(folder)
    return folder


class Seen:
    """Remembers the statements that reached the store."""

    plans = False

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def tell(self, statement: Statement) -> None:
        self.statements.append(statement)

    @property
    def queries(self) -> list[str]:
        return [statement.query for statement in self.statements if statement.file]


def filled(folder: Path, projects: int = 1) -> EmbeddedStore:
    """Per project: three deployments in April 2025, a change each, one incident charged to the second."""
    store = EmbeddedStore(folder)
    for number in range(projects):
        add_project(store, folder, f"{PROJECT}{number or ''}")
    return store


def add_project(store: Any, folder: Path, project: str) -> None:
    """One more such project."""
    days = {"d1": "2025-04-02", "d2": "2025-04-09", "d3": "2025-04-16"}
    deployments = [deployment(name, f"{day} 12:00", project=project) for name, day in days.items()]
    changes = [change(f"c-{name}", name, f"{day} 10:00", project=project) for name, day in days.items()]
    incidents = [incident("i1", "2025-04-09 13:00", 3600, names="d2", project=project)]
    names = [
        {"project": project, "feature_id": f"c-{name}", "title": f"Title <{name}>", "author": "Ann", "team": "Blue"}
        for name in days
    ]
    given = [
        extract("deployments", deployments, ("2025-03-01", "2025-06-01")),
        extract("changes", changes, ("2025-03-01", "2025-06-01"), features=names),
        extract("incidents", incidents, ("2025-03-01", "2025-06-01")),
    ]
    load(store, given, folder / "rejects")


def watched(store: EmbeddedStore) -> tuple[RecordedStore, Seen]:
    """The store, and what reaches it."""
    seen = Seen()
    return RecordedStore(store, Listeners(seen)), seen


def histogram(*projects: str, **more: Any) -> tuple[Any, dict[str, Any]]:
    """A question that is cached, and parameters for it."""
    parameters = {
        "projects": list(projects or [PROJECT]),
        "pooled": 0,
        "bins": queries.bins([0, 3600, 86_400, 864_000]),
    }
    return queries.get("lead_time_histogram"), {**parameters, **APRIL, **more}


def some_parameters(name: str) -> dict[str, Any]:
    """Parameters for any question of queries/, for the first project and April."""
    edges = [(0, APRIL["since"], APRIL["until"])]
    values: dict[str, Any] = {
        "projects": [PROJECT], "pooled": 0, "only": "all", "size": 100, "now": APRIL["until"],
        "settled_before": APRIL["since"], "spans": queries.spans(edges), "days": queries.spans(edges),
        "bins": queries.bins([0, 3600, 864_000]), "after_at": APRIL["until"], "after_project": "", "after_cycle": "",
        "after_feature": "", "max_gap_microseconds": 604_800_000_000, "covered": "[]", **APRIL,
    }  # fmt: skip
    return {parameter.name: values[parameter.name] for parameter in queries.get(name).parameters}
