"""The answer to a question about DORA metrics: its numbers, frozen or as DataFrames, and what charts read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from workbench.metrics import queries
from workbench.metrics.dora import Asked, Asker, Measurement, Question, as_json, measure, measure_trend
from workbench.metrics.drilldown import Drilldown
from workbench.metrics.figures import TrendPoint
from workbench.metrics.protocol import MetricStore
from workbench.metrics.quality import Quality, inspect
from workbench.model import HEADLINES, BucketUnit, Figure, Metric, Statistic, Window

if TYPE_CHECKING:
    import pandas as pd

_NOTHING: Final[dict[Metric, str]] = {
    "deployment_frequency": "No deployments are known for this window.",
    "lead_time": "No change of this window has a lead time.",
    "change_fail_rate": "There was no deployment that could fail.",
    "recovery_time": "No fixed incident of this window is charged to a deployment.",
    "rework_rate": "There was no deployment.",
}
"""Why a covered window has no value."""
_UNCOVERED: Final = "No data: "
"""How the rule of a figure begins that no source covers (metrics.figures)."""


class Answer:
    """The figures, trend, findings and rows of one question; computes on first use."""

    def __init__(self, store: MetricStore, question: Question) -> None:
        self._store = store
        self.question = question
        self._drilldown = Drilldown(store, question)
        self._asker = Asker(store)

    @property
    def window(self) -> Window:
        """The time that the figures are about, [start, end)."""
        return self.question.window

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects asked for."""
        return self.question.projects

    @cached_property
    def measurement(self) -> Measurement:
        """Figures, trend and the statements behind them, as frozen values."""
        return measure(self._store, self.question)

    @cached_property
    def inspection(self) -> Quality:
        """The data-quality findings, as frozen values."""
        return inspect(self._store, self.question, self.measurement.coverage)

    @property
    def figures(self) -> pd.DataFrame:
        """One row a figure: project, metric, statistic, value, unit, n, low, high, level, previous, change, rule."""
        return _frame(self.measurement.figures, Figure)

    @property
    def quality(self) -> pd.DataFrame:
        """One row a data-quality finding: project, check, severity, count, text."""
        from workbench.metrics.quality import Finding

        return _frame(self.inspection.findings, Finding)

    @property
    def statements(self) -> pd.DataFrame:
        """The statements that were run so far: query, sentence, sql, parameters, rows, seconds."""
        return _frame(self.asked, Asked)

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The same as frozen values: those of the figures, then those of charts and tables."""
        return (*self.measurement.asked, *self._asker.asked)

    def trend(self, bucket: BucketUnit | None = None) -> pd.DataFrame:
        """One row a metric and bucket: start, end, partial, value, unit, n, low, high. No data is a missing value."""
        unit = bucket or self.question.bucket
        points = (
            self.measurement.trend if unit == self.question.bucket else measure_trend(self._store, self.question, unit)
        )
        return _frame(points, TrendPoint)

    def rows(self, metric: str, page: int = 1, size: int = 100) -> pd.DataFrame:
        """The rows behind a number, newest first: pages of 100, at most 1000 a page.

        Raises:
            ParameterError: there is no such metric, page or size.
        """
        frame: pd.DataFrame = self._drilldown.page(metric, page, size).to_pandas()
        return frame

    def ask(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Rows of a query of queries/ for these projects and this window, as dicts; used by charts and tables."""
        since, until = self.window.utc
        query = queries.get(name)
        given = {"projects": list(self.projects), "since": since, "until": until, **parameters}
        declared = {parameter.name for parameter in query.parameters}
        return self._asker.ask(name, **{key: value for key, value in given.items() if key in declared})

    def store(self) -> Mapping[str, str]:
        """What and where the store is, without secrets."""
        return self._store.describe()

    def as_json(self) -> dict[str, Any]:
        """All numbers for a program: the form of ``workbench dora --json`` and figures.json."""
        return as_json(self.window, self.measurement, self.inspection.as_json())


def figure(answer: Answer, project: str | None, metric: Metric, statistic: Statistic) -> Figure:
    """One figure of a project (None: pooled)."""
    return next(
        made
        for made in answer.measurement.figures
        if (made.project, made.metric, made.statistic) == (project, metric, statistic)
    )


def headlines(answer: Answer) -> dict[tuple[str | None, Metric], Figure]:
    """The headline figure of each project (None: pooled) and metric."""
    return {
        (made.project, made.metric): made
        for made in answer.measurement.figures
        if HEADLINES[made.metric] == made.statistic
    }


def busiest(answer: Answer, most: int) -> tuple[str, ...]:
    """The projects with the most deployments in the window, at most so many, in the order they were asked for."""
    of = headlines(answer)
    chosen = set(sorted(answer.projects, key=lambda project: -of[project, "deployment_frequency"].n)[:most])
    return tuple(project for project in answer.projects if project in chosen)


def listed(answer: Answer, most: int) -> tuple[str | None, ...]:
    """The same, and the pooled figures (None) if they were asked for."""
    return (*busiest(answer, most), *((None,) if answer.question.pooled else ()))


def why_none(made: Figure) -> str:
    """One sentence: why there is no value."""
    if made.rule.startswith(_UNCOVERED):
        reason = made.rule.removeprefix(_UNCOVERED)
        return reason[:1].upper() + reason[1:]
    return _NOTHING[made.metric]


def _frame(values: Sequence[Any], kind: type[Any]) -> pd.DataFrame:
    import pandas as pd

    names = [field.name for field in fields(kind)]
    return pd.DataFrame([[getattr(value, name) for name in names] for value in values], columns=names)
