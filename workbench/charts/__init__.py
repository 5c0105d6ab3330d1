"""Charts of an answer as plotly figures. They read nothing but the answer; the same answer gives the same JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from workbench.answer import Answer
from workbench.charts.comparison import comparison
from workbench.charts.distribution import lead_time_distribution
from workbench.charts.timeline import deployment_timeline
from workbench.charts.trends import trend
from workbench.errors import ParameterError
from workbench.model import METRICS

if TYPE_CHECKING:
    import plotly.graph_objects as go

CHARTS: Final[Mapping[str, Callable[[Answer], go.Figure]]] = {
    **{metric: partial(trend, metric=metric) for metric in METRICS},
    "lead_time_distribution": lead_time_distribution,
    "deployment_timeline": deployment_timeline,
    "comparison": comparison,
}
"""Every chart by name; the name of a metric is its trend."""


def draw(name: str, answer: Answer) -> go.Figure:
    """The chart of that name.

    Raises:
        ParameterError: there is none, or it needs several projects and there is one.
    """
    if name not in CHARTS:
        raise ParameterError(f"There is no chart {name!r}.", f"There are: {', '.join(CHARTS)}.")
    return CHARTS[name](answer)
