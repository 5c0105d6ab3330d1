"""Cases of a metric store: what teams ask of dora_metrics, the whole dashboard, and other ways to the same answer.

They use nothing but the protocol, so every metric store runs the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.bench import data
from workbench.bench.cases import SIZES, Call, Case
from workbench.bench.stage import Filled, Stage
from workbench.metrics import queries
from workbench.metrics.dora import Question, measure, measure_window
from workbench.metrics.protocol import MetricStore
from workbench.model import Window

if TYPE_CHECKING:
    import pandas as pd

_WINDOW_DAYS: Final = 90
_PAGE: Final = 100
_SMALL: Final = SIZES["10k"]
_A_DAY: Final = 86_400.0
_CACHE: Final = 64_000_000


def metric_cases(store: str, rows: int) -> list[Case]:
    """The questions at ten thousand rows, and the dashboard at every size up to ``rows``."""
    make = partial(Case, store, rows=_SMALL)
    ask = partial(partial, _ask, store)
    phase = {"phase": "deployment"}
    small = [
        make("by_phase", "newest 100 rows of a phase", setup=ask("by_phase", phase)),
        make("by_dates", "rows of 7 days", setup=ask("by_dates", _span(7))),
        make("with_index", "rows of one change", setup=partial(_one_change, store)),
        make("without_index", "count of a decision", setup=ask("without_index", {"decision": "no-go"})),
        make("count_and_average", "count and mean of a phase", setup=ask("count_and_average", phase)),
        make("one_join", "100 changes with titles, one join", setup=partial(_one_join, store)),
        make("n_plus_one", "100 changes, then a question for each title", setup=partial(_n_plus_one, store),
             peer_of="one_join", peer_kind="alternative", warm_ups=1),
    ]  # fmt: skip
    return small + [case for size in SIZES.values() if size <= rows for case in _dashboards(store, size)]


def _dashboards(store: str, rows: int) -> list[Case]:
    title = f"dashboard: five metrics, {_WINDOW_DAYS} days, trend"
    made = [
        Case(store, "dashboard", title, rows, partial(_dashboard, store, rows), load=rows == _SMALL),
        Case(store, "dashboard", f"{title}; the first of a store object", rows, partial(_cold_dashboard, store, rows),
             state="cold"),
        Case(store, "one_window", "its five metrics alone: no window before, no trend", rows,
             partial(_one_window, store, rows), peer_of="dashboard", peer_kind="alternative"),
        Case(store, "from_cache", "dashboard from the result cache", rows, partial(_from_cache, store, rows),
             peer_of="dashboard", peer_kind="alternative"),
    ]  # fmt: skip
    return made + _figures(store, rows) if rows in (_SMALL, SIZES["1m"]) else made


def _figures(store: str, rows: int) -> list[Case]:
    """The same work in three places: nothing but the five figures of one window."""
    same = partial(Case, store, rows=rows, peer_of="in_sql")
    made = [
        Case(store, "in_sql", "the five figures of 90 days, in one statement", rows, partial(_in_sql, store, rows)),
        same("in_python", "the same in pandas, from the window's rows", setup=partial(_in_python, store, rows),
             peer_kind="alternative"),
    ]  # fmt: skip
    if store == "embedded":
        pandas = "the same in pandas, from the project's file"
        made.append(same("pandas", pandas, setup=partial(_pandas, rows), peer_kind="peer"))
    return made


@cache
def bench_queries() -> Mapping[str, queries.Query]:
    """The questions that only benchmarks ask (workbench/bench/queries)."""
    return queries.load_folder(Path(__file__).with_name("queries"))


def question(project: str) -> Question:
    """The dashboard's question: the last 90 days of one project."""
    return Question((project,), Window.between(data.END.date() - timedelta(days=_WINDOW_DAYS), data.END.date()),
                    now=Window.between(data.END.date(), data.END.date() + timedelta(days=1)).start)  # fmt: skip


def _span(days: int) -> dict[str, Any]:
    return {"since": data.END - timedelta(days=days), "until": data.END}


def _asked(store: MetricStore, name: str, **parameters: Any) -> Any:
    return store.query(bench_queries()[name], parameters)


def _ask(store: str, name: str, parameters: Mapping[str, Any], stage: Stage) -> Call:
    filled = stage.metrics(store, _SMALL)
    return Call(partial(_asked, filled.store, name, **parameters), server_seconds=filled.clock)


