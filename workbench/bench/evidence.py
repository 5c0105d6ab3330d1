"""What a run finds out beside times: how the dashboard's questions are run, and what servers know of themselves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from workbench.bench.load import closed_loop
from workbench.bench.metric_cases import question
from workbench.errors import WorkbenchError
from workbench.metrics import queries
from workbench.metrics.dora import measure

if TYPE_CHECKING:
    from workbench.bench.servers import Servers
    from workbench.bench.stage import Filled, Stage


_PEOPLE: Final = 20
_POOL_SECONDS: Final = 0.5


def evidence_of(stage: Stage, servers: Servers) -> dict[str, Any]:
    """By store, of the largest that was filled."""
    found: dict[str, Any] = {}
    for filled in stage.filled():
        name = "mysql" if filled.schema else "embedded"
        found[name] = {"rows": filled.rows, **_plans(filled)}
        if filled.schema:
            found[name] |= servers.mysql.evidence(filled.schema)
            found[name]["pool"] = _pool(filled, servers.mysql.most_connections)
    if lines := stage.log_stores("cassandra"):
        found["cassandra"] = servers.cassandra.evidence(lines)  # type: ignore[arg-type]
    return found


def _pool(filled: Filled, most: int) -> dict[str, Any]:
    """Many callers at once: how often all connections of the pool were in use, and the longest wait (seconds)."""
    store: Any = filled.store
    waits: list[float] = []

    def checkout() -> object:
        full = store.reader.pool.checkedout() >= most
        started = time.perf_counter()
        with store.reader.connect() as connection:
            if full:
                waits.append(time.perf_counter() - started)
            return connection.exec_driver_sql("SELECT SLEEP(0.01)").scalar()

    load = closed_loop(checkout, _POOL_SECONDS, _PEOPLE)
    longest = max(waits, default=0.0)
    return {"people": _PEOPLE, "most": most, "checkouts": len(load.seconds), "waits": len(waits), "longest": longest}


def _plans(filled: Filled) -> dict[str, Any]:
    """The plan of each question of the dashboard, and those that read something from end to end."""
    plans, scans = [], []
    for asked in measure(filled.store, question(filled.project)).asked:
        try:
            plan = filled.store.explain(queries.get(asked.query), asked.parameters)
        except WorkbenchError as error:
            plans.append({"query": asked.query, "plan": str(error)})
            continue
        plans.append({"query": asked.query, "plan": plan.text})
        if plan.full_scans:
            scans.append({"query": asked.query, "evidence": "; ".join(plan.full_scans)})
    return {"plans": plans, "full_scans": scans}
