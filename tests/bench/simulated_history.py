"""A history of simulated runs with everything that a report can show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.bench.simulated import PLAN, Machine, case, result, run_of
from workbench.bench.cases import SIZES, Call
from workbench.bench.history import Result, Run
from workbench.bench.measure import measure

TIMES = {"dashboard": 0.0015, "by_phase": 0.006, "count_and_average": 0.030}
EVIDENCE = {
    "left_out": {"cassandra/dsbulk@100k": "dsbulk is not <installed>"},
    "mysql": {
        "rows": 10_000,
        "plans": [{"query": "deployment_counts", "plan": "-> Covering index <range> scan"}],
        "full_scans": [{"query": "by_dates", "evidence": "the table of dora_metrics (about 10,000 rows)"}],
        "unused_indexes": ["dora_metrics.dora_metrics_feature"],
        "slow_log": {"slow": 3, "limit": 1.0, "entries": [
            {"statement": "SELECT <all> FROM dora_metrics", "seconds": 2.5, "rows_examined": 120_000,
             "rows_sent": 7, "name": ""}]},
        "digests": [
            {"name": "deployment_counts", "statement": "SELECT ?", "runs": 200, "seconds": 3.0, "mean_seconds": 0.015,
             "rows_examined": 90_000, "rows_sent": 200, "without_index": 0},
            {"name": "", "statement": "LOAD <DATA>", "runs": 1, "seconds": 9.0, "mean_seconds": 9.0,
             "rows_examined": 0, "rows_sent": 0, "without_index": 0},
            {"name": "coverage", "statement": "SELECT ?", "runs": 200, "seconds": 1.0, "mean_seconds": 0.005,
             "rows_examined": 400, "rows_sent": 200, "without_index": 200}],
        "notes": ["Sizes are <estimates>."],
        "pool": {"people": 20, "most": 15, "checkouts": 900, "waits": 120, "longest": 0.012},
    },
    "cassandra": {
        "keyspace": "logging",
        "tables": [{"keyspace": "logging", "table_name": "infrastructure_logs", "node": "10.0.0.1", "size_mib": 900,
                    "largest_partition_mib": 250, "reads": 40, "read_p50_ms": 0.4, "read_p99_ms": 12.0, "writes": 9000,
                    "write_p50_ms": None, "write_p99_ms": None, "rows_per_read_p99": 1000.0, "tombstones_p99": 900.0,
                    "sstable_tasks": 0}],
        "heaps": {"10.0.0.1": 1.0, "10.0.0.2": 1.0},
        "shared": {"nodes": 2, "cores": 2, "memory_gib": 24},
        "health": [{"name": "compaction", "state": "note", "detail": "90 windows", "remedy": "Use windows of 3 days."}],
    },
}  # fmt: skip


def run(seed: int, slower: float = 1.0, **more: object) -> Run:
    """One run of some cases, with a dashboard so many times slower, and a peer, a cold case, sizes and load."""
    machine = Machine(seed)
    sizes = {"100k": 0.004, "1m": 0.012}
    cases = [(case(name), seconds * (slower if name == "dashboard" else 1)) for name, seconds in TIMES.items()]
    cases += [(case("pandas", peer_of="dashboard", peer_kind="peer"), 0.009)]
    cases += [(case("one_join"), 0.003), (case("n_plus_one", peer_of="one_join", peer_kind="alternative"), 0.09)]
    cases += [(case("dashboard", state="cold"), 0.02)]
    cases += [(replace(case("dashboard"), rows=SIZES[size]), seconds) for size, seconds in sizes.items()]
    made = measure([(one, Call(machine.work(length)), 0.95) for one, length in cases], PLAN,
                   pace=machine.work(0.001), clock=machine.clock)  # fmt: skip
    measured = [result(sample) for sample in made]
    day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=seed)
    return replace(
        run_of([]), id=f"{day:%Y%m%d}T000000Z-00000{seed % 10}", started=day, results=(*measured, *_loads(measured[0])),
        machine=_MACHINE, key="one", options={"stores": ["embedded"], "rows": 1_000_000}, **more,  # type: ignore[arg-type]
    )  # fmt: skip


_MACHINE = {"cpu": "Simulated <CPU>", "cores": 2, "memory_gib": 8, "kernel": "Linux 6", "python": "CPython 3.11",
            "packages": {"duckdb": "2.0"}, "servers": {"embedded": {"version": "DuckDB 2.0"}}}  # fmt: skip


def _loads(base: Result) -> list[Result]:
    same = {"slots": (), "pace": (), "pace_slots": (), "callers": 2, "rate": 900.0}
    slow = [5 * seconds for seconds in base.seconds]
    return [
        replace(base, kind="closed", **same),  # type: ignore[arg-type]
        replace(base, kind="open", seconds=slow, asked_rate=450.0, **same),  # type: ignore[arg-type]
    ]
