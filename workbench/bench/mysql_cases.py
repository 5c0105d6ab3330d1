"""Cases that only MySQL has: connections, sets of indexes, the plain driver."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from workbench.bench import data
from workbench.bench.cases import SIZES, Call, Case
from workbench.metrics.dora import measure

if TYPE_CHECKING:
    from workbench.bench.stage import Stage
    from workbench.metrics.mysql import MySQLStore

_SMALL: Final = SIZES["10k"]
_COVERING: Final = ("dora_metrics_window",)
_SINGLE: Final = ("dora_metrics_phase", "dora_metrics_feature", "dora_metrics_created")
_INSERT: Final = (
    "INSERT INTO dora_metrics (project, cycle_id, feature_id, phase_name, decision, duration_seconds, charged_to, "
    "link_rule, source, metadata, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_COLUMNS: Final = (
    "cycle_id", "feature_id", "phase_name", "decision", "duration_seconds", "charged_to", "link_rule", "source",
    "metadata", "created_at",
)  # fmt: skip


def mysql_cases(rows: int) -> list[Case]:
    """Connections and inserts at ten thousand rows; the dashboard with fewer indexes up to a hundred thousand."""
    make = partial(Case, "mysql", rows=_SMALL)
    made = [
        make("checkout", "a connection from the pool, and SELECT 1", setup=_checkout),
        make("new_connection", "a new connection, and SELECT 1", setup=_new_connection, peer_of="checkout",
             peer_kind="alternative"),
        make("write", "write a project of about 2,000 rows", setup=_write, warm_ups=1),
        make("plain_inserts", "the same rows with the driver's executemany", setup=_plain_inserts, peer_of="write",
             peer_kind="peer", warm_ups=1),
    ]  # fmt: skip
    for size in (size for size in SIZES.values() if size <= min(rows, SIZES["100k"])):
        same = {"peer_of": "dashboard", "peer_kind": "alternative", "rows": size}
        single = partial(_with_fewer_indexes, "single", _COVERING, size)
        none = partial(_with_fewer_indexes, "none", (*_COVERING, *_SINGLE), size)
        made += [
            Case("mysql", "single_indexes", "dashboard with three single-column indexes", setup=single, **same),  # type: ignore[arg-type]
            Case("mysql", "no_indexes", "dashboard with the unique key only", setup=none, **same),  # type: ignore[arg-type]
        ]
    return made


def _store(stage: Stage) -> MySQLStore:
    store: Any = stage.metrics("mysql", _SMALL).store
    return store  # type: ignore[no-any-return]


def _checkout(stage: Stage) -> Call:
    pool = _store(stage).reader

    def run() -> object:
        with pool.connect() as connection:
            return connection.exec_driver_sql("SELECT 1").scalar()

    return Call(run)


def _new_connection(stage: Stage) -> Call:
    arguments = _driver_arguments(stage)

    def run() -> object:
        import MySQLdb

        connection = MySQLdb.connect(**arguments)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
        connection.close()
        return None

    return Call(run)


def _driver_arguments(stage: Stage) -> dict[str, Any]:
    url = _store(stage).reader.url
    return {"host": url.host, "port": url.port or 3306, "user": url.username, "password": url.password or "",
            "database": url.database, "connect_timeout": 10}  # fmt: skip


def _write(stage: Stage) -> Call:
    store = _store(stage)
    _, state = next(iter(data.states(_SMALL, seed=data.SEED + 1)))
    new = data.renamed(state, "written")

    def prepare() -> None:
        old = store.read(["written"])
        store.write("written", old, data.EMPTY)

    def run() -> None:
        with store.lock(["written"]):
            store.write("written", data.EMPTY, new)

    return Call(run, prepare, items=new.facts.num_rows)


def _plain_inserts(stage: Stage) -> Call:
    import MySQLdb

    connection = MySQLdb.connect(**_driver_arguments(stage), charset="utf8mb4")
    stage.own(connection.close)
    _, state = next(iter(data.states(_SMALL, seed=data.SEED + 1)))
    rows = [("plain", *row) for row in zip(*(state.facts[name].to_pylist() for name in _COLUMNS), strict=True)]

    def prepare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM dora_metrics WHERE project = 'plain'")
        connection.commit()

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)
        connection.commit()

    return Call(run, prepare, items=len(rows))


def _with_fewer_indexes(kind: str, missing: tuple[str, ...], rows: int, stage: Stage) -> Call:
    from workbench.bench.metric_cases import question

    filled = stage.metrics("mysql", rows)
    store, clock = stage.copy_of(filled, kind, missing)
    return Call(partial(measure, store, question(filled.project)), server_seconds=clock)