def _one_change(store: str, stage: Stage) -> Call:
    filled = stage.metrics(store, _SMALL)
    newest = _asked(filled.store, "newest_changes", projects=[filled.project], size=1)
    feature = newest["feature_id"][0].as_py()
    return Call(partial(_asked, filled.store, "with_index", feature=feature), server_seconds=filled.clock)


def _one_join(store: str, stage: Stage) -> Call:
    filled = stage.metrics(store, _SMALL)
    ask = partial(_asked, filled.store, "changes_with_titles", projects=[filled.project], size=_PAGE)
    return Call(ask, server_seconds=filled.clock)


def _n_plus_one(store: str, stage: Stage) -> Call:
    filled = stage.metrics(store, _SMALL)

    def run() -> object:
        page = _asked(filled.store, "newest_changes", projects=[filled.project], size=_PAGE)
        names = page["feature_id"].to_pylist()
        return [_asked(filled.store, "one_title", projects=[filled.project], feature=name) for name in names]

    return Call(run, server_seconds=filled.clock)


def _dashboard(store: str, rows: int, stage: Stage) -> Call:
    filled = stage.metrics(store, rows)
    return Call(partial(measure, filled.store, question(filled.project)), server_seconds=filled.clock)


def _one_window(store: str, rows: int, stage: Stage) -> Call:
    filled = stage.metrics(store, rows)
    return Call(partial(measure_window, filled.store, question(filled.project)), server_seconds=filled.clock)


def _cold_dashboard(store: str, rows: int, stage: Stage) -> Call:
    """The first dashboard of a new store object: no file footer, no view and no connection is there yet."""
    filled = stage.metrics(store, rows)
    fresh: list[Filled] = []

    def prepare() -> None:
        for used in fresh:
            used.close()
        fresh[:] = [filled.reopened()]

    return Call(lambda: measure(fresh[0].store, question(filled.project)), prepare)


def _from_cache(store: str, rows: int, stage: Stage) -> Call:
    """What the second reader of a dashboard waits for; the store's version is read, so that an import is seen."""
    from workbench.metrics.cache import CachedStore
    from workbench.metrics.result_cache import ResultCache
    from workbench.settings import MEMORY

    filled = stage.metrics(store, rows)
    cached = CachedStore(filled.store, ResultCache(MEMORY, seconds=_A_DAY, size=_CACHE))
    return Call(partial(measure, cached, question(filled.project)), server_seconds=filled.clock)


def _in_sql(store: str, rows: int, stage: Stage) -> Call:
    filled = stage.metrics(store, rows)
    ask = partial(_asked, filled.store, "five_figures", projects=[filled.project], **_span(_WINDOW_DAYS))
    return Call(ask, server_seconds=filled.clock)


def _in_python(store: str, rows: int, stage: Stage) -> Call:
    filled = stage.metrics(store, rows)

    def run() -> object:
        window = _asked(filled.store, "window_rows", projects=[filled.project], **_span(_WINDOW_DAYS))
        return five_figures(window.to_pandas())

    return Call(run, server_seconds=filled.clock)


def _pandas(rows: int, stage: Stage) -> Call:
    import pandas as pd

    filled = stage.metrics("embedded", rows)
    path = _project_file(filled)
    span = _span(_WINDOW_DAYS)

    def run() -> object:
        facts = pd.read_parquet(path)
        return five_figures(facts[(facts.created_at >= span["since"]) & (facts.created_at < span["until"])])

    return Call(run)


def _project_file(filled: Filled) -> Path:
    from workbench.metrics.embedded import file_key

    assert filled.folder is not None  # noqa: S101 - of the embedded store; for the type checker
    return filled.folder / "metrics" / f"{file_key(filled.project)}.parquet"


def five_figures(rows: pd.DataFrame) -> tuple[float, ...]:
    """The headline figures of a window's rows as one would write them in a notebook: no interval, no trend."""
    deployed, incidents = rows[rows.phase_name == "deployment"], rows[rows.phase_name == "maintenance"]
    cycles = deployed.groupby("cycle_id").decision.first()
    failed = cycles.index.isin(incidents.charged_to.dropna()) | (cycles == "no-go")
    return (
        len(cycles) / _WINDOW_DAYS * 7,
        float(deployed.duration_seconds.astype(float).median()),
        float(failed.mean()),
        float(incidents.duration_seconds.astype(float).median()),
        float((cycles == "rework").mean()),
    )
