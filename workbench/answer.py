"""What charts and displays read of an answer. ``app.Dora`` is one; nothing here knows how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from workbench.metrics.dora import Asked, Measurement, Question
from workbench.metrics.quality import Quality
from workbench.model import HEADLINES, Figure, Metric, Statistic, Window

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


class Answer(Protocol):
    """The figures, trend and findings of a question, and a way to ask for the rows behind them."""

    @property
    def question(self) -> Question:
        """What was asked."""

    @property
    def window(self) -> Window:
        """The time it is about."""

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects asked for."""

    @property
    def measurement(self) -> Measurement:
        """Figures and trend."""

    @property
    def inspection(self) -> Quality:
        """Data-quality findings."""

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Every statement that was run so far."""

    def ask(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """Rows of a query of queries/ for these projects and this window."""

    def store(self) -> Mapping[str, str]:
        """What and where the store is."""


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
