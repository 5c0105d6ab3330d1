"""The rows behind a number, page by page: keyset pages, so that page 900 costs what page 1 does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from workbench.errors import ParameterError
from workbench.metrics import queries
from workbench.metrics.dora import Question
from workbench.metrics.protocol import MetricStore
from workbench.model import METRICS

PAGE: Final = 100
LARGEST_PAGE: Final = 1000

# metric -> query, its fixed parameters, and the columns that say where a page ended
_SOURCES: Final[Mapping[str, tuple[str, Mapping[str, str], Mapping[str, str]]]] = {
    "deployment_frequency": (
        "deployment_rows",
        {"only": "all"},
        {"after_at": "deployed_at", "after_project": "project", "after_cycle": "deployment"},
    ),
    "lead_time": (
        "change_rows",
        {},
        {"after_at": "deployed_at", "after_project": "project", "after_cycle": "deployment", "after_feature": "change"},
    ),
    "change_fail_rate": (
        "deployment_rows",
        {"only": "failed"},
        {"after_at": "deployed_at", "after_project": "project", "after_cycle": "deployment"},
    ),
    "recovery_time": (
        "incident_rows",
        {"only": "charged"},
        {"after_at": "began_at", "after_project": "project", "after_cycle": "names", "after_feature": "incident"},
    ),
    "rework_rate": (
        "deployment_rows",
        {"only": "rework"},
        {"after_at": "deployed_at", "after_project": "project", "after_cycle": "deployment"},
    ),
}


class Drilldown:
    """Pages of rows of one question; remembers where each page ended, so the next one is a range, not an offset."""

    def __init__(self, store: MetricStore, question: Question) -> None:
        self._store = store
        self._question = question
        self._ends: dict[tuple[str, int, int], dict[str, Any]] = {}

    def page(self, metric: str, page: int = 1, size: int = PAGE) -> pa.Table:
        """One page, newest first; empty after the last one.

        Args:
            metric: one of the five; of the rates, the failed or the rework deployments.
            page: from 1.
            size: rows a page, at most 1000.

        Raises:
            ParameterError: there is no such metric, page or size.
        """
        if metric not in _SOURCES:
            raise ParameterError(f"There is no metric {metric!r}.", f"Use one of {', '.join(METRICS)}.")
        if page < 1 or not 1 <= size <= LARGEST_PAGE:
            raise ParameterError(
                f"Page {page} of {size} rows is not possible.", f"Pages start at 1 and hold 1 to {LARGEST_PAGE} rows."
            )
        name, fixed, keys = _SOURCES[metric]
        since, until = self._question.window.utc
        first = {"after_at": until} | {key: "" for key in keys if key != "after_at"}
        known = max((p for m, s, p in self._ends if m == metric and s == size and p < page), default=0)
        after = self._ends.get((metric, size, known), first)
        rows = pa.table({})
        for number in range(known + 1, page + 1):
            parameters = {"projects": list(self._question.projects), "since": since, "until": until, "size": size}
            rows = self._store.query(queries.get(name), {**parameters, **fixed, **after})
            if rows.num_rows < size and number < page:
                rows = rows.slice(0, 0)
                break
            if rows.num_rows:
                last = rows.slice(rows.num_rows - 1).to_pylist()[0]
                after = self._ends[metric, size, number] = {key: last[column] for key, column in keys.items()}
        return self._marked(rows) if name == "deployment_rows" else rows

    def _marked(self, rows: pa.Table) -> pa.Table:
        """With a column ``settled``: too late for the time rule to charge this deployment with another incident."""
        import pyarrow.compute as pc

        return rows.append_column("settled", pc.less(rows["deployed_at"], pa.scalar(self._question.settled_before)))
