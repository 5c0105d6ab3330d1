"""What a run finds out beside times: how the dashboard's questions are run, and what servers know of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.bench.metric_cases import question
from workbench.errors import WorkbenchError
from workbench.metrics import queries
from workbench.metrics.dora import measure

if TYPE_CHECKING:
    from workbench.bench.servers import Servers
    from workbench.bench.stage import Filled, Stage


def evidence_of(stage: Stage, servers: Servers) -> dict[str, Any]:
    """By store, of the largest that was filled."""
    found: dict[str, Any] = {}
    for filled in stage.filled():
        name = "mysql" if filled.schema else "embedded"
        found[name] = {"rows": filled.rows, **_plans(filled)}
        if filled.schema:
            found[name] |= servers.mysql.evidence(filled.schema)
    return found


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
