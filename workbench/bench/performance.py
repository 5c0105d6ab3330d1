"""What the performance notebook talks to: a run with the ones before it, as tables, charts and numbers."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import settings as configuration
from workbench.bench import run as runs
from workbench.bench.changes import ChangePoint, change_points
from workbench.bench.compare import Comparison, compare
from workbench.bench.finding import Finding
from workbench.bench.findings import findings
from workbench.bench.history import Result, Run
from workbench.bench.statistics import MEDIAN, percentile
from workbench.bench.summary import Judged, Line, Ratio, as_json, lines, ratios
from workbench.durable import replace_json
from workbench.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.display.fragment import Html


def performance(run: str | None = None, **overrides: Any) -> Performance:
    """A benchmark run and its history.

    Args:
        run: its id or the begin of it, ``previous``, or a file; None: the latest.
        overrides: settings that win over those of the environment, such as ``data="folder"``.

    Raises:
        ParameterError: there is no such run; make one with ``workbench bench``.
    """
    history = runs.history(configuration.load(**overrides))
    chosen = history.get(run or "latest")
    earlier = [one for one in history.full(key=chosen.key) if one.id < chosen.id]
    return Performance(chosen, earlier)


class Performance:
    """A run, and the earlier ones on the same machine (the oldest first)."""

    def __init__(self, run: Run, earlier: list[Run]) -> None:
        self.run = run
        self.earlier = earlier

    @cached_property
    def lines(self) -> list[Line]:
        """Every result in numbers."""
        return lines(self.run)

    @cached_property
    def ratios(self) -> list[Ratio]:
        """Every peer and alternative."""
        return ratios(self.run)

    @cached_property
    def verdicts(self) -> list[tuple[Line, Judged]]:
        """Every target that the run measured: missed ones first, met ones last."""
        order = {"missed": 0, "undecided": 1, "not known": 2, "met": 3}
        return sorted(
            ((line, one) for line in self.lines for one in line.judged), key=lambda pair: order[pair[1].verdict]
        )

    @cached_property
    def findings(self) -> list[Finding]:
        """Bottlenecks."""
        return findings(self.run)

    def history_of(self, case: str) -> list[tuple[Run, Result]]:
        """A case in every run of this machine that has it, warm, the oldest first."""
        runs = (*self.earlier, self.run)
        return [(run, found) for run in runs if (found := run.result(case, "warm")) is not None and len(found.values)]

    @cached_property
    def change_points(self) -> list[tuple[str, Run, ChangePoint]]:
        """Where cases became slower or faster over the runs of this machine: case, the first run that was so, how."""
        made = []
        for case in dict.fromkeys(line.result.case for line in self.lines if line.result.kind == "warm"):
            found = self.history_of(case)
            medians = [percentile(result.values, MEDIAN) for _, result in found]
            points = change_points(medians, [run.pace for run, _ in found])
            made += [(case, found[point.index][0], point) for point in points]
        return made

    @cached_property
    def comparison(self) -> Comparison | None:
        """Against the newest earlier run that has a case of this one; None if there is none."""
        names = {result.case for result in self.run.results}
        for one in reversed(self.earlier):
            if names & {result.case for result in one.results}:
                return compare(one, self.run)
        return None

    @property
    def frame(self) -> pd.DataFrame:
        """One row a result: case, kind, rows, n, min, median, low, high, p95, p99, server (seconds)."""
        import pandas as pd

        return pd.DataFrame(as_json(self.run)["cases"]).drop(columns="targets")

    def chart(self, name: str) -> go.Figure:
        """A chart by name (workbench.bench.charts.CHARTS)."""
        from workbench.bench.charts import CHARTS

        if name not in CHARTS:
            raise ParameterError(f"There is no chart {name!r}.", f"There are: {', '.join(CHARTS)}.")
        return CHARTS[name](self)

    def show(self, name: str, **options: Any) -> Html:
        """A piece of the report by name (workbench.bench.display.PIECES); ``plans`` takes a ``store``."""
        from workbench.bench.display import PIECES
        from workbench.display.fragment import Html

        if name not in PIECES:
            raise ParameterError(f"There is no display {name!r}.", f"There are: {', '.join(PIECES)}.")
        return Html(PIECES[name](self, **options))

    def as_json(self) -> dict[str, Any]:
        """All numbers for a program: the form of ``workbench bench --json`` and figures.json."""
        bottlenecks = [{name: getattr(one, name) for name in Finding.__dataclass_fields__} for one in self.findings]
        return {**as_json(self.run, self.comparison), "bottlenecks": bottlenecks}

    def save(self, folder: Path | None = None) -> Path | None:
        """Write figures.json into a folder, atomically; without one, into that of the report's run, if there is one."""
        folder = folder or configuration.run_folder()
        if folder is None:
            return None
        return replace_json(folder / "figures.json", self.as_json())

    def _repr_html_(self) -> str:
        from workbench.bench.display_verdicts import verdict_cards
        from workbench.display.fragment import Html

        return Html(verdict_cards(self))._repr_html_()

    def __repr__(self) -> str:
        return f"Performance({self.run.id}; {len(self.lines)} results)"
